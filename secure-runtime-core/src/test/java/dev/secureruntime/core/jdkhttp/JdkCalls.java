package dev.secureruntime.core.jdkhttp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.core.okhttp.LoopbackServer;
import java.net.URI;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import okhttp3.mockwebserver.RecordedRequest;

/** Requests of {@code java.net.http}, as its tests make them. */
final class JdkCalls {

    private JdkCalls() {}

    static HttpRequest.Builder to(String url) {
        return HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(30));
    }

    /** The server's next request. */
    static RecordedRequest taken(LoopbackServer server) throws InterruptedException {
        RecordedRequest request = server.server.takeRequest(20, TimeUnit.SECONDS);
        assertThat(request).isNotNull();
        return request;
    }
}
