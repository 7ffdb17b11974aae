package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.http.Origin;
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

    Duration connectTimeoutOrOwn() {
        return connectTimeout == null ? CONNECT_TIMEOUT : connectTimeout;
    }

    /**
     * What one of the JDK's clients is made for. It keeps one pool for everything that goes to a proxy in the clear: with a
     * client for each origin, an answer to one is never read as another's.
     *
     * @param plain the origin, where requests go there over http; null for all of https
     */
    record OfClient(Version version, int priority, @Nullable Origin plain) {

        void applyTo(HttpClient.Builder client) {
            client.version(version);
            if (priority > 0) {
                client.priority(priority);
            }
        }
    }

    OfClient ofClient(Origin target) {
        return new OfClient(version, priority, target.scheme().equals("https") ? null : target);
    }
}
