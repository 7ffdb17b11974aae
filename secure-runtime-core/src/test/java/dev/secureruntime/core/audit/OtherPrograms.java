package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** Programs that others wrote, run by tests; a test is skipped where one is not installed. */
final class OtherPrograms {

    private OtherPrograms() {}

    record Run(int code, String out) {}

    static Run run(Map<String, String> environment, List<String> command) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process process = start(builder);
        process.getOutputStream().close();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Run(process.exitValue(), out);
    }

    static Process start(ProcessBuilder builder) throws IOException {
        try {
            return builder.start();
        } catch (IOException e) {
            Assumptions.abort("skipped: " + builder.command().get(0) + " is not installed");
            throw e;
        }
    }

    static Path resource(String name, Path work) throws IOException {
        Path file = work.resolve(name);
        try (InputStream in = OtherPrograms.class.getResourceAsStream("/independent/" + name)) {
            Files.write(file, in.readAllBytes());
        }
        return file;
    }

    /** Builds a program of ours in Go, on the library of Go's checksum database. */
    static Path go(String name, Path work) throws Exception {
        // Debian's packages put the sources where this looks for them.
        Assumptions.assumeTrue(
                Files.isDirectory(Path.of("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")),
                "skipped: golang-golang-x-mod-dev is not installed");
        Path program = work.resolve(name);
        if (!Files.exists(program)) {
            String cache = work.resolve("c").toString();
            Run build = run(
                    Map.of("GO111MODULE", "off", "GOPATH", "/usr/share/gocode", "GOFLAGS", "", "GOCACHE", cache),
                    List.of(
                            "go",
                            "build",
                            "-o",
                            program.toString(),
                            resource(name + ".go", work).toString()));
            assertThat(build.code()).as(build.out()).isZero();
        }
        return program;
    }

    /** Whether OpenSSL accepts an Ed25519 signature. */
    static boolean opensslVerifies(byte[] publicKey, byte[] text, byte[] signature, Path work) throws Exception {
        // RFC 8410: the fixed head of an Ed25519 SubjectPublicKeyInfo.
        byte[] info = Arrays.copyOf(new byte[] {0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0}, 44);
        System.arraycopy(publicKey, 0, info, 12, 32);
        Path pem = work.resolve("key.pem");
        Files.writeString(
                pem,
                "-----BEGIN PUBLIC KEY-----\n" + Base64.getEncoder().encodeToString(info)
                        + "\n-----END PUBLIC KEY-----\n");
        Path sig = Files.write(work.resolve("sig"), signature);
        Path message = Files.write(work.resolve("text"), text);
        Run run = run(
                Map.of(),
                List.of(
                        "openssl",
                        "pkeyutl",
                        "-verify",
                        "-rawin",
                        "-pubin",
                        "-inkey",
                        pem.toString(),
                        "-sigfile",
                        sig.toString(),
                        "-in",
                        message.toString()));
        return run.code() == 0 && run.out().contains("Verified Successfully");
    }
}
