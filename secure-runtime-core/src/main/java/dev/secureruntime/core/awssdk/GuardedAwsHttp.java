package dev.secureruntime.core.awssdk;

import dev.secureruntime.Component;
import dev.secureruntime.core.apache.GuardedApache;
import java.time.Duration;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpConfigurationOption;
import software.amazon.awssdk.utils.AttributeMap;

/**
 * Guarded HTTP for synchronous clients of the AWS SDK for Java v2: {@code S3Client.builder().httpClient(..)} or {@code
 * .httpClientBuilder(..)}. Needs {@code httpclient5} on the class path, which the SDK's own client brings.
 *
 * <p>What holds is what {@link GuardedApache} says, since requests run on its connections and not on a client of the SDK's.
 * Path and query are sent as the SDK encoded and signed them, also where it has two slashes in a row. A refused call gets a
 * response 403 with the header {@code X-Secure-Runtime-Denied}, which the SDK reports as a service exception and does not
 * repeat. Redirects are not followed: a signature covers one host and path; the SDK acts on them itself.
 *
 * <p>Signatures are the caller's credentials: {@code Authorization} and {@code x-amz-security-token} go to the allowed host
 * as they are. For a host that a credential of the policy is bound to, they are taken off like all others.
 *
 * <p>What does not hold, or is left out: a client that was built without this one is not seen, and neither are asynchronous
 * clients ({@code SdkAsyncHttpClient}: {@code S3AsyncClient}, Bedrock's streaming over Netty, the CRT client) and what
 * credentials providers and the instance metadata client of the SDK open by themselves. Presigned URLs, and their signature,
 * go wherever a component that is given one may talk. The SDK's proxy configuration, its trust managers and {@code
 * TRUST_ALL_CERTIFICATES} have no effect. {@code Expect: 100-continue} is not sent: a body goes out at once. A body of
 * unknown length that the SDK doesn't frame as chunks is read into memory, as by the SDK's own client. Each try of the SDK
 * is a record of its own.
 *
 * <p>Everything returned is thread-safe.
 */
public final class GuardedAwsHttp {

    private static final Duration CONNECT = Duration.ofSeconds(10);
    /** A model may think for minutes. */
    private static final Duration READ = Duration.ofMinutes(10);

    private GuardedAwsHttp() {}

    /** A client, for {@code httpClient(..)}. */
    public static SdkHttpClient client(Component component) {
        return builder(component).build();
    }

    /** A builder of clients, for {@code httpClientBuilder(..)}. */
    public static Builder builder(Component component) {
        return new Builder(component);
    }

    /** Time-outs; all else is the guard's. Not thread-safe. */
    public static final class Builder implements SdkHttpClient.Builder<Builder> {

        private final Component component;
        private final AttributeMap.Builder set = AttributeMap.builder();

        private Builder(Component component) {
            this.component = component;
        }

        /** The longest time to open a connection; 10 seconds unless set here or by the service. */
        public Builder connectionTimeout(Duration timeout) {
            set.put(SdkHttpConfigurationOption.CONNECTION_TIMEOUT, timeout);
            return this;
        }

        /** The longest silence of a server; 10 minutes unless set here or by the service. */
        public Builder socketTimeout(Duration timeout) {
            set.put(SdkHttpConfigurationOption.READ_TIMEOUT, timeout);
            return this;
        }

        @Override
        public SdkHttpClient buildWithDefaults(AttributeMap serviceDefaults) {
            AttributeMap options = set.build().merge(serviceDefaults);
            Duration connect = options.get(SdkHttpConfigurationOption.CONNECTION_TIMEOUT);
            Duration read = options.get(SdkHttpConfigurationOption.READ_TIMEOUT);
            return new GuardedSdkClient(
                    GuardedApache.client(component), connect == null ? CONNECT : connect, read == null ? READ : read);
        }
    }
}
