package dev.secureruntime.core.secret;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.secret.SecretDeniedException;
import dev.secureruntime.secret.SecretHandle;
import java.io.ByteArrayOutputStream;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class WipingSecretHandleTest {

    private static final String VALUE = "open-sesame";

    private final byte[] own = VALUE.getBytes(StandardCharsets.US_ASCII);
    private final SecretHandle handle = new WipingSecretHandle("door", own);

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.US_ASCII);
    }

    @Test
    void use_returning_lendsACopyThatIsWiped() {
        AtomicReference<byte[]> kept = new AtomicReference<>();

        String read = handle.use(bytes -> {
            kept.set(bytes);
            return text(bytes);
        });

        assertThat(read).isEqualTo(VALUE);
        assertThat(kept.get()).containsOnly(0).isNotSameAs(own);
    }

    @Test
    void use_throwing_wipesTheCopy() {
        AtomicReference<byte[]> kept = new AtomicReference<>();

        assertThatThrownBy(() -> handle.use(bytes -> {
                    kept.set(bytes);
                    throw new java.io.IOException("reader");
                }))
                .isInstanceOf(java.io.IOException.class);

        assertThat(kept.get()).containsOnly(0);
        assertThat(handle.<String, RuntimeException>use(WipingSecretHandleTest::text))
                .isEqualTo(VALUE);
    }

    @Test
    void use_readerThatScribbles_leavesTheSecretAlone() {
        handle.use(bytes -> bytes[0] = 'X');

        assertThat(handle.<String, RuntimeException>use(WipingSecretHandleTest::text))
                .isEqualTo(VALUE);
    }

    @Test
    void matches_equalAndUnequal_saysSo() {
        assertThat(handle.matches(VALUE.getBytes(StandardCharsets.US_ASCII))).isTrue();
        assertThat(handle.matches("open-sesamE".getBytes(StandardCharsets.US_ASCII)))
                .isFalse();
        assertThat(handle.matches(new byte[0])).isFalse();
    }

    @Test
    void close_then_everyUseIsDeniedAndTheArrayIsWiped() {
        handle.close();
        handle.close();

        assertThat(own).containsOnly(0);
        assertThatThrownBy(() -> handle.use(bytes -> bytes.length))
                .isInstanceOfSatisfying(
                        SecretDeniedException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SECRET_UNAVAILABLE))
                .hasMessageContaining("door");
        // Zeros would match the wiped array if the check came after.
        assertThatThrownBy(() -> handle.matches(new byte[own.length])).isInstanceOf(SecretDeniedException.class);
    }

    @Test
    void close_whileAReaderRuns_leavesItsCopyWhole() throws Exception {
        CountDownLatch reading = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        ExecutorService pool = Executors.newSingleThreadExecutor();
        try {
            Future<String> read = pool.submit(() -> handle.use(bytes -> {
                reading.countDown();
                closed.await();
                return text(bytes);
            }));
            reading.await();
            handle.close();
            closed.countDown();

            assertThat(read.get()).isEqualTo(VALUE);
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void close_racingUse_showsTheWholeSecretOrADenial() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(4);
        try {
            for (int round = 0; round < 500; round++) {
                SecretHandle raced = new WipingSecretHandle("door", VALUE.getBytes(StandardCharsets.US_ASCII));
                CountDownLatch start = new CountDownLatch(1);
                List<Future<String>> reads = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    reads.add(pool.submit(() -> {
                        start.await();
                        try {
                            return raced.<String, RuntimeException>use(WipingSecretHandleTest::text);
                        } catch (SecretDeniedException e) {
                            return "denied";
                        }
                    }));
                }
                start.countDown();
                raced.close();
                for (Future<String> read : reads) {
                    assertThat(read.get()).isIn(VALUE, "denied");
                }
            }
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void handle_printedSerializedOrCompared_showsNothing() throws Exception {
        assertThat(handle).hasToString("SecretHandle[door]");
        assertThat(WipingSecretHandle.class.isRecord()).isFalse();
        assertThat(handle).isNotEqualTo(new WipingSecretHandle("door", VALUE.getBytes(StandardCharsets.US_ASCII)));
        try (ObjectOutputStream out = new ObjectOutputStream(new ByteArrayOutputStream())) {
            assertThatThrownBy(() -> out.writeObject(handle)).isInstanceOf(NotSerializableException.class);
        }
    }
}
