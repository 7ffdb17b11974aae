package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.audit.Anchor;
import dev.secureruntime.audit.AnchorEvidence;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.format.SignedNote;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the verifier makes of good, absent and false evidence in a log whose signatures are all good. */
@Timeout(60)
class EvidenceScanTest {

    private static final String NAME = "witness.example/w";
    private static final long TIME = 1_700_000_000;

    @TempDir
    private Path home;

    private final byte[] seed = new byte[32];
    private String key;

    @BeforeEach
    void makeKey() {
        seed[0] = 1;
        key = WitnessAnchorTest.key(NAME, seed);
    }

    private AuditLogVerifier.Report report(Function<byte[], String> cosigned) throws Exception {
        Anchor anchor = checkpoint -> new AnchorEvidence.Cosigned(
                List.of(cosigned.apply(checkpoint.text()).strip()));
        List<String> keys = new AnchorWorld(home, anchor).write(5);
        return AuditLogVerifier.withKeys(keys).witnessedBy(List.of(key)).report(LogFixture.log(home));
    }

    @Test
    void goodCosignature_isReported() throws Exception {
        AuditLogVerifier.Report report = report(text -> WitnessAnchorTest.cosign(NAME, seed, TIME, text));
        assertThat(report.result()).isInstanceOf(VerificationResult.Intact.class);
        assertThat(report.vouched()).singleElement().asString().startsWith("cosigned by " + NAME + " up to size ");
        assertThat(report.vouched().get(0).time().getEpochSecond()).isEqualTo(TIME);
    }

    @Test
    void cosignatureByAnother_isInconclusive() throws Exception {
        AuditLogVerifier.Report report = report(text -> WitnessAnchorTest.cosign(NAME, new byte[32], TIME, text));
        assertThat(report.result())
                .isInstanceOfSatisfying(VerificationResult.Inconclusive.class, found -> assertThat(found.reasons())
                        .singleElement()
                        .asString()
                        .contains(NAME));
    }

    @Test
    void cosignatureOverSomethingElse_isTampered() throws Exception {
        AuditLogVerifier.Report report = report(
                text -> WitnessAnchorTest.cosign(NAME, seed, TIME, "another text\n".getBytes(StandardCharsets.UTF_8)));
        assertThat(report.result()).isInstanceOfSatisfying(VerificationResult.Tampered.class, found -> {
            int seq = (int) found.firstBad().seq().getAsLong();
            assertThat(LogFixture.records(home).get(seq)).contains("\"type\":\"log.anchored\"");
            assertThat(found.firstBad().file()).startsWith("segments/");
        });
        assertThat(LogFixture.verify(home, keysOf())).as("nobody asked").isInstanceOf(VerificationResult.Intact.class);
    }

    private List<String> keysOf() throws Exception {
        String json = Files.readString(LogFixture.log(home).resolve("log.json"));
        return List.of(
                json.replaceAll("(?s).*\"key\":\"([^\"]*)\".*", "$1"),
                json.replaceAll("(?s).*\"epochKey\":\"([^\"]*)\".*", "$1"));
    }

    @Test
    void logRewrittenWithAllKeys_keepsNoEvidence() throws Exception {
        report(text -> WitnessAnchorTest.cosign(NAME, seed, TIME, text));
        List<String> forged = ForgedLog.rewrite(home, "value 1", "value 9");
        assertThat(LogFixture.verify(home, forged))
                .as("the forger's keys")
                .isInstanceOf(VerificationResult.Intact.class);
        assertThat(AuditLogVerifier.withKeys(forged).witnessedBy(List.of(key)).verify(LogFixture.log(home)))
                .isInstanceOf(VerificationResult.Tampered.class);
    }

    @Test
    void cosignedCheckpoint_isTakenAsAnAnchor() throws Exception {
        report(text -> WitnessAnchorTest.cosign(NAME, seed, TIME, text));
        byte[] note = Files.readAllBytes(LogFixture.log(home).resolve("checkpoint"));
        SignedNote parsed = SignedNote.parse(note);
        Path kept = home.resolve("kept");
        Files.writeString(
                kept,
                new String(note, StandardCharsets.UTF_8) + WitnessAnchorTest.cosign(NAME, seed, TIME, parsed.text()));
        VerificationResult result =
                AuditLogVerifier.withKeys(keysOf()).anchoredBy(List.of(kept)).verify(LogFixture.log(home));
        assertThat(result).isInstanceOf(VerificationResult.Intact.class);
        assertThat(result.provedUpTo()).hasValue(LogFixture.records(home).size());
    }
}
