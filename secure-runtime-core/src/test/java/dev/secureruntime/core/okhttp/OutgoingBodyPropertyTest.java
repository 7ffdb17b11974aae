package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.core.Gate;
import dev.secureruntime.core.OutgoingBody;
import dev.secureruntime.core.OutgoingScan;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.invoke.MethodHandles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.InflaterInputStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** What passes {@link OutgoingBody}, in any chunking: all of it, or nothing of a secret. */
class OutgoingBodyPropertyTest {

    private static LeakWorld leak;
    private static Path folder;

    @BeforeContainer
    static void start() throws IOException {
        folder = Files.createTempDirectory("leaving");
        leak = new LeakWorld(folder);
    }

    @AfterContainer
    static void stop() throws IOException {
        leak.close();
        try (var files = Files.walk(folder)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private static OutgoingScan scan(String scheme) {
        Gate gate = Gate.open(leak.world.agent, MethodHandles.lookup());
        EgressRequest asked = new EgressRequest(
                "agent", "POST", scheme, LeakWorld.PARTNER, leak.world.provider.port(), "/", List.of());
        return gate.inForce().outgoing(asked, gate.begin(asked));
    }

    enum Coding {
        IDENTITY {
            @Override
            OutputStream to(OutputStream out) {
                return out;
            }

            @Override
            InputStream from(InputStream in) {
                return in;
            }
        },
        GZIP {
            @Override
            OutputStream to(OutputStream out) throws IOException {
                return new GZIPOutputStream(out);
            }

            @Override
            InputStream from(InputStream in) throws IOException {
                return new GZIPInputStream(in);
            }
        },
        DEFLATE {
            @Override
            OutputStream to(OutputStream out) {
                return new DeflaterOutputStream(out);
            }

            @Override
            InputStream from(InputStream in) {
                return new InflaterInputStream(in);
            }
        };

        abstract OutputStream to(OutputStream out) throws IOException;

        abstract InputStream from(InputStream in) throws IOException;
    }

    private static byte[] written(Coding coding, byte[] plain) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = coding.to(bytes)) {
            out.write(plain);
        }
        return bytes.toByteArray();
    }

    /** What a receiver makes of the bytes that it got, whole or not. */
    private static byte[] understood(Coding coding, byte[] sent) {
        ByteArrayOutputStream plain = new ByteArrayOutputStream();
        try (InputStream in = coding.from(new ByteArrayInputStream(sent))) {
            for (int b = in.read(); b >= 0; b = in.read()) {
                plain.write(b);
            }
        } catch (EOFException e) {
            // It was broken off.
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return plain.toByteArray();
    }

    /** Sends in chunks. Returns whether it was refused; {@code sent} has what left. */
    private static boolean isRefused(Coding coding, byte[] body, int most, Random random, ByteArrayOutputStream sent)
            throws EgressDeniedException {
        OutgoingBody outgoing = scan("https").passing(coding.name());
        try {
            for (int at = 0; at < body.length; ) {
                int length = 1 + random.nextInt(Math.min(most, body.length - at));
                sent.writeBytes(outgoing.pass(Arrays.copyOfRange(body, at, at + length)));
                at += length;
            }
            sent.writeBytes(outgoing.end());
            return false;
        } catch (EgressDeniedException refused) {
            assertThat(refused.decision().detail()).contains("\"crm\"");
            return true;
        }
    }

    private static byte[] noise(Random random, int length) {
        byte[] noise = new byte[length];
        for (int i = 0; i < length; i++) {
            noise[i] = (byte) ("crm/secret+valu \n\r4".charAt(random.nextInt(19)));
        }
        return noise;
    }

    @Property(tries = 150)
    void pass_bodyWithASecret_isRefused_andNothingOfTheSecretHasLeft(
            @ForAll Coding coding,
            @ForAll SecretForm form,
            @ForAll @IntRange(max = 5_000) int before,
            @ForAll @IntRange(max = 500) int behind,
            @ForAll @IntRange(min = 1, max = 3_000) int most,
            @ForAll long seed)
            throws IOException {
        Random random = new Random(seed);
        ByteArrayOutputStream plain = new ByteArrayOutputStream();
        plain.writeBytes(noise(random, before));
        plain.writeBytes(LeakWorld.bytes("<" + form.of(LeakWorld.CRM) + ">"));
        plain.writeBytes(noise(random, behind));
        ByteArrayOutputStream sent = new ByteArrayOutputStream();

        assertThat(isRefused(coding, written(coding, plain.toByteArray()), most, random, sent))
                .isTrue();
        // Base64 is known by what the secret alone decides: of its first character a neighbour decides some bits.
        assertThat(understood(coding, sent.toByteArray()).length).isLessThanOrEqualTo(before + 5);
    }

    @Property(tries = 150)
    void pass_bodyWithoutASecret_leavesWhole(
            @ForAll Coding coding,
            @ForAll @IntRange(max = 5_000) int length,
            @ForAll @IntRange(min = 1, max = 3_000) int most,
            @ForAll long seed)
            throws IOException {
        Random random = new Random(seed);
        byte[] body = written(coding, noise(random, length));
        ByteArrayOutputStream sent = new ByteArrayOutputStream();

        assertThat(isRefused(coding, body, most, random, sent)).isFalse();
        assertThat(sent.toByteArray()).isEqualTo(body);
    }

    @Property(tries = 60)
    void pass_wrappedBase64_isRefused(
            @ForAll @IntRange(max = 200) int before,
            @ForAll @IntRange(min = 1, max = 60) int most,
            @ForAll boolean unix,
            @ForAll long seed)
            throws IOException {
        Random random = new Random(seed);
        byte[] raw = LeakWorld.bytes("x".repeat(before) + LeakWorld.CRM + "y".repeat(90));
        String mime = Base64.getMimeEncoder().encodeToString(raw);
        byte[] body = LeakWorld.bytes(unix ? mime.replace("\r", "") : mime);
        assertThat(isRefused(Coding.IDENTITY, body, most, random, new ByteArrayOutputStream()))
                .isTrue();
    }

    @Example
    void pass_afterARefusal_keepsRefusing() throws Exception {
        OutgoingBody body = scan("https").passing("gzip");
        byte[] nothing = LeakWorld.bytes("no gzip at all");
        assertThat(catchRefusal(() -> body.pass(nothing))).isTrue();
        assertThat(catchRefusal(() -> body.pass(new byte[10]))).isTrue();
        assertThat(catchRefusal(body::end)).isTrue();
    }

    @Example
    void pass_muchThatSaysNothing_isRefusedBeforeItPilesUp() throws Exception {
        OutgoingBody body = scan("https").passing("deflate");
        byte[] empty = new byte[64 * 1024 / 5 * 5]; // blocks that are stored and empty
        for (int i = 0; i < empty.length; i += 5) {
            empty[i + 3] = (byte) 0xff;
            empty[i + 4] = (byte) 0xff;
        }
        body.pass(new byte[] {0x78, (byte) 0x9c});
        assertThat(catchRefusal(() -> {
                    for (int i = 0; i < 40; i++) {
                        body.pass(empty);
                    }
                }))
                .isTrue();
    }

    @Example
    void header_overPlainHttp_mayHaveNoSecretAtAll() throws Exception {
        scan("https").header("X-Client", LeakWorld.CLIENT_SECRET);
        assertThat(catchRefusal(() -> scan("http").header("X-Client", LeakWorld.CLIENT_SECRET)))
                .isTrue();
        assertThat(catchRefusal(() -> scan("http").replaced("Authorization", LeakWorld.OPENAI_KEY)))
                .isTrue();
    }

    private interface Sending {
        void run() throws EgressDeniedException;
    }

    private static boolean catchRefusal(Sending sending) {
        try {
            sending.run();
            return false;
        } catch (EgressDeniedException e) {
            return true;
        }
    }
}
