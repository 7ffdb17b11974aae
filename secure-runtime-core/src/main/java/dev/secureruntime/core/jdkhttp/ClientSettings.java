package dev.secureruntime.core.jdkhttp;

import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpClient.Version;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a caller may choose.
 *
 * @param connectTimeout for each address; null: 30 seconds
 * @param version the version that is asked for first
 * @param redirects which redirects are followed
 * @param priority of HTTP/2 streams; 0: the client's own
 */
record ClientSettings(@Nullable Duration connectTimeout, Version version, Redirect redirects, int priority) {

    static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(30);

    static final ClientSettings NONE = new ClientSettings(null, Version.HTTP_2, Redirect.NEVER, 0);

    Duration connectTimeoutOrOwn() {
        return connectTimeout == null ? CONNECT_TIMEOUT : connectTimeout;
    }

    /** The part that a client of the JDK's is made for; the rest is ours to act on. */
    record OfClient(Version version, int priority) {

        void applyTo(HttpClient.Builder client) {
            client.version(version);
            if (priority > 0) {
                client.priority(priority);
            }
        }
    }

    OfClient ofClient() {
        return new OfClient(version, priority);
    }
}
