package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import okhttp3.MediaType;
import okhttp3.MultipartBody;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.mockwebserver.RecordedRequest;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import okio.BufferedSink;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Secrets in bodies that are streamed, long, compressed or in parts. */
class LeavingBodiesTest {

    private static final MediaType TEXT = MediaType.get("text/plain");
    private static final byte[] FILLER =
            "0123456789 all work and no play\n".repeat(40_000).getBytes(StandardCharsets.US_ASCII);

    @TempDir
    Path folder;

    private LeakWorld leak;

    @BeforeEach
    void start() throws IOException {
        leak = new LeakWorld(folder);
    }

    @AfterEach
    void stop() throws IOException {
        leak.close();
    }

    /** A body that is written piece by piece, more than a mebibyte or of unknown length. */
    private static RequestBody streamed(long length, byte[]... pieces) {
        return new RequestBody() {
            @Override
            public MediaType contentType() {
                return TEXT;
            }

            @Override
            public long contentLength() {
                return length;
            }

            @Override
            public void writeTo(BufferedSink sink) throws IOException {
                for (byte[] piece : pieces) {
                    sink.write(piece);
                    sink.flush();
                }
            }
        };
    }

    private static byte[] gzip(byte[]... parts) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            for (byte[] part : parts) {
                gzip.write(part);
            }
        }
        return bytes.toByteArray();
    }

    private void requireRefused(Request request, Layer layer) {
        assertThatThrownBy(() -> leak.calls.newCall(request).execute().close())
                .isInstanceOfSatisfying(EgressDeniedException.class, refused -> {
                    assertThat(refused.decision().reason()).isEqualTo(Reason.SECRET_LEAVING);
                    assertThat(refused.decision().layer()).isEqualTo(layer);
                });
    }

    // ---- streamed

    @ParameterizedTest
    @EnumSource(names = {"HTTP_1_1", "HTTP_2"})
    void streamedBody_withASecretOverTwoPieces_isBrokenOff(Protocol protocol) throws Exception {
        leak.protocol(protocol);
        byte[] secret = LeakWorld.bytes(LeakWorld.CRM);
        for (SecretForm form : SecretForm.values()) {
            byte[] written = LeakWorld.bytes(form.of(LeakWorld.CRM));
            int half = written.length / 2;
            RequestBody body = streamed(
                    -1,
                    FILLER,
                    java.util.Arrays.copyOf(written, half),
                    java.util.Arrays.copyOfRange(written, half, written.length),
                    secret);
            requireRefused(leak.partner().post(body).build(), Layer.UNDER_WAY);

            RecordedRequest seen = leak.world.provider.server.takeRequest(30, TimeUnit.SECONDS);
            assertThat(seen.getFailure()).as("the request is not whole").isNotNull();
            assertThat(seen.getBody().readUtf8())
                    .doesNotContain(form.of(LeakWorld.CRM).substring(0, 8));
        }

        leak.world.runtime.close();
        List<JsonNode> calls = leak.world.records("egress.call");
        assertThat(calls).hasSize(SecretForm.values().length);
        for (JsonNode call : calls) {
            JsonNode said = call.path("attributes");
            assertThat(said.path("secure_runtime.action").asText()).isEqualTo("cut");
            assertThat(said.path("secure_runtime.secret").asText()).isEqualTo("crm");
            assertThat(said.path("secure_runtime.found_in").asText()).isEqualTo("body");
        }
    }

    /** A body is code of the caller's: what it throws says nothing of what it was told. */
    @ParameterizedTest
    @EnumSource(names = {"HTTP_1_1", "HTTP_2"})
    void streamedBody_thatThrowsSomethingElseInsteadOfTheRefusal_isRecordedAsRefused(Protocol protocol)
            throws Exception {
        leak.protocol(protocol);
        for (Exception instead : List.of(new IOException("the disk is gone"), new IllegalStateException("a bug"))) {
            RequestBody written = streamed(-1, FILLER, LeakWorld.bytes(LeakWorld.CRM), FILLER);
            RequestBody body = new RequestBody() {
                @Override
                public MediaType contentType() {
                    return TEXT;
                }

                @Override
                public void writeTo(BufferedSink sink) throws IOException {
                    try {
                        written.writeTo(sink);
                    } catch (IOException refusal) {
                        if (instead instanceof IOException broken) {
                            throw broken;
                        }
                        throw (RuntimeException) instead;
                    }
                }
            };
            assertThatThrownBy(() -> leak.calls
                            .newCall(leak.partner().post(body).build())
                            .execute())
                    .isInstanceOf(Exception.class);
        }
        leak.world.runtime.close();
        List<JsonNode> calls = leak.world.records("egress.call");
        assertThat(calls).hasSize(2);
        for (JsonNode call : calls) {
            JsonNode said = call.path("attributes");
            assertThat(said.path("secure_runtime.verdict").asText()).isEqualTo("deny");
            assertThat(said.path("error.type").asText()).isEqualTo("SR-EGRESS-006");
            assertThat(said.path("secure_runtime.secret").asText()).isEqualTo("crm");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"HTTP_1_1", "HTTP_2"})
    void streamedBody_withoutASecret_arrivesWhole(Protocol protocol) throws Exception {
        leak.protocol(protocol);
        byte[] end = LeakWorld.bytes("and a part of crm/secret+value");
        long length = FILLER.length + end.length;
        for (long announced : new long[] {-1, length}) {
            leak.world.provider.answer(LoopbackServer.json("{}"));
            leak.calls
                    .newCall(leak.partner()
                            .post(streamed(announced, FILLER, end))
                            .build())
                    .execute()
                    .close();
            RecordedRequest seen = leak.world.provider.server.takeRequest(20, TimeUnit.SECONDS);
            assertThat(seen.getBodySize()).isEqualTo(length);
            assertThat(seen.getBody().readUtf8())
                    .isEqualTo(
                            new String(FILLER, StandardCharsets.US_ASCII) + new String(end, StandardCharsets.US_ASCII));
        }
    }

    @Test
    void streamedBody_brokenOff_hasLeftUpToTheSecretAndNotAByteOfIt() throws Exception {
        try (Sink sink = new Sink(LeakWorld.OPENAI, LeakWorld.PARTNER)) {
            byte[] before = LeakWorld.bytes("<<<the last words in front of it>>>");
            RequestBody body = streamed(-1, FILLER, before, LeakWorld.bytes(LeakWorld.OPENAI_KEY), FILLER);
            String url = "https://" + LeakWorld.PARTNER + ":" + sink.port() + "/";
            leak.world.runtime.reload(leak.policyFor(sink.port()));
            requireRefused(new Request.Builder().url(url).post(body).build(), Layer.UNDER_WAY);

            String seen = sink.received();
            assertThat(seen)
                    .contains("all work and no play")
                    .doesNotContain("sk-real")
                    .doesNotContain("in front of it>>>s");
            assertThat(seen).endsWith("\r\n"); // of a chunk, and not of the last one
            assertThat(seen).doesNotContain("\r\n0\r\n");
        }
    }

    // ---- held, compressed, in parts, wrapped

    static List<byte[]> bodiesWithASecret() throws IOException {
        byte[] secret = LeakWorld.bytes(LeakWorld.CRM);
        String mime = Base64.getMimeEncoder(64, LeakWorld.bytes("\r\n"))
                .encodeToString(LeakWorld.bytes("x".repeat(40) + LeakWorld.CRM + "y".repeat(80)));
        MultipartBody parts = new MultipartBody.Builder()
                .addFormDataPart("a", "b")
                .addFormDataPart("file", "f.txt", RequestBody.create(secret, TEXT))
                .build();
        okio.Buffer written = new okio.Buffer();
        parts.writeTo(written);
        return List.of(LeakWorld.bytes(mime), LeakWorld.bytes(mime.replace("\r\n", "\n")), written.readByteArray());
    }

    @ParameterizedTest
    @MethodSource("bodiesWithASecret")
    void heldBody_wrappedOrInParts_isRefusedBeforeAnythingLeaves(byte[] body) {
        requireRefused(leak.partner().post(RequestBody.create(body, TEXT)).build(), Layer.REQUEST);
        assertThat(leak.world.provider.connections()).isZero();
        requireRefused(leak.partner().post(streamed(-1, FILLER, body)).build(), Layer.UNDER_WAY);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "x-gzip", "GZip", "identity, gzip"})
    void compressedBody_isLookedInto(String coding) throws Exception {
        byte[] secret = LeakWorld.bytes("{\"k\":\"" + LeakWorld.OPENAI_KEY + "\"}");
        byte[] zipped = gzip(secret);
        Request bare = leak.partner()
                .header("Content-Encoding", coding)
                .post(RequestBody.create(zipped, TEXT))
                .build();
        leak.world.provider.answer(LoopbackServer.json("{}"));
        leak.bare().newCall(bare).execute().close();
        assertThat(leak.world.provider.server.takeRequest(20, TimeUnit.SECONDS).getBodySize())
                .isEqualTo(zipped.length);
        int connections = leak.world.provider.connections();

        requireRefused(bare, Layer.REQUEST);
        assertThat(leak.world.provider.connections()).isEqualTo(connections);
        byte[] longer = gzip(
                FILLER,
                new java.util.Random(1)
                        .ints(2 << 20)
                        .mapToObj(i -> "" + i)
                        .limit(200_000)
                        .collect(java.util.stream.Collectors.joining())
                        .getBytes(StandardCharsets.US_ASCII),
                secret);
        assertThat(longer.length).isGreaterThan(64 * 1024);
        requireRefused(
                leak.partner()
                        .header("Content-Encoding", coding)
                        .post(streamed(-1, longer))
                        .build(),
                Layer.UNDER_WAY);
        assertThat(leak.world.provider.server.takeRequest(30, TimeUnit.SECONDS).getFailure())
                .isNotNull();
    }

    @Test
    void compressedBody_withoutASecret_arrivesAsItIs() throws Exception {
        byte[] zipped = gzip(FILLER);
        for (RequestBody body : List.of(RequestBody.create(zipped, TEXT), streamed(-1, zipped))) {
            leak.world.provider.answer(LoopbackServer.json("{}"));
            leak.calls
                    .newCall(leak.partner()
                            .header("Content-Encoding", "gzip")
                            .post(body)
                            .build())
                    .execute()
                    .close();
            assertThat(leak.world
                            .provider
                            .server
                            .takeRequest(20, TimeUnit.SECONDS)
                            .getBody()
                            .readByteArray())
                    .isEqualTo(zipped);
        }
    }

    @Test
    void bodyThatIsNotWhatItsEncodingSays_isRefused() {
        assertThatThrownBy(() -> leak.calls
                        .newCall(leak.partner()
                                .header("Content-Encoding", "gzip")
                                .post(RequestBody.create("plain", TEXT))
                                .build())
                        .execute())
                .isInstanceOfSatisfying(
                        EgressDeniedException.class,
                        refused -> assertThat(refused.decision().reason()).isEqualTo(Reason.BODY_UNSEARCHABLE));
        assertThat(leak.world.provider.connections()).isZero();
    }

    /** Takes one connection over TLS and keeps what arrives on it, complete or not. */
    private static final class Sink implements AutoCloseable {

        private final ServerSocket server;
        private final CompletableFuture<String> received = new CompletableFuture<>();

        Sink(String... names) throws IOException {
            HeldCertificate.Builder certificate = new HeldCertificate.Builder().signedBy(LoopbackServer.ROOT);
            for (String name : names) {
                certificate.addSubjectAlternativeName(name);
            }
            server = new HandshakeCertificates.Builder()
                    .heldCertificate(certificate.build())
                    .build()
                    .sslContext()
                    .getServerSocketFactory()
                    .createServerSocket(0, 1, InetAddress.getByName("127.0.0.1"));
            Thread thread = new Thread(this::take, "sink");
            thread.setDaemon(true);
            thread.start();
        }

        private void take() {
            ByteArrayOutputStream seen = new ByteArrayOutputStream();
            try (Socket socket = server.accept()) {
                InputStream in = socket.getInputStream();
                byte[] buffer = new byte[8_192];
                for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                    seen.write(buffer, 0, read);
                }
            } catch (IOException e) {
                // The connection was broken off: what came before is what counts.
            }
            received.complete(seen.toString(StandardCharsets.ISO_8859_1));
        }

        int port() {
            return server.getLocalPort();
        }

        String received() throws Exception {
            return received.get(30, TimeUnit.SECONDS);
        }

        @Override
        public void close() throws IOException {
            server.close();
        }
    }
}
