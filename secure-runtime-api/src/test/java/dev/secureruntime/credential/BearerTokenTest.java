package dev.secureruntime.credential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BearerTokenTest {

    private static final String VALUE = "eyJ-sesame.open";
    private static final BearerToken TOKEN = BearerToken.of("t-1", VALUE, Instant.EPOCH);

    @Test
    void toString_always_showsIdAndNoValue() {
        assertThat(TOKEN.toString()).contains("t-1").doesNotContain("sesame");
        assertThat(BearerToken.class.isRecord()).isFalse();
    }

    @Test
    void writeObject_always_isRefused() throws Exception {
        try (ObjectOutputStream out = new ObjectOutputStream(new ByteArrayOutputStream())) {
            assertThatThrownBy(() -> out.writeObject(TOKEN)).isInstanceOf(NotSerializableException.class);
        }
    }

    @Test
    void use_returning_lendsTheValueAndWipesTheCopy() {
        AtomicReference<byte[]> kept = new AtomicReference<>();

        String read = TOKEN.use(bytes -> {
            kept.set(bytes);
            return new String(bytes, StandardCharsets.US_ASCII);
        });

        assertThat(read).isEqualTo(VALUE);
        assertThat(kept.get()).containsOnly(0);
    }

    @Test
    void use_throwing_wipesTheCopyAndKeepsTheToken() {
        AtomicReference<byte[]> kept = new AtomicReference<>();

        assertThatThrownBy(() -> TOKEN.use(bytes -> {
                    kept.set(bytes);
                    throw new IllegalStateException("reader");
                }))
                .hasMessage("reader");

        assertThat(kept.get()).containsOnly(0);
        assertThat(TOKEN.<Integer, RuntimeException>use(bytes -> bytes.length)).isEqualTo(VALUE.length());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "sesame open", "sesame\r\nX-Injected: 1", "sesame\0", "sesam\u00e9", "sesame\n"})
    void of_valueThatIsNoToken_isRefusedWithoutShowingIt(String value) {
        assertThatThrownBy(() -> BearerToken.of("t-2", value, Instant.EPOCH))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("t-2")
                .hasMessageNotContaining("sesam");
    }
}
