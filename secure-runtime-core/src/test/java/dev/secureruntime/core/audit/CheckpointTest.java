package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.core.audit.format.Checkpoint;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {

    private static byte[] text(String size) {
        String root = Base64.getEncoder().encodeToString(new byte[32]);
        return ("origin\n" + size + "\n" + root + "\nprev " + "0".repeat(64) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void parse_largestSize_isTaken() {
        assertThat(Checkpoint.parse(text("9223372036854775807")).size()).isEqualTo(Long.MAX_VALUE);
        assertThat(Checkpoint.Head.parse(text("18446744073709551615")).size()).isEqualTo(-1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"9223372036854775808", "9999999999999999999", "18446744073709551616", "-1", "01", ""})
    void parse_otherSize_saysThatTheSizeIsWrong(String size) {
        assertThatThrownBy(() -> Checkpoint.parse(text(size)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("expected a size from 0 to 2^63-1, in digits");
    }

    @ParameterizedTest
    @ValueSource(strings = {"18446744073709551616", "99999999999999999999", "-1", "01"})
    void parseHead_otherSize_saysThatTheSizeIsWrong(String size) {
        assertThatThrownBy(() -> Checkpoint.Head.parse(text(size)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("expected a size from 0 to 2^64-1, in digits");
    }
}
