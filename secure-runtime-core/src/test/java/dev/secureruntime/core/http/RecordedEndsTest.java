package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.apache.GuardedApache;
import dev.secureruntime.core.jdkhttp.GuardedJdkHttp;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.core.okhttp.ReloadWorld;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.Protocol;
import okhttp3.Response;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How a call ended is what its record says, whatever the caller's code says or does at its end. */
class RecordedEndsTest {

    @TempDir
    Path folder;

    private ReloadWorld world;

    @BeforeEach
    void start() throws IOException {
        world = new ReloadWorld(folder, Protocol.HTTP_1_1);
    }

    @AfterEach
    void stop() throws IOException {
        world.close();
    }

    private void assertCut() throws IOException {
        JsonNode call = world.onlyCall();
        assertThat(call.path("secure_runtime.verdict").asText()).isEqualTo("deny");
        assertThat(call.path("secure_runtime.action").asText()).isEqualTo("cut");
        assertThat(call.path("http.response.status_code").asInt()).isEqualTo(200);
    }

    @Test
    void answer_ofOkHttp_thatIsClosedOnceAPolicyCutIt_isRecordedAsCut() throws Exception {
        world.left.answer(LoopbackServer.slow());
        try (Response response =
                world.calls.newCall(world.get(ReloadWorld.LEFT)).execute()) {
            assertThat(response.code()).isEqualTo(200);
            assertThat(world.runtime.reload(world.rightPolicy()).cutCalls()).isEqualTo(1);
        }

        assertCut();
    }

    @Test
    void answer_ofApache_thatIsClosedOnceAPolicyCutIt_isRecordedAsCut() throws Exception {
        world.left.answer(LoopbackServer.slow());
        HttpGet get = new HttpGet(world.get(ReloadWorld.LEFT).url().uri());
        try (ClassicHttpResponse response =
                GuardedApache.throwingClient(world.agent).executeOpen(null, get, null)) {
            assertThat(response.getCode()).isEqualTo(200);
            assertThat(world.runtime.reload(world.rightPolicy()).cutCalls()).isEqualTo(1);
        }

        assertCut();
    }

    /** Cancels its call when it is told the end, and is ready later. */
    private static final class CancellingSubscriber implements BodySubscriber<String> {

        private final CompletableFuture<CompletableFuture<?>> call = new CompletableFuture<>();
        private final CompletableFuture<String> body = new CompletableFuture<>();
        private final AtomicInteger ends = new AtomicInteger();

        @Override
        public CompletionStage<String> getBody() {
            return body;
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            subscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(List<ByteBuffer> item) {
            // Not looked at.
        }

        @Override
        public void onError(Throwable failure) {
            ends.incrementAndGet();
            body.completeExceptionally(failure);
        }

        @Override
        public void onComplete() {
            ends.incrementAndGet();
            call.orTimeout(20, TimeUnit.SECONDS).join().cancel(true);
            body.complete("");
        }
    }

    @Test
    void subscriber_isToldOneEnd_whenTheCallIsCutAtIt() throws Exception {
        world.left.answer(LoopbackServer.json("{}"));
        HttpRequest get =
                HttpRequest.newBuilder(world.get(ReloadWorld.LEFT).url().uri()).build();
        CancellingSubscriber subscriber = new CancellingSubscriber();
        subscriber.call.complete(GuardedJdkHttp.client(world.agent).sendAsync(get, info -> subscriber));

        subscriber.body.get(20, TimeUnit.SECONDS);
        world.runtime.close();

        assertThat(subscriber.ends).hasValue(1);
    }
}
