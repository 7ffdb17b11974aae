package dev.secureruntime.core.apache;

import dev.secureruntime.core.okhttp.ReloadStorm;
import dev.secureruntime.core.okhttp.ReloadWorld;
import java.nio.file.Path;
import okhttp3.Protocol;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Reloads under load. */
class ApacheReloadStormTest {

    @TempDir
    Path folder;

    @Test
    @Timeout(180)
    void reloads_underLoad_neverMixTwoPolicies_andLeaveNoConnectionThatTheLastRefuses() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1);
                CloseableHttpClient client = GuardedApache.throwingClient(world.agent)) {
            new ReloadStorm(world, 1_000).rageOver(host -> {
                HttpGet get = new HttpGet(world.get(host).url().uri());
                try (ClassicHttpResponse response = client.executeOpen(null, get, null)) {
                    EntityUtils.consume(response.getEntity());
                    return response.getCode();
                }
            });
        }
    }
}
