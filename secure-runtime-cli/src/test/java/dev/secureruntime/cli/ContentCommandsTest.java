package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.ContentSettings;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** disclose, check-disclosure and erase, as scripts use them. */
class ContentCommandsTest {

    @TempDir
    private Path home;

    private Path at(String name) {
        return home.resolve(name);
    }

    @BeforeEach
    void write() throws Exception {
        AuditSettings settings =
                AuditSettings.in(at("log")).signer(at("signer")).content(ContentSettings.in(at("store")));
        try (HashChainedAuditLog log = HashChainedAuditLog.open(settings, Clock.systemUTC())) {
            Files.write(at("pin"), log.verifierKeys());
            log.append(AuditEvent.of("model.call")
                    .content("user-4711", "prompt", "the prompt".getBytes(StandardCharsets.UTF_8))
                    .build());
        }
    }

    private CommandRun disclose() {
        return CommandRun.of(
                "audit", "disclose", at("log"), 1, "prompt", "--store", at("store"), "--out", at("disclosure"));
    }

    private CommandRun check(Object... more) {
        Object[] all =
                java.util.Arrays.copyOf(new Object[] {"audit", "check-disclosure", at("disclosure")}, 3 + more.length);
        System.arraycopy(more, 0, all, 3, more.length);
        return CommandRun.of(all);
    }

    @Test
    void disclose_thenCheck_provesTheValue() throws Exception {
        assertThat(disclose()).isEqualTo(new CommandRun(0, "", ""));
        CommandRun check = check("--key", at("pin"), "--value", at("value"));
        assertThat(check.out()).startsWith("INTACT  field prompt of record 1 has this value of 10 bytes");
        assertThat(check.code()).isZero();
        assertThat(at("value")).hasContent("the prompt");

        assertThat(check().code()).isEqualTo(2);
        assertThat(check("--key", "nonsense").code()).isEqualTo(3);
        String text = Files.readString(at("disclosure"));
        Files.writeString(at("disclosure"), text.replace("value dGhl", "value dGhm"));
        assertThat(check("--key", at("pin")).code()).isEqualTo(1);
        assertThat(CommandRun.of("audit", "disclose", at("log"), 1, "other", "--store", at("store"))
                        .code())
                .isEqualTo(3);
    }

    @Test
    void erase_thenDisclose_saysThatItIsGone_andAllElseHolds() {
        assertThat(disclose().code()).isZero();
        CommandRun erase = CommandRun.of(
                "audit", "erase", at("log"), "user-4711", "--signer", at("signer"), "--store", at("store"));
        assertThat(erase.err()).isEmpty();
        assertThat(erase.out())
                .startsWith("erased, record ")
                .contains("removed 1 erased and 0 orphaned values, 0 stay");
        assertThat(erase.code()).isZero();

        assertThat(check("--key", at("pin")).code()).isZero();
        CommandRun again = disclose();
        assertThat(again.code()).isEqualTo(2);
        assertThat(again.err()).contains("SR-CONTENT-001").contains("erased");
        assertThat(CommandRun.of("audit", "verify", at("log"), "--key", at("pin"))
                        .out())
                .contains("INTACT");
    }

    @Test
    void erase_directoryThatIsNoStore_isWrongUsageAndRecordsNothing() throws Exception {
        Files.createDirectory(at("other"));
        CommandRun erase = CommandRun.of(
                "audit", "erase", at("log"), "user-4711", "--signer", at("signer"), "--store", at("other"));
        assertThat(erase.code()).isEqualTo(3);
        assertThat(at("other")).isEmptyDirectory();
        assertThat(CommandRun.of("audit", "show", at("log"), "--type", "content.erased")
                        .out())
                .isEmpty();
        assertThat(disclose().code()).isZero();
    }

    @Test
    void erase_subjectThatHadNothing_saysSo() {
        CommandRun erase = CommandRun.of(
                "audit", "erase", at("log"), "user-4712", "--signer", at("signer"), "--store", at("store"));
        assertThat(erase.code()).isZero();
        assertThat(erase.err()).contains("no stored value belonged to this subject");
    }

    @Test
    void erase_whereTheSweepFails_saysThatTheKeyIsDestroyed_andNeverExitsWithOne() throws Exception {
        // Another subject's key file, damaged.
        Files.writeString(at("store").resolve("keys").resolve("0".repeat(32) + ".key"), "garbage");
        CommandRun erase = CommandRun.of(
                "audit", "erase", at("log"), "user-4711", "--signer", at("signer"), "--store", at("store"));
        assertThat(erase.out()).startsWith("erased, record ").contains("were not removed");
        assertThat(erase.code()).isEqualTo(2);
    }

    @Test
    void erase_withoutSigner_isWrongUsageAndMakesNoLog() {
        assertThat(CommandRun.of("audit", "erase", at("log"), "u", "--signer", at("none"), "--store", at("store"))
                        .code())
                .isEqualTo(3);
        assertThat(at("none")).doesNotExist();
    }

    @Test
    void wrappingKey_thatIsNotThere_isWrongUsage_andNoKeyIsMade() {
        CommandRun erase = CommandRun.of(
                "audit",
                "erase",
                at("log"),
                "user-4711",
                "--signer",
                at("signer"),
                "--store",
                at("store"),
                "--wrapping-key",
                at("typo"));
        assertThat(erase.code()).isEqualTo(3);
        assertThat(erase.err()).contains("SR-COMMAND-001 --wrapping-key: " + at("typo") + " is no file");
        assertThat(at("typo")).doesNotExist();
        CommandRun disclose = CommandRun.of(
                "audit", "disclose", at("log"), 1, "prompt", "--store", at("store"), "--wrapping-key", at("typo"));
        assertThat(disclose.code()).isEqualTo(3);
        assertThat(disclose.err()).contains("--wrapping-key: " + at("typo") + " is no file");
        // Nothing was erased.
        assertThat(disclose().code()).isZero();
    }
}
