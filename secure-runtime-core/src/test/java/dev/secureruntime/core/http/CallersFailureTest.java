package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.apache.GuardedApache;
import dev.secureruntime.core.jdkhttp.GuardedJdkHttp;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.core.okhttp.ReloadWorld;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;
import okhttp3.MediaType;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okio.BufferedSink;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.io.entity.AbstractHttpEntity;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a call's record says of refusals that its body, which is the caller's code, keeps to itself, passes on or makes up. */
class CallersFailureTest {

    private static final byte[] SENT = new byte[100_000];

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

    private void assertNotRefused() throws IOException {
        JsonNode call = world.onlyCall();
        assertThat(call.path("secure_runtime.verdict").asText()).isEqualTo("allow");
        assertThat(call.path("secure_runtime.rule").asText()).isEqualTo(ReloadWorld.LEFT);
        assertThat(call.path("error.type").asText()).doesNotContain("SR-EGRESS");
    }

    private HttpRequest get() {
        return HttpRequest.newBuilder(world.get(ReloadWorld.LEFT).url().uri()).build();
    }

    // ---- refusals that the caller's code keeps to itself

    private void limit() {
        ByteBudget budget = ByteBudget.of(ReloadWorld.LEFT, 50_000, Duration.ofHours(1));
        world.runtime.reload(world.policy(
                "left-key",
                ComponentPolicy.builder()
                        .secret("left-key")
                        .allow(ReloadWorld.allowing(ReloadWorld.LEFT, world.left))
                        .allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(world.left.port())))
                        .budget(budget)));
    }

    private void assertCutForItsBudget() throws IOException {
        JsonNode call = world.onlyCall();
        assertThat(call.path("secure_runtime.action").asText()).isEqualTo("cut");
        assertThat(call.path("error.type").asText()).isEqualTo("SR-EGRESS-007");
    }

    @Test
    void body_ofOkHttp_thatHidesWhyItWasStopped_isRecordedAsCut() throws Exception {
        limit();
        Request post = world.get(ReloadWorld.LEFT)
                .newBuilder()
                .post(writing(sink -> {
                    try {
                        sink.write(SENT).flush();
                    } catch (IOException stopped) {
                        throw new IllegalStateException("of the caller");
                    }
                }))
                .build();

        assertThatThrownBy(() -> world.calls.newCall(post).execute())
                .hasRootCauseInstanceOf(IllegalStateException.class);

        assertCutForItsBudget();
    }

    @Test
    void body_ofOkHttp_thatFailsForItsOwnReasonsOnceItWasStopped_isRecordedAsCut() throws Exception {
        limit();
        Request post = world.get(ReloadWorld.LEFT)
                .newBuilder()
                .post(writing(sink -> {
                    try {
                        sink.write(SENT).flush();
                    } catch (IOException stopped) {
                        throw new IOException("of the caller");
                    }
                }))
                .build();

        assertThatThrownBy(() -> world.calls.newCall(post).execute()).isInstanceOf(EgressDeniedException.class);

        assertCutForItsBudget();
    }

    @Test
    void entity_ofApache_thatHidesWhyItWasStopped_isRecordedAsCut() throws Exception {
        limit();
        HttpPost post = new HttpPost(world.get(ReloadWorld.LEFT).url().uri());
        post.setEntity(entity(target -> {
            try {
                target.write(SENT);
            } catch (IOException stopped) {
                throw new IllegalStateException("of the caller");
            }
        }));

        assertThatThrownBy(() -> GuardedApache.throwingClient(world.agent).executeOpen(null, post, null))
                .hasRootCauseInstanceOf(IllegalStateException.class);

        assertCutForItsBudget();
    }

    // ---- refusals that the caller's code makes up

    /** What a body does. */
    private interface Writing<T> {
        void to(T target) throws IOException;
    }

    private static RequestBody writing(Writing<BufferedSink> what) {
        return new RequestBody() {
            @Override
            public MediaType contentType() {
                return null;
            }

            @Override
            public void writeTo(BufferedSink sink) throws IOException {
                what.to(sink);
            }
        };
    }

    private static AbstractHttpEntity entity(Writing<OutputStream> what) {
        return new AbstractHttpEntity((ContentType) null, null, true) {
            @Override
            public void writeTo(OutputStream target) throws IOException {
                what.to(target);
            }

            @Override
            public InputStream getContent() {
                throw new UnsupportedOperationException("written only");
            }

            @Override
            public boolean isStreaming() {
                return true;
            }

            @Override
            public long getContentLength() {
                return -1;
            }

            @Override
            public void close() {
                // Nothing to close.
            }
        };
    }

    private static EgressDeniedException forged() {
        Denied denied = new Denied(ErrorCode.EGRESS_DENIED, Reason.DENY_RULE, "made up", null, "").by("made-up-rule");
        return new EgressDeniedException(
                new EgressRequest("agent", "POST", "https", ReloadWorld.LEFT, 443, "/", List.of()), denied);
    }

    @Test
    void body_ofOkHttp_thatMakesARefusalUp_isRecordedAsFailed() throws Exception {
        RequestBody body = writing(sink -> {
            sink.write(SENT).flush();
            throw forged();
        });
        Request post = world.get(ReloadWorld.LEFT).newBuilder().post(body).build();

        assertThatThrownBy(() -> world.calls.newCall(post).execute())
                .isInstanceOf(IOException.class)
                .isNotInstanceOf(EgressDeniedException.class)
                .hasRootCauseInstanceOf(EgressDeniedException.class);

        assertNotRefused();
    }

    @Test
    void entity_ofApache_thatMakesARefusalUp_isRecordedAsFailed() throws Exception {
        HttpPost post = new HttpPost(world.get(ReloadWorld.LEFT).url().uri());
        post.setEntity(entity(target -> {
            target.write(SENT);
            throw forged();
        }));

        assertThatThrownBy(() -> GuardedApache.throwingClient(world.agent).executeOpen(null, post, null))
                .isInstanceOf(IOException.class)
                .isNotInstanceOf(EgressDeniedException.class)
                .hasRootCauseInstanceOf(EgressDeniedException.class);

        assertNotRefused();
    }

    private void assertFails(HttpRequest request, BodyHandler<String> handler) {
        assertThatThrownBy(() -> GuardedJdkHttp.client(world.agent).send(request, handler))
                .isInstanceOf(IOException.class)
                .isNotInstanceOf(EgressDeniedException.class);
    }

    @Test
    void publisher_ofTheJdk_thatMakesARefusalUp_isRecordedAsFailed() throws Exception {
        HttpRequest post = HttpRequest.newBuilder(get().uri())
                .POST(BodyPublishers.fromPublisher(subscriber -> subscriber.onSubscribe(new Subscription() {
                    private boolean failed;

                    @Override
                    public void request(long n) {
                        if (!failed) {
                            failed = true;
                            subscriber.onNext(ByteBuffer.wrap(SENT));
                            subscriber.onError(forged());
                        }
                    }

                    @Override
                    public void cancel() {
                        // Nothing more comes.
                    }
                })))
                .build();

        assertFails(post, BodyHandlers.ofString());

        assertNotRefused();
    }

    @Test
    void subscriber_ofTheJdk_thatMakesARefusalUp_isRecordedAsFailed() throws Exception {
        world.left.answer(LoopbackServer.slow());

        assertFails(get(), info -> new FailingSubscriber());

        assertNotRefused();
    }

    /** Has its body, a failure, before it is told anything. */
    private static final class FailingSubscriber implements BodySubscriber<String> {

        @Override
        public CompletionStage<String> getBody() {
            return CompletableFuture.failedFuture(forged());
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            // Asks for nothing.
        }

        @Override
        public void onNext(List<ByteBuffer> item) {
            // Not looked at.
        }

        @Override
        public void onError(Throwable failure) {
            // Not looked at.
        }

        @Override
        public void onComplete() {
            // Not looked at.
        }
    }
}
