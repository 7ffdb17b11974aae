package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.format.SignedNote;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A log key in a PKCS#11 token: SoftHSM, reached through OpenSC's pkcs11-tool. */
@Timeout(120)
class SoftHsmTest {

    private static final Path TOOL = Path.of("/usr/bin/pkcs11-tool");
    private static final String PIN = "918273";

    @TempDir
    private Path home;

    private Path tokens;
    private Map<String, String> environment;
    private List<String> token;

    @BeforeEach
    void makeToken() throws Exception {
        Path module = Stream.of("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
                .map(Path::of)
                .filter(Files::exists)
                .findFirst()
                .orElse(null);
        Assumptions.assumeTrue(
                module != null && Files.isExecutable(TOOL), "skipped: softhsm2 and opensc are not installed");
        tokens = Files.createDirectory(home.resolve("tokens"));
        Path configuration = Files.writeString(
                home.resolve("softhsm2.conf"),
                "directories.tokendir = " + tokens + "\nobjectstore.backend = file\nlog.level = ERROR\n");
        environment = Map.of("SOFTHSM2_CONF", configuration.toString(), "PIN", PIN);
        token = List.of("--module", module.toString(), "--token-label", "audit");
        require("softhsm2-util", "--init-token", "--free", "--label", "audit", "--pin", PIN, "--so-pin", PIN);
        tool("--login", "--pin", "env:PIN", "--keypairgen", "--key-type", "EC:edwards25519", "--id", "01");
    }

    private String require(String... command) throws Exception {
        OtherPrograms.Run run = OtherPrograms.run(environment, List.of(command));
        assertThat(run.code()).as(run.out()).isZero();
        return run.out();
    }

    private String tool(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(TOOL.toString()));
        command.addAll(token);
        command.addAll(List.of(arguments));
        return require(command.toArray(String[]::new));
    }

    private byte[] publicKey() throws Exception {
        Path file = home.resolve("public");
        tool("--read-object", "--type", "pubkey", "--id", "01", "--output-file", file.toString());
        String pem = Files.readString(file).replaceAll("-----[A-Z ]+-----|\\s", "");
        byte[] info = Base64.getDecoder().decode(pem);
        return Arrays.copyOfRange(info, info.length - 32, info.length);
    }

    private CommandLogKey key() throws Exception {
        List<String> arguments = new ArrayList<>(token);
        arguments.addAll(List.of("--login", "--pin", "env:PIN", "--sign", "--mechanism", "EDDSA", "--id", "01"));
        arguments.addAll(List.of("--input-file", "/dev/stdin", "--output-file", "/dev/stdout"));
        return CommandLogKey.of(publicKey(), TOOL, arguments, environment);
    }

    private AuditSettings settings(CommandLogKey key) {
        return LogFixture.settings(home).logKey(key, Duration.ofSeconds(3));
    }

    @Test
    void append_keyInAToken_writtenOverTwoEpochsIntactForUsAndForOpenSsl() throws Exception {
        assertThat(tool("--login", "--pin", "env:PIN", "--list-objects", "--type", "privkey"))
                .contains("sensitive", "never extractable");
        CommandLogKey key = key();
        List<String> keys = List.of();
        for (int run = 0; run < 2; run++) {
            try (HashChainedAuditLog log = LogFixture.open(settings(key))) {
                keys = log.verifierKeys();
                LogFixture.append(log, 5);
                log.checkpoint();
                LogFixture.append(log, 5);
            }
        }
        VerificationResult result = LogFixture.verify(home, keys);
        assertThat(result).isInstanceOf(VerificationResult.Intact.class);
        assertThat(result.size()).isEqualTo(22);
        assertThat(LogFixture.records(home)).anyMatch(line -> line.contains("\"type\":\"log.key\""));

        String signer = LogFixture.read(home.resolve("keys").resolve("signer"));
        assertThat(signer).contains("\nlog-key " + keys.get(0) + "\n").doesNotContain("\nlog PRIVATE");
        assertThat(signer.split("PRIVATE\\+KEY")).hasSize(2);

        Path checkpoints = LogFixture.log(home).resolve("checkpoints");
        int notes = 0;
        try (NoteReader reader = NoteReader.open(checkpoints, Files.size(checkpoints))) {
            for (byte[] bytes = reader.next(); bytes != null; bytes = reader.next()) {
                SignedNote note = SignedNote.parse(bytes);
                byte[] line = note.signatures().get(0).bytes();
                byte[] signature = Arrays.copyOfRange(line, 4, line.length);
                assertThat(OtherPrograms.opensslVerifies(key.publicKey(), note.text(), signature, home))
                        .isTrue();
                notes++;
            }
        }
        assertThat(notes).isGreaterThanOrEqualTo(6);
    }

    @Test
    void append_tokenRemoved_refusedWithCodeNothingHalfWrittenAndContinuedWhenBack() throws Exception {
        CommandLogKey key = key();
        HashChainedAuditLog log = LogFixture.open(settings(key));
        List<String> keys = log.verifierKeys();
        LogFixture.append(log, 5);
        log.checkpoint();
        Path away = Files.move(tokens, home.resolve("away"));
        Files.createDirectory(tokens);
        LogFixture.append(log, 1);
        assertThatThrownBy(log::checkpoint)
                .hasMessageContaining("SR-AUDIT-002")
                .hasStackTraceContaining("the log key did not sign within PT3S")
                .satisfies(e -> assertThat(org.assertj.core.util.Throwables.getStackTrace(e))
                        .doesNotContain(PIN));
        assertThatThrownBy(() -> LogFixture.append(log, 1)).hasMessageContaining("SR-AUDIT-002");
        assertThatThrownBy(log::close).hasMessageContaining("SR-AUDIT-002");
        VerificationResult result = LogFixture.verify(home, keys);
        assertThat(result).isInstanceOf(VerificationResult.Intact.class);
        assertThat(result.signed()).isEqualTo(6);
        assertThat(result.size()).isEqualTo(7);

        Files.delete(tokens);
        Files.move(away, tokens);
        LogFixture.open(settings(key)).close();
        VerificationResult after = LogFixture.verify(home, keys);
        assertThat(after).isInstanceOf(VerificationResult.Intact.class);
        assertThat(after.signed()).isEqualTo(after.size());
    }
}
