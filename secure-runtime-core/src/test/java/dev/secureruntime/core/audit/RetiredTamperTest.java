package dev.secureruntime.core.audit;

import static dev.secureruntime.core.audit.LogFixture.log;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.format.VerifierKey;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Attacks on a log whose first records were removed, and removing them without the keys. */
@Timeout(60)
class RetiredTamperTest {

    @TempDir
    private Path home;

    private List<String> keys = List.of();
    private long first;

    @BeforeEach
    void writeLog() throws Exception {
        keys = LogFixture.large(home);
        Path anchor = Files.copy(log(home).resolve("checkpoint"), home.resolve("anchor"));
        LogFixture.copy(log(home), home.resolve("before"));
        try (HashChainedAuditLog log = LogFixture.open(LogFixture.settings(home).segmentBytes(4_000))) {
            first = log.retireBelow(40, List.of(anchor));
        }
        assertThat(verify()).isInstanceOf(VerificationResult.Intact.class);
    }

    private VerificationResult verify() {
        return LogFixture.verify(home, keys);
    }

    private Path retired() {
        return log(home).resolve("retired");
    }

    private void assertTampered(String what) {
        assertThat(verify()).as(what).isInstanceOf(VerificationResult.Tampered.class);
    }

    private void assertTamperedBy(String what, UnaryOperator<String> change) {
        String honest = LogFixture.read(retired());
        String changed = change.apply(honest);
        assertThat(changed).as(what).isNotEqualTo(honest);
        LogFixture.write(retired(), changed);
        assertTampered(what);
        LogFixture.write(retired(), honest);
    }

    private static UnaryOperator<String> digit(String line) {
        return text -> {
            int at = text.indexOf(line) + line.length();
            char other = text.charAt(at) == '0' ? '1' : '0';
            return text.substring(0, at) + other + text.substring(at + 1);
        };
    }

    private static UnaryOperator<String> withoutRecord(int number) {
        return text -> {
            String[] parts = text.split("(?m)^record ");
            StringBuilder without = new StringBuilder(parts[0]);
            for (int i = 1; i < parts.length; i++) {
                without.append(i == number ? "" : "record " + parts[i]);
            }
            return without.toString();
        };
    }

    @Test
    void verify_retiredEdited_tampered() {
        assertTamperedBy("subtree", digit("\nsubtree "));
        assertTamperedBy("leaf", digit("\nleaf "));
        assertTamperedBy("path", digit("\npath "));
        assertTamperedBy("anchored hash", text -> digit(text.replaceAll("(?s).*(\nanchored [0-9]+ ).*", "$1"))
                .apply(text));
        assertTamperedBy("anchored size", text -> text.replaceAll("\nanchored [0-9]+", "\nanchored 1"));
        assertTamperedBy("segment", text -> text.replaceAll("\nsegment [0-9]+", "\nsegment 77"));
        assertTamperedBy("below, one more", text -> text.replace("\nbelow " + first, "\nbelow " + (first + 1)));
        assertTamperedBy("below, none", text -> text.replace("\nbelow " + first, "\nbelow 0"));
        assertTamperedBy("record 0 changed", text -> text.replaceFirst("semconv\":\"1", "semconv\":\"2"));
        assertTamperedBy("key record changed", text -> text.replaceFirst("next_key\":\"test", "next_key\":\"tesu"));
        assertTamperedBy("key record's index", text -> text.replaceFirst("\nrecord [1-9][0-9]*", "\nrecord 3"));
        assertTamperedBy("record 0 left out", withoutRecord(1));
        assertTamperedBy("key record left out", withoutRecord(2));
        assertTamperedBy("cut off", text -> text.substring(0, text.length() - 1));
        assertTamperedBy("more behind it", text -> text + "record 39\n{}\n");
        assertTamperedBy("empty", text -> "");
    }

    @Test
    void verify_leafOfRetiredEdited_namesThatFile() {
        LogFixture.write(retired(), digit("\nleaf ").apply(LogFixture.read(retired())));

        VerificationResult.FirstBad bad = ((VerificationResult.Tampered) verify()).firstBad();

        assertThat(bad.file()).isEqualTo("retired");
        assertThat(bad.seq()).hasValue(first - 1);
    }

    @Test
    void verify_anyBitOfRetiredFlipped_tampered() throws IOException {
        byte[] honest = Files.readAllBytes(retired());
        Random random = new Random(7);
        for (int i = 0; i < 300; i++) {
            byte[] changed = honest.clone();
            changed[random.nextInt(changed.length)] ^= (byte) (1 << random.nextInt(8));
            Files.write(retired(), changed);
            assertTampered("round " + i);
        }
    }

    @Test
    void verify_retiredRemoved_tampered() {
        LogFixture.delete(retired());
        assertTampered("removed");
    }

    @Test
    void verify_keptSegmentDropped_tampered() {
        List<Path> segments = new ArrayList<>(LogFixture.segments(home));
        for (Path segment : segments) {
            String content = LogFixture.read(segment);
            LogFixture.delete(segment);
            assertTampered(segment.getFileName().toString());
            LogFixture.write(segment, content);
        }
        assertThat(verify()).isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void verify_checkpointsBelowTheCutDropped_tampered() {
        Path checkpoints = log(home).resolve("checkpoints");
        String all = LogFixture.read(checkpoints);
        String[] parts = all.split("(?<=\n)\n(?=test/)");
        LogFixture.write(checkpoints, all.substring(parts[0].length() + 1));
        assertTampered("first checkpoint");
        LogFixture.write(checkpoints, all.replace(parts[1] + "\n", ""));
        assertTampered("second checkpoint");
    }

    @Test
    void verify_headDroppedWithoutRetired_tampered() {
        restore();
        LogFixture.delete(LogFixture.segments(home).get(0));
        assertTampered("no retired");
    }

    /** Everything but the keys: the data alone gives a perfect {@code retired}, which no record of the log confirms. */
    @Test
    void verify_retiredMadeWithoutTheKeys_tampered() throws Exception {
        restore();
        assertThat(verify()).isInstanceOf(VerificationResult.Intact.class);
        Retention thief = new Retention(new LogFiles(log(home)), VerifierKey.parse(keys.get(0)));
        RetiredHead forged =
                thief.plan(Retention.Limit.below(40), List.of(log(home).resolve("checkpoint")));
        thief.carryOut(java.util.Objects.requireNonNull(forged));

        VerificationResult result = verify();
        assertThat(result).isInstanceOf(VerificationResult.Tampered.class);
        assertThat(((VerificationResult.Tampered) result).firstBad().reason()).contains("log.retired");
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> LogFixture.open(LogFixture.settings(home)))
                .hasMessageContaining("SR-AUDIT-004");
    }

    /** The log allows one cut; a later one, made from the data alone, is not that one. */
    @Test
    void verify_moreRemovedThanTheLogSays_tampered() throws Exception {
        Retention thief = new Retention(new LogFiles(log(home)), VerifierKey.parse(keys.get(0)));
        RetiredHead forged =
                thief.plan(Retention.Limit.below(1_000), List.of(log(home).resolve("checkpoint")));
        thief.carryOut(java.util.Objects.requireNonNull(forged));
        assertTampered("a later cut");
    }

    private void restore() {
        try {
            Files.move(log(home), home.resolve("retired-log"));
            Files.move(home.resolve("before"), log(home));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void parse_anyText_isRefusedOrPrintsBack() throws Exception {
        byte[] honest = Files.readAllBytes(retired());
        assertThat(RetiredHead.parse(honest).bytes()).isEqualTo(honest);
        Random random = new Random(11);
        for (int i = 0; i < 2_000; i++) {
            byte[] changed = java.util.Arrays.copyOf(honest, random.nextInt(honest.length));
            for (int j = 0; j < 3 && changed.length > 0; j++) {
                changed[random.nextInt(changed.length)] =
                        "0123456789abcdef \nrecord".getBytes(StandardCharsets.US_ASCII)[random.nextInt(24)];
            }
            try {
                assertThat(RetiredHead.parse(changed).bytes()).isEqualTo(changed);
            } catch (IllegalArgumentException e) {
                assertThat(e.getMessage()).isNotEmpty();
            }
        }
    }

    @Test
    void proofs_removedAsAForgedRetiredSays_tamperedNotRemoved() throws Exception {
        String perfect = LogFixture.read(retired());
        Files.move(log(home), home.resolve("after"));
        LogFixture.copy(home.resolve("before"), log(home));
        for (Path segment : LogFixture.segments(home)) {
            if (segment.getFileName().toString().compareTo(LogFiles.segmentName(first)) < 0) {
                LogFixture.delete(segment);
            }
        }
        LogFixture.write(retired(), perfect);
        assertRefusedAsTampered(() -> AuditProofs.inclusion(log(home), 3));
        assertRefusedAsTampered(() -> AuditProofs.consistency(log(home), 3, first + 1));
    }

    @Test
    void proofs_aboveACheckpointThatWasCutBack_tamperedNotAWrongIndex() {
        LogFixture.write(
                log(home).resolve("checkpoint"), TamperAttacks.notes(home).get(2));
        assertRefusedAsTampered(() -> AuditProofs.inclusion(log(home), first + 1));
        LogFixture.delete(log(home).resolve("checkpoint"));
        assertRefusedAsTampered(() -> AuditProofs.inclusion(log(home), first + 1));
    }

    private static void assertRefusedAsTampered(ThrowingCallable proof) {
        assertThatThrownBy(proof).isInstanceOf(SecureRuntimeException.class).hasMessageContaining("SR-AUDIT-004");
    }
}
