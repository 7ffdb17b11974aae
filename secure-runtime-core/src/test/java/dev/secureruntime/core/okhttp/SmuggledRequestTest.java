package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import okhttp3.Headers;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okio.Buffer;
import okio.BufferedSink;
import okio.ForwardingSink;
import okio.RealBufferedSink;
import okio.Sink;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Requests that a client library hides behind the one that was judged. Each attack is also run on a client without the guard,
 * where it works.
 */
class SmuggledRequestTest {

    private static final byte[] SMUGGLED =
            "DELETE /v1/admin HTTP/1.1\r\nHost: evil-front.example\r\nContent-Length: 0\r\n\r\n"
                    .getBytes(StandardCharsets.US_ASCII);

    @TempDir
    Path folder;

    private GuardedWorld world;
    private OkHttpClient guarded;

    @BeforeEach
    void start() throws IOException {
        world = new GuardedWorld(folder);
        guarded = GuardedOkHttp.client(world.agent);
    }

    @AfterEach
    void stop() throws IOException {
        world.close();
    }

    private void onHttp1() {
        // Smuggling is an attack on HTTP/1.1.
        world.provider.server.setProtocols(List.of(Protocol.HTTP_1_1));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, (int) RecordedRequestBody.HELD + 1})
    void bodyThatAnnouncesTwoLengths_smugglesNothing(int honest) throws Exception {
        onHttp1();
        world.provider.answer(LoopbackServer.json("{}"), LoopbackServer.json("{}"));

        assertThatThrownBy(
                        () -> guarded.newCall(world.post(new LyingBody(honest))).execute())
                .hasMessageContaining("longer than");

        assertNothingSmuggled();
    }

    @Test
    void bodyThatAnnouncesTwoLengths_withoutTheGuard_smugglesARequest() throws Exception {
        onHttp1();
        world.provider.answer(LoopbackServer.json("{}"), LoopbackServer.json("{}"));

        world.bare().newCall(world.post(new LyingBody(2))).execute().close();

        assertThat(world.take().getMethod()).isEqualTo("POST");
        assertThat(world.take().getPath()).isEqualTo("/v1/admin");
    }

    @Test
    void bodyThatIsShorterThanAnnounced_isNotSent() {
        RequestBody shorter = new RequestBody() {
            @Override
            public @Nullable MediaType contentType() {
                return null;
            }

            @Override
            public long contentLength() {
                return 10;
            }

            @Override
            public void writeTo(BufferedSink sink) throws IOException {
                sink.writeUtf8("short");
            }
        };

        assertThatThrownBy(() -> guarded.newCall(world.post(shorter)).execute()).hasMessageContaining("announced 10");
        assertThat(world.provider.connections()).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {2, (int) RecordedRequestBody.HELD + 1})
    void bodyThatWalksDownItsSink_findsNoConnection(int length) throws Exception {
        onHttp1();
        world.provider.answer(LoopbackServer.json("{}"), LoopbackServer.json("{}"));
        WalkingBody body = new WalkingBody(length);

        assertThatThrownBy(() -> guarded.newCall(world.post(body)).execute()).isInstanceOf(IOException.class);

        assertThat(body.lowest).isEqualTo(Passing.BoundedSink.class.getName());
        assertNothingSmuggled();
    }

    @Test
    void bodyThatWalksDownItsSink_withoutTheGuard_smugglesARequest() throws Exception {
        onHttp1();
        world.provider.answer(LoopbackServer.json("{}"), LoopbackServer.json("{}"));
        WalkingBody body = new WalkingBody(2);

        world.bare().newCall(world.post(body)).execute().close();

        world.take();
        assertThat(world.take().getPath()).isEqualTo("/v1/admin");
    }

    @Test
    void headerWithLineEnds_isDenied_andWithoutTheGuardSmugglesARequest() throws Exception {
        onHttp1();
        world.provider.answer(LoopbackServer.json("{}"), LoopbackServer.json("{}"));
        Headers lineEnds = new Headers.Builder()
                .addUnsafeNonAscii(
                        "X-Note",
                        "a\r\nContent-Length: 0\r\n\r\n" + new String(SMUGGLED, StandardCharsets.US_ASCII).strip()
                                + "\r\nX: y")
                .build();
        Request request =
                world.get(GuardedWorld.OPENAI).newBuilder().headers(lineEnds).build();

        world.assertMalformed(request);

        world.bare().newCall(request).execute().close();
        world.take();
        assertThat(world.take().getPath()).isEqualTo("/v1/admin");
    }

    @Test
    void twoHostHeaders_orANameWithAColon_areDenied() {
        world.assertMalformed(world.get(GuardedWorld.OPENAI)
                .newBuilder()
                .addHeader("Host", GuardedWorld.EVIL)
                .addHeader("Host", GuardedWorld.OPENAI + ":" + world.provider.port())
                .build());
        world.assertMalformed(world.get(GuardedWorld.OPENAI)
                .newBuilder()
                .headers(new Headers.Builder()
                        .addUnsafeNonAscii("Authorization:Basic", "x")
                        .build())
                .build());
    }

    @Test
    void headersThatFrameTheMessage_areLeftToOkHttp() throws Exception {
        onHttp1();
        world.provider.answer(LoopbackServer.json("{}"));

        guarded.newCall(world.get(GuardedWorld.OPENAI)
                        .newBuilder()
                        .header("Content-Length", "20")
                        .header("Transfer-Encoding", "chunked")
                        .header("Expect", "100-continue")
                        .header("TE", "trailers")
                        .build())
                .execute()
                .close();

        assertThat(world.take().getHeaders().names())
                .doesNotContain("Content-Length", "Transfer-Encoding", "Expect", "TE");
    }

    /** What was announced may have arrived, where the body is long; nothing behind it did. */
    private void assertNothingSmuggled() throws InterruptedException {
        // A later request of our own on a fresh connection: by then the server has read what there was to read.
        world.provider.answer(LoopbackServer.json("{}"));
        assertThatNoException().isThrownBy(() -> world.bare()
                .newCall(world.get(GuardedWorld.PARTNER))
                .execute()
                .close());
        for (int seen = world.provider.server.getRequestCount(); seen > 0; seen--) {
            assertThat(world.take().getPath()).isNotEqualTo("/v1/admin");
        }
    }

    /** Announces another length to whoever asks a second time. */
    private static final class LyingBody extends RequestBody {
        private final int honest;
        private int asked;

        LyingBody(int honest) {
            this.honest = honest;
        }

        @Override
        public @Nullable MediaType contentType() {
            return MediaType.get("application/json");
        }

        @Override
        public long contentLength() {
            asked++;
            return asked >= 2 ? honest + SMUGGLED.length : honest;
        }

        @Override
        public void writeTo(BufferedSink sink) throws IOException {
            sink.write(new byte[honest]);
            sink.write(SMUGGLED);
        }
    }

    /** Goes down the chain of sinks, and writes past the one that counts. */
    private static final class WalkingBody extends RequestBody {
        private final int length;
        private String lowest = "";

        WalkingBody(int length) {
            this.length = length;
        }

        @Override
        public @Nullable MediaType contentType() {
            return MediaType.get("application/json");
        }

        @Override
        public long contentLength() {
            return length;
        }

        @Override
        public void writeTo(BufferedSink sink) throws IOException {
            sink.write(new byte[length]);
            sink.emit();
            Object below = sink;
            while (true) {
                if (below instanceof RealBufferedSink real) {
                    below = real.sink;
                } else if (below instanceof ForwardingSink forwarding) {
                    below = forwarding.delegate();
                } else {
                    break;
                }
            }
            lowest = below.getClass().getName();
            ((Sink) below).write(new Buffer().write(SMUGGLED), SMUGGLED.length);
        }
    }
}
