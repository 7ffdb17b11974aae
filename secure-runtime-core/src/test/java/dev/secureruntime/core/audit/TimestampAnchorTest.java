package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.AnchorEvidence;
import dev.secureruntime.audit.SealedCheckpoint;
import dev.secureruntime.audit.VerificationResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Time stamps by {@code openssl ts}, taken, kept, and verified by {@code openssl ts} and by us. */
@Timeout(120)
class TimestampAnchorTest {

    @TempDir
    private static Path temp;

    private static OpensslAuthority authority;
    private static SealedCheckpoint checkpoint;
    private static Path home;
    private static List<String> keys;

    @BeforeAll
    static void startAuthority() throws Exception {
        authority = new OpensslAuthority(temp.resolve("tsa"), "critical,timeStamping");
        home = Files.createDirectory(temp.resolve("home"));
        keys = new AnchorWorld(home, TimestampAnchor.at(authority.address(), List.of(authority.certificate("ca.pem"))))
                .write(5);
        FakeAnchor fake = new FakeAnchor();
        new AnchorWorld(Files.createDirectory(temp.resolve("other")), fake).write(3);
        checkpoint = fake.given.get(0);
    }

    @AfterAll
    static void stopAuthority() {
        if (authority != null) {
            authority.close();
        }
    }

    @BeforeEach
    void behaveAgain() {
        authority.query = body -> body;
        authority.reply = body -> body;
        authority.contentType = "application/timestamp-reply";
    }

    private static TimestampAnchor trusting(String certificate) throws Exception {
        return TimestampAnchor.at(authority.address(), List.of(authority.certificate(certificate)));
    }

    @Test
    void tokenFromTheLog_isVerifiedByOpenssl() throws Exception {
        String record = LogFixture.records(home).stream()
                .filter(line -> line.contains("\"timestamp\""))
                .findFirst()
                .orElseThrow();
        String hash = record.replaceAll(".*\"secure_runtime.log.checkpoint\":\"([0-9a-f]{64})\".*", "$1");
        String token = record.replaceAll(".*\"secure_runtime.log.evidence\":\"([^\"]*)\".*", "$1");
        Path file = temp.resolve("token");
        Files.write(file, Base64.getDecoder().decode(token));
        authority.openssl(
                "ts",
                "-verify",
                "-digest",
                hash,
                "-in",
                file.toString(),
                "-token_in",
                "-CAfile",
                authority.file("ca.pem"));
        String other = hash.replace(hash.charAt(0), hash.charAt(0) == '0' ? '1' : '0');
        assertThat(OpensslAuthority.tryOpenssl(
                                "ts",
                                "-verify",
                                "-digest",
                                other,
                                "-in",
                                file.toString(),
                                "-token_in",
                                "-CAfile",
                                authority.file("ca.pem"))
                        .code())
                .isNotZero();
    }

    @Test
    void verifier_reportsTheTimeStamp_fromPinnedCaOrAuthority() throws Exception {
        for (String pinned : List.of("ca.pem", "tsa.pem")) {
            AuditLogVerifier.Report report = AuditLogVerifier.withKeys(keys)
                    .timeStampedBy(List.of(authority.certificate(pinned)))
                    .report(LogFixture.log(home));
            assertThat(report.result()).isInstanceOf(VerificationResult.Intact.class);
            assertThat(report.vouched()).singleElement().satisfies(vouched -> {
                assertThat(vouched.by()).isEqualTo("CN=Test TSA");
                assertThat(vouched.size()).isGreaterThan(5);
                assertThat(Duration.between(vouched.time(), Instant.now())).isLessThan(Duration.ofMinutes(10));
            });
        }
    }

    @Test
    void verifier_withAnotherAuthority_isInconclusive() throws Exception {
        try (OpensslAuthority other = new OpensslAuthority(temp.resolve("tsa2"), "critical,timeStamping")) {
            VerificationResult result = AuditLogVerifier.withKeys(keys)
                    .timeStampedBy(List.of(other.certificate("ca.pem")))
                    .verify(LogFixture.log(home));
            assertThat(result)
                    .isInstanceOfSatisfying(VerificationResult.Inconclusive.class, found -> assertThat(found.reasons())
                            .singleElement()
                            .asString()
                            .contains("CN=Test CA"));
        }
    }

    @Test
    void take_withGoodAnswer_givesTheToken() throws Exception {
        for (String pinned : List.of("ca.pem", "tsa.pem")) {
            AnchorEvidence evidence = trusting(pinned).take(checkpoint);
            assertThat(((AnchorEvidence.TimeStamped) evidence).token()).hasSizeGreaterThan(500);
        }
    }

    @Test
    void take_withAnswersThatAreNone_fails() throws Exception {
        byte[][] before = new byte[1][];
        authority.reply = body -> before[0] = body;
        TimestampAnchor anchor = trusting("ca.pem");
        anchor.take(checkpoint);
        // The answer to another request: the nonce is not this one's.
        authority.reply = body -> before[0];
        requireRefused(anchor);
        authority.reply = body -> Arrays.copyOf(body, body.length - 1);
        requireRefused(anchor);
        authority.reply = body -> new byte[100_000];
        requireRefused(anchor);
        authority.reply = body -> {
            body[body.length - 3] ^= 1;
            return body;
        };
        requireRefused(anchor);
        authority.reply = body -> body;
        authority.query = body -> Arrays.copyOf(body, body.length / 2);
        requireRefused(anchor);
        authority.query = body -> body;
        authority.contentType = "text/html";
        requireRefused(anchor);
    }

    private static void requireRefused(TimestampAnchor anchor) {
        assertThatThrownBy(() -> anchor.take(checkpoint)).isInstanceOf(IOException.class);
    }

    @Test
    void take_fromAnAuthorityThatIsNotPinned_fails() throws Exception {
        try (OpensslAuthority other = new OpensslAuthority(temp.resolve("tsa3"), "critical,timeStamping")) {
            requireRefused(TimestampAnchor.at(other.address(), List.of(authority.certificate("ca.pem"))));
        }
    }

    @Test
    void take_fromACertificateForOtherUses_fails() throws Exception {
        for (String usage : List.of("critical,serverAuth", "timeStamping", "critical,timeStamping,serverAuth")) {
            try (OpensslAuthority other = new OpensslAuthority(temp.resolve("u" + usage.hashCode()), usage)) {
                requireRefused(TimestampAnchor.at(other.address(), List.of(other.certificate("ca.pem"))));
                requireRefused(TimestampAnchor.at(other.address(), List.of(other.certificate("tsa.pem"))));
            }
        }
    }

    @Test
    void take_withAClockThatIsWrong_fails() throws Exception {
        for (Duration off : List.of(Duration.ofHours(1), Duration.ofHours(-1))) {
            requireRefused(TimestampAnchor.at(
                    authority.address(),
                    List.of(authority.certificate("ca.pem")),
                    Duration.ofSeconds(5),
                    InstantSource.offset(InstantSource.system(), off)));
        }
    }
}
