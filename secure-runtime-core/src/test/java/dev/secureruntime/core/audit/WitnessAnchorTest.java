package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.secureruntime.audit.AnchorConflictException;
import dev.secureruntime.audit.AnchorEvidence;
import dev.secureruntime.audit.SealedCheckpoint;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.TreeHasher;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.UnaryOperator;
import org.bouncycastle.math.ec.rfc8032.Ed25519;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A witness that answers as no witness should: none of it becomes evidence. */
@Timeout(60)
class WitnessAnchorTest {

    private static final long NOW = 1_700_000_000;

    @TempDir
    private static Path home;

    private static final List<SealedCheckpoint> CHECKPOINTS = new ArrayList<>();

    private final List<String> requests = new CopyOnWriteArrayList<>();
    private final List<Reply> replies = new CopyOnWriteArrayList<>();
    private final CountDownLatch over = new CountDownLatch(1);
    private final byte[] seed = new byte[Ed25519.SECRET_KEY_SIZE];
    private HttpServer server;
    private String key;

    private record Reply(int status, String type, byte[] body) {
        Reply(int status, String body) {
            this(status, "text/plain", body.getBytes(StandardCharsets.UTF_8));
        }

        static Reply size(String size) {
            return new Reply(409, "text/x.tlog.size", (size + "\n").getBytes(StandardCharsets.UTF_8));
        }
    }

    @BeforeAll
    static void writeLog() throws Exception {
        FakeAnchor anchor = new FakeAnchor();
        new AnchorWorld(home, anchor).write(3);
        new AnchorWorld(home, anchor).write(3);
        CHECKPOINTS.addAll(anchor.given);
    }

    @BeforeEach
    void startWitness() throws IOException {
        new SecureRandom().nextBytes(seed);
        key = key("witness.example/w", seed);
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(java.util.concurrent.Executors.newCachedThreadPool());
        server.createContext("/", exchange -> {
            requests.add(exchange.getRequestURI() + "\n"
                    + new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            Reply reply = replies.get(Math.min(requests.size(), replies.size()) - 1);
            exchange.getResponseHeaders().set("Content-Type", reply.type);
            exchange.getResponseHeaders().set("Location", "/elsewhere");
            exchange.sendResponseHeaders(reply.status, 0);
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(reply.body);
                if (reply.body.length == 0) {
                    out.flush();
                    over.await();
                }
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        });
        server.start();
    }

    @AfterEach
    void stopWitness() {
        over.countDown();
        server.stop(0);
    }

    private static byte[] material(byte[] seed) {
        byte[] material = new byte[1 + Ed25519.PUBLIC_KEY_SIZE];
        material[0] = 4;
        Ed25519.generatePublicKey(seed, 0, material, 1);
        return material;
    }

    private static byte[] id(String name, byte[] seed) {
        var sha256 = TreeHasher.sha256();
        sha256.update((name + "\n").getBytes(StandardCharsets.UTF_8));
        return Arrays.copyOf(sha256.digest(material(seed)), 4);
    }

    static String key(String name, byte[] seed) {
        return name + "+" + Hex.text(id(name, seed)) + "+" + Base64.getEncoder().encodeToString(material(seed));
    }

    static String cosign(String name, byte[] seed, long time, byte[] text) {
        byte[] head = ("cosignature/v1\ntime " + time + "\n").getBytes(StandardCharsets.UTF_8);
        byte[] message = ByteBuffer.allocate(head.length + text.length)
                .put(head)
                .put(text)
                .array();
        byte[] signature = new byte[Ed25519.SIGNATURE_SIZE];
        Ed25519.sign(seed, 0, message, 0, message.length, signature, 0);
        byte[] all = ByteBuffer.allocate(76)
                .put(id(name, seed))
                .putLong(time)
                .put(signature)
                .array();
        return "\u2014 " + name + " " + Base64.getEncoder().encodeToString(all) + "\n";
    }

    private static SealedCheckpoint checkpoint() {
        return CHECKPOINTS.get(CHECKPOINTS.size() - 1);
    }

    private String good() {
        return cosign("witness.example/w", seed, NOW, checkpoint().text());
    }

    private WitnessAnchor anchor() {
        return anchor(Duration.ofSeconds(30));
    }

    private WitnessAnchor anchor(Duration limit) {
        URI address = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/prefix");
        return WitnessAnchor.at(address, key, limit, InstantSource.fixed(java.time.Instant.ofEpochSecond(NOW)));
    }

    @Test
    void goodCosignature_amongOthers_isTheEvidence() throws IOException {
        byte[] other = new byte[32];
        String foreign =
                cosign("witness.example/other", other, NOW, checkpoint().text());
        replies.add(new Reply(200, foreign + good()));
        assertThat(anchor().take(checkpoint())).isEqualTo(new AnchorEvidence.Cosigned(List.of(good().strip())));
        assertThat(requests.get(0))
                .isEqualTo("/prefix/add-checkpoint\nold 0\n\n"
                        + new String(checkpoint().note(), StandardCharsets.UTF_8));
    }

    @Test
    void conflictWithASmallerSize_isAnsweredWithAProofOnce() throws IOException {
        long seen = CHECKPOINTS.get(0).size();
        replies.add(Reply.size("" + seen));
        replies.add(new Reply(200, good()));
        WitnessAnchor anchor = anchor();
        anchor.take(checkpoint());
        assertThat(requests).hasSize(2);
        String proof = String.join(
                "\n",
                AuditProofs.consistency(LogFixture.log(home), seen, checkpoint().size()));
        assertThat(requests.get(1)).startsWith("/prefix/add-checkpoint\nold " + seen + "\n" + proof + "\n\n");
        anchor.take(checkpoint());
        assertThat(requests.get(2))
                .startsWith("/prefix/add-checkpoint\nold " + checkpoint().size() + "\n\n");
    }

    @Test
    void answersThatSayRolledBackOrForked_areAlarms() {
        long size = checkpoint().size();
        for (Reply reply : List.of(
                Reply.size("" + (size + 1)),
                Reply.size("9223372036854775807"),
                Reply.size("18446744073709551616"),
                new Reply(422, "proof"))) {
            replies.clear();
            requests.clear();
            replies.add(reply);
            assertThatThrownBy(() -> anchor().take(checkpoint()))
                    .as(new String(reply.body, StandardCharsets.UTF_8))
                    .isInstanceOf(AnchorConflictException.class);
        }
        replies.clear();
        requests.clear();
        replies.add(Reply.size("" + size));
        assertThatThrownBy(() -> anchor().take(checkpoint())).isInstanceOf(AnchorConflictException.class);
        assertThat(requests).hasSize(2);
    }

    @Test
    void answersThatAreNone_areErrorsAndNoEvidence() {
        byte[] wrong = new byte[32];
        String good = good();
        UnaryOperator<String> resigned = text -> cosign("witness.example/w", seed, NOW, text.getBytes());
        for (Reply reply : List.of(
                new Reply(
                        200,
                        cosign("witness.example/w", wrong, NOW, checkpoint().text())),
                new Reply(200, resigned.apply("another checkpoint\n")),
                new Reply(
                        200,
                        cosign(
                                "witness.example/w",
                                seed,
                                NOW - 86_400,
                                checkpoint().text())),
                new Reply(
                        200,
                        cosign(
                                "witness.example/w",
                                seed,
                                NOW + 86_400,
                                checkpoint().text())),
                new Reply(
                        200, cosign("witness.example/w", seed, -1, checkpoint().text())),
                new Reply(200, good.strip()),
                new Reply(200, good + "\n" + good),
                new Reply(200, good.replace('\u2014', '-')),
                new Reply(200, good.replace("=\n", "\n")),
                new Reply(200, "\u0000\u0001garbage"),
                new Reply(200, "\n\n"),
                new Reply(200, (good).repeat(400)),
                new Reply(200, ""),
                new Reply(302, good),
                new Reply(307, good),
                new Reply(403, good),
                new Reply(404, "x"),
                new Reply(500, "x"),
                new Reply(409, "text/plain", "3\n".getBytes()),
                Reply.size("-1"),
                Reply.size("03"),
                Reply.size(""),
                Reply.size("0"),
                Reply.size("3 "),
                Reply.size("999999999999999999999999"))) {
            replies.clear();
            requests.clear();
            replies.add(reply);
            assertThatThrownBy(() -> anchor(Duration.ofSeconds(2)).take(checkpoint()))
                    .as(reply.status + new String(reply.body, StandardCharsets.UTF_8))
                    .isInstanceOf(IOException.class)
                    .isNotInstanceOf(AnchorConflictException.class);
            assertThat(requests).allMatch(request -> request.startsWith("/prefix/add-checkpoint\n"));
        }
    }

    @Test
    void badAddressesAndKeys_areRefused() {
        for (String address : List.of("ftp://w", "http://u:p@w", "https://w/?q=1", "https://w/#f", "file:///w")) {
            assertThatThrownBy(() -> WitnessAnchor.at(URI.create(address), key))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        String logKey = ForgedLog.anyKey("log").verifier().toString();
        for (String bad : List.of("", "x", logKey, key + "=", key.replace("example", "other"))) {
            assertThatThrownBy(() -> WitnessAnchor.at(URI.create("https://w"), bad))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
