package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.SignedNote;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExcerptWindowTest {

    @TempDir
    private Path home;

    @Test
    void finish_retiredLog_startsAtTheFirstRecordThatIsLeft() throws Exception {
        AuditSettings settings = AuditSettings.in(home.resolve("log"))
                .signer(home.resolve("signer"))
                .segmentBytes(1 << 16);
        Path anchor = home.resolve("anchor");
        long first;
        try (HashChainedAuditLog log = HashChainedAuditLog.open(settings, Clock.systemUTC())) {
            for (int i = 0; i < 900; i++) {
                log.append(
                        AuditEvent.of("test").attribute("text", "x".repeat(100)).build());
            }
            log.checkpoint();
            Files.copy(home.resolve("log/checkpoint"), anchor);
            first = log.retireBelow(600, List.of(anchor));
        }
        assertThat(first).isPositive();
        ExcerptWindow window = new ExcerptWindow(new ExcerptWindow.Limits(10_000, 1_000, 1 << 24));
        StoredLog.read(home.resolve("log"), Long.MAX_VALUE, window::add);
        LogExcerpt excerpt = window.finish();
        assertThat(excerpt.start()).isEqualTo(first);
        assertThat(new String(excerpt.lines().get(0), StandardCharsets.UTF_8))
                .endsWith("\"prev\":\"" + excerpt.lastLeaf() + "\"}");
        for (byte[] note : excerpt.notes()) {
            assertThat(Checkpoint.parse(SignedNote.parse(note).text()).size()).isGreaterThan(first);
        }
    }

    @Test
    void add_hostileCheckpoints_countAgainstTheBytes() {
        for (int lines : new int[] {0, 3}) {
            ExcerptWindow window = new ExcerptWindow(new ExcerptWindow.Limits(10, 4_000, 100_000));
            for (int i = 0; i < lines; i++) {
                window.add(new StoredLog.Line(i, new byte[100], Optional.empty()));
            }
            for (int i = 0; i < 1_000; i++) {
                window.add(new StoredLog.Note(OptionalLong.of(1_000 + i), new byte[16_000]));
            }
            LogExcerpt excerpt = window.finish();
            assertThat(excerpt.notes().stream().mapToLong(note -> note.length).sum())
                    .isPositive()
                    .isLessThanOrEqualTo(100_000);
        }
    }
}
