package dev.secureruntime.core.awssdk;

import dev.secureruntime.core.okhttp.ReloadStorm;
import dev.secureruntime.core.okhttp.ReloadWorld;
import java.nio.file.Path;
import okhttp3.Protocol;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpFullRequest;
import software.amazon.awssdk.http.SdkHttpMethod;

/** Reloads under load. A refusal is an answer 403 here: its version is told by the records alone. */
class AwsReloadStormTest {

    @TempDir
    Path folder;

    @Test
    @Timeout(180)
    void reloads_underLoad_neverMixTwoPolicies_andLeaveNoConnectionThatTheLastRefuses() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1);
                SdkHttpClient client = GuardedAwsHttp.client(world.agent)) {
            new ReloadStorm(world, 300).rageOver(host -> {
                HttpExecuteResponse response = client.prepareRequest(HttpExecuteRequest.builder()
                                .request(SdkHttpFullRequest.builder()
                                        .method(SdkHttpMethod.GET)
                                        .uri(world.get(host).url().uri())
                                        .build())
                                .build())
                        .call();
                try (AbortableInputStream body = response.responseBody().orElseThrow()) {
                    body.readAllBytes();
                }
                return response.httpResponse().statusCode();
            });
        }
    }
}
