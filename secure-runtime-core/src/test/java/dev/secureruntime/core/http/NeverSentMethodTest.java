package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.secureruntime.core.apache.GuardedApache;
import dev.secureruntime.core.jdkhttp.GuardedJdkHttp;
import dev.secureruntime.core.okhttp.GuardedOkHttp;
import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import okhttp3.Request;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** TRACE is never sent, and whoever sends it is told what to send instead, by every adapter. */
class NeverSentMethodTest {

    @TempDir
    Path folder;

    @Test
    void trace_isRefusedWithItsOwnRemedy() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            String url = world.url(GuardedWorld.OPENAI, "/");
            assertRefused(() -> GuardedOkHttp.callFactory(world.agent)
                    .newCall(
                            new Request.Builder().url(url).method("TRACE", null).build())
                    .execute());
            assertRefused(() -> GuardedJdkHttp.client(world.agent)
                    .send(
                            HttpRequest.newBuilder(URI.create(url))
                                    .method("TRACE", BodyPublishers.noBody())
                                    .build(),
                            BodyHandlers.discarding()));
            assertRefused(() -> GuardedApache.throwingClient(world.agent)
                    .execute(new HttpUriRequestBase("TRACE", URI.create(url)), response -> ""));
            assertThat(world.provider.connections()).isZero();
        }
    }

    private static void assertRefused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThat(catchThrowable(call)).isInstanceOfSatisfying(EgressDeniedException.class, denial -> {
            assertThat(denial.code()).isEqualTo(ErrorCode.EGRESS_MALFORMED_TARGET);
            assertThat(denial.decision().remedy()).isEqualTo("use another method, such as GET or POST");
        });
    }
}
