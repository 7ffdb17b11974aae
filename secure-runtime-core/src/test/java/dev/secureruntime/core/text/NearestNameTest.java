package dev.secureruntime.core.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class NearestNameTest {

    @ParameterizedTest
    @CsvSource({
        "alow, allow",
        "allow, allow",
        "dney, deny",
        "port, ports",
        "hosts, host",
        "zzz,",
        "'',",
    })
    void of_written_findsTheNameThatWasMeant(String written, String expected) {
        assertThat(NearestName.of(written, List.of("allow", "deny", "host", "ports"))
                        .orElse(null))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"kitten, sitting, 3", "'', abc, 3", "abc, abc, 0", "flaw, lawn, 2"})
    void distance_countsEdits(String a, String b, int expected) {
        assertThat(NearestName.distance(a, b, 10)).isEqualTo(expected);
        assertThat(NearestName.distance(a, b, expected)).isEqualTo(expected);
        assertThat(NearestName.distance(a, b, expected - 1)).isGreaterThan(expected - 1);
    }
}
