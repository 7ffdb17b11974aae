package dev.secureruntime.core.okhttp;

import java.nio.file.Path;
import okhttp3.Protocol;
import okhttp3.Response;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A thousand reloads under load. */
class ReloadStormTest {

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
            new ReloadStorm(world, 1_000).rageOver(host -> {
                try (Response response = world.calls.newCall(world.get(host)).execute()) {
                    response.body().string();
                    return response.code();
                }
            });
        }
    }
}
