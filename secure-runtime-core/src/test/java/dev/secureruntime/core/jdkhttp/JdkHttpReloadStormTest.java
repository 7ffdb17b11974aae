package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.okhttp.ReloadStorm;
import dev.secureruntime.core.okhttp.ReloadWorld;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import okhttp3.Protocol;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Reloads under load, each of which takes the JDK's clients and their connections out of use. */
class JdkHttpReloadStormTest {

    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(
            value = Protocol.class,
            names = {"HTTP_1_1", "HTTP_2"})
    @Timeout(180)
    void reloads_underLoad_neverMixTwoPolicies_andLeaveNoConnectionThatTheLastRefuses(Protocol protocol)
            throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol)) {
            HttpClient client = GuardedJdkHttp.builder(world.agent)
                    .version(protocol == Protocol.HTTP_2 ? Version.HTTP_2 : Version.HTTP_1_1)
                    .build();
            new ReloadStorm(world, 200).rageOver(host -> {
                HttpRequest request = HttpRequest.newBuilder(
                                world.get(host).url().uri())
                        .timeout(Duration.ofSeconds(60))
                        .POST(BodyPublishers.ofString(host)) // unlike GET never tried twice
                        .build();
                return client.send(request, BodyHandlers.ofString()).statusCode();
            });
        }
    }
}
