package dev.secureruntime.core.text;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

class EitherByteTest {

    private static final EitherByte LINE_BREAK = new EitherByte('\n', '\r');

    @Property(tries = 2_000)
    void find_anyBytes_isWhereALoopFindsIt(
            @ForAll("bytes") byte[] bytes,
            @ForAll @IntRange(max = 20) int skipped,
            @ForAll @IntRange(max = 20) int left) {
        int from = Math.min(skipped, bytes.length);
        int to = Math.max(from, bytes.length - left);
        int expected = from;
        while (expected < to && bytes[expected] != '\n' && bytes[expected] != '\r') {
            expected++;
        }
        assertThat(LINE_BREAK.find(bytes, from, to)).isEqualTo(expected);
    }

    /** Mostly neighbours of the two, which a borrow could be taken for, and bytes with the high bit. */
    @Provide
    Arbitrary<byte[]> bytes() {
        return Arbitraries.of(9, 10, 11, 12, 13, 14, 0x8a, 0x8d, 0, 0x7f, 0xff, 32, 33, 34, 97, 98, 99)
                .map(number -> (byte) (int) number)
                .array(byte[].class)
                .ofMaxSize(60);
    }
}
