package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The one runnable jar, as scripts call it. Runs after packaging. */
class PackagedJarTest {

    private static final Path JAR = Path.of("target", "secure-runtime.jar").toAbsolutePath();

    @TempDir
    Path home;

    private record Run(int exit, String output, String errors) {}

    private Run run(String input, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-jar", JAR.toString()));
        command.addAll(List.of(arguments));
        Path out = home.resolve("out");
        Path err = home.resolve("err");
        Process process = new ProcessBuilder(command)
                .directory(home.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        process.getOutputStream().write(input.getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().close();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Run(process.exitValue(), Files.readString(out), Files.readString(err));
    }

    @Test
    void jar_appendsAndVerifies_withTheExitCodesThatScriptsRelyOn() throws Exception {
        Run append = run(
                "{\"type\":\"tool.call\"}\n{\"type\":\"tool.call\"}\n",
                "audit",
                "append",
                "log",
                "--signer",
                "signer",
                "--pin",
                "pin");
        assertThat(append).isEqualTo(new Run(0, "appended 2 records, log size 3\n", ""));
        assertThat(run("", "audit", "verify", "log", "--key", "pin").exit()).isZero();
        assertThat(run("", "audit", "verify", "log").exit()).isEqualTo(2);
        assertThat(run("", "audit", "verify").exit()).isEqualTo(3);

        Path segment = home.resolve("log/segments/00000000000000000000.jsonl");
        Files.writeString(segment, Files.readString(segment).replaceFirst("tool.call", "tool.cell"));
        Run tampered = run("", "audit", "verify", "log", "--key", "pin", "--json");
        assertThat(tampered.exit()).isEqualTo(1);
        assertThat(tampered.output()).contains("\"verdict\":\"TAMPERED\"").contains("\"seq\":1");
    }

    @Test
    void jar_readsPoliciesInJsonAndInYaml() throws Exception {
        Files.writeString(
                home.resolve("policy.json"),
                "{\"version\":1,\"components\":{\"chat\":{\"egress\":{\"allow\":[\"api.openai.com\"]}}}}");
        Files.writeString(
                home.resolve("policy.yaml"),
                "version: 1\ncomponents:\n  chat:\n    egress:\n      allow: [api.openai.com]\n");
        for (String policy : List.of("policy.json", "policy.yaml")) {
            assertThat(run("", "policy", "validate", policy).exit()).as(policy).isZero();
            Run check = run(
                    "https://api.openai.com/\nhttps://evil.example/\n",
                    "egress",
                    "check",
                    "--policy",
                    policy,
                    "--component",
                    "chat",
                    "-");
            assertThat(check.exit()).as(policy).isEqualTo(1);
            assertThat(check.output())
                    .startsWith("ALLOW https://api.openai.com/\nDENY https://evil.example/ SR-EGRESS-001 ");
        }
    }

    @Test
    void append_onALogThatAnotherProcessHasOpen_isRefused() throws Exception {
        Process holder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-jar",
                        JAR.toString(),
                        "audit",
                        "append",
                        "log",
                        "--signer",
                        "signer")
                .directory(home.toFile())
                .start();
        try {
            holder.getOutputStream().write("{\"type\":\"a.b\"}\n".getBytes(StandardCharsets.UTF_8));
            holder.getOutputStream().flush();
            awaitRecord();

            Run second = run("{\"type\":\"a.b\"}\n", "audit", "append", "log", "--signer", "signer");

            assertThat(second.exit()).isEqualTo(2);
            assertThat(second.errors()).contains("SR-AUDIT-001");
        } finally {
            holder.getOutputStream().close();
            assertThat(holder.waitFor(60, TimeUnit.SECONDS)).isTrue();
        }
    }

    private void awaitRecord() throws IOException {
        Path segment = home.resolve("log/segments/00000000000000000000.jsonl");
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!Files.exists(segment) || Files.size(segment) == 0) {
            assertThat(System.nanoTime()).isLessThan(end);
            Thread.onSpinWait();
        }
    }
}
