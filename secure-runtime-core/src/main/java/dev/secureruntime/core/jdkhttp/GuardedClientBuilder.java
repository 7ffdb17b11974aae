package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.http.OnDenial;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.net.Authenticator;
import java.net.CookieHandler;
import java.net.InetAddress;
import java.net.ProxySelector;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpClient.Version;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Executor;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;

/** Builds guarded clients for code that brings its own settings; those that would lead around the guard are refused. */
final class GuardedClientBuilder implements HttpClient.Builder {

    private static final int MAX_PRIORITY = 256;

    private final JdkTransport transport;
    private final OnDenial onDenial;
    private @Nullable Duration connectTimeout;
    private @Nullable Executor executor;
    private Version version = Version.HTTP_2;
    private Redirect redirects = Redirect.NEVER;
    private int priority;

    GuardedClientBuilder(JdkTransport transport, OnDenial onDenial) {
        this.transport = transport;
        this.onDenial = onDenial;
    }

    @Override
    public HttpClient.Builder connectTimeout(Duration duration) {
        if (duration.isNegative() || duration.isZero()) {
            throw new IllegalArgumentException("a connect timeout is longer than nothing");
        }
        connectTimeout = duration;
        return this;
    }

    @Override
    public HttpClient.Builder executor(Executor completing) {
        executor = Objects.requireNonNull(completing);
        return this;
    }

    @Override
    public HttpClient.Builder followRedirects(Redirect policy) {
        redirects = Objects.requireNonNull(policy);
        return this;
    }

    @Override
    public HttpClient.Builder version(Version asked) {
        if (asked != Version.HTTP_1_1 && asked != Version.HTTP_2) {
            throw refused("version(" + asked + ")", "HTTP/1.1 and HTTP/2 are guarded, no other version");
        }
        version = asked;
        return this;
    }

    @Override
    public HttpClient.Builder priority(int asked) {
        if (asked < 1 || asked > MAX_PRIORITY) {
            throw new IllegalArgumentException("a priority is from 1 to " + MAX_PRIORITY);
        }
        priority = asked;
        return this;
    }

    @Override
    public HttpClient.Builder proxy(ProxySelector selector) {
        if (selector != HttpClient.Builder.NO_PROXY) {
            throw refused("proxy", "guarded requests go where the policy says, through no proxy of the client's");
        }
        return this;
    }

    @Override
    public HttpClient.Builder cookieHandler(CookieHandler handler) {
        throw refused("cookieHandler", "set the Cookie header on the requests that need it");
    }

    @Override
    public HttpClient.Builder authenticator(Authenticator authenticator) {
        throw refused("authenticator", "bind the credential to its host in the policy");
    }

    @Override
    public HttpClient.Builder sslContext(SSLContext context) {
        throw refused("sslContext", "say whom to trust with SecureRuntime.builder().trustManager(..)");
    }

    @Override
    public HttpClient.Builder sslParameters(SSLParameters parameters) {
        throw refused("sslParameters", "TLS is as the platform has it; restrict it with jdk.tls.disabledAlgorithms");
    }

    /** Of Java 19 and later. */
    public HttpClient.Builder localAddress(@Nullable InetAddress address) {
        if (address != null) {
            throw refused("localAddress", "the system chooses it");
        }
        return this;
    }

    private static SecureRuntimeException refused(String setting, String instead) {
        return new SecureRuntimeException(
                ErrorCode.RUNTIME_MISCONFIGURED, "a guarded HttpClient takes no " + setting + ": " + instead);
    }

    @Override
    public HttpClient build() {
        return new GuardedClient(
                transport, new ClientSettings(connectTimeout, version, redirects, priority), executor, onDenial);
    }
}
