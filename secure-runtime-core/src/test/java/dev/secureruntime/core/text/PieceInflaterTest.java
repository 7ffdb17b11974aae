package dev.secureruntime.core.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The inflater beside the JDK's writers, in any chunking. */
class PieceInflaterTest {

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream zipped = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(zipped)) {
            gzip.write(bytes);
        }
        return zipped.toByteArray();
    }

    private static byte[] deflate(byte[] bytes, boolean bare) {
        Deflater deflater = new Deflater(6, bare);
        deflater.setInput(bytes);
        deflater.finish();
        byte[] buffer = new byte[2 * bytes.length + 64];
        int length = deflater.deflate(buffer);
        deflater.end();
        return Arrays.copyOf(buffer, length);
    }

    /** A member with all that a header may hold. */
    private static byte[] decorated(byte[] bytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(new byte[] {0x1f, (byte) 0x8b, 8, 2 | 4 | 8 | 16, 1, 2, 3, 4, 0, (byte) 255});
        out.writeBytes(new byte[] {3, 0, 'x', 'y', 'z'});
        out.writeBytes("name\0comment\0".getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(new byte[] {7, 7});
        out.writeBytes(deflate(bytes, true));
        CRC32 crc = new CRC32();
        crc.update(bytes);
        for (long value : new long[] {crc.getValue(), bytes.length}) {
            for (int shift = 0; shift < 32; shift += 8) {
                out.write((int) (value >>> shift));
            }
        }
        return out.toByteArray();
    }

    private static byte[] inflate(String coding, byte[] bytes, Random random) throws DataFormatException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PieceInflater inflater = PieceInflater.of(coding, out::write);
        assertThat(inflater).isNotNull();
        for (int at = 0; at < bytes.length; ) {
            int length = 1 + random.nextInt(Math.min(9, bytes.length - at));
            inflater.update(Arrays.copyOfRange(bytes, at, at + length));
            at += length;
        }
        inflater.end();
        return out.toByteArray();
    }

    private static byte[] joined(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    @Property(tries = 200)
    void update_anyChunking_givesWhatWasCompressed(@ForAll @Size(max = 400) byte[] bytes, @ForAll long seed)
            throws Exception {
        Random random = new Random(seed);
        assertThat(inflate("gzip", gzip(bytes), random)).isEqualTo(bytes);
        assertThat(inflate("gzip", decorated(bytes), random)).isEqualTo(bytes);
        assertThat(inflate("x-gzip", joined(gzip(bytes), decorated(bytes), gzip(new byte[0])), random))
                .isEqualTo(joined(bytes, bytes));
        assertThat(inflate("gzip", joined(gzip(bytes), bytes.length == 0 ? bytes : new byte[] {0, 1}), random))
                .isEqualTo(bytes);
        assertThat(inflate("deflate", deflate(bytes, false), random)).isEqualTo(bytes);
        assertThat(inflate("br, deflate", deflate(bytes, true), random)).isEqualTo(bytes);
    }

    @Test
    void end_tooEarly_throws() throws Exception {
        byte[] whole = gzip("text text text".getBytes(StandardCharsets.US_ASCII));
        for (int length = 1; length < whole.length - 8; length++) {
            byte[] part = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> inflate("gzip", part, new Random(1)))
                    .as("%d bytes", length)
                    .isInstanceOf(DataFormatException.class);
        }
        assertThat(inflate("gzip", new byte[0], new Random(1))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip, gzip", "deflate,gzip", "gzip , identity, x-gzip"})
    void of_compressedTwice_throws(String coding) {
        assertThatThrownBy(() -> PieceInflater.of(coding, (bytes, offset, length) -> {}))
                .isInstanceOf(DataFormatException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "identity", "br", "gzip, br", "zstd", "aws-chunked"})
    void of_nothingKnown_isNothing(String coding) throws Exception {
        assertThat(PieceInflater.of(coding, (bytes, offset, length) -> {})).isNull();
    }

    @Test
    void update_farMoreThanWentIn_throws() throws Exception {
        byte[] bomb = gzip(new byte[80 << 20]);
        PieceInflater inflater = PieceInflater.of("gzip", (bytes, offset, length) -> {});
        assertThat(inflater).isNotNull();
        assertThatThrownBy(() -> inflater.update(bomb)).hasMessageContaining("far more");
    }

    @FuzzTest(maxDuration = "1m")
    void update_anything_givesOrRefuses(byte[] bytes) {
        for (String coding : new String[] {"gzip", "deflate"}) {
            try {
                inflate(coding, bytes, new Random(bytes.length));
            } catch (DataFormatException refused) {
                assertThat(refused).isNotNull();
            }
        }
    }
}
