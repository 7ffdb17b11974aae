package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PolicyExportCommandTest {

    @TempDir
    Path folder;

    private PolicyFiles files;
    private String policy;

    @BeforeEach
    void writePolicy() throws IOException {
        files = new PolicyFiles(folder);
        policy = files.chat();
    }

    @Test
    void export_squid_writesAccessRules() {
        CommandRun run = CommandRun.of("policy", "export", policy, "--component", "chat", "--format", "squid");
        assertThat(run.code()).isZero();
        assertThat(run.out())
                .startsWith("# Egress of component chat by policy policy.json, for Squid.")
                .contains(" dstdomain -n api.openai.com\n")
                .endsWith("http_access deny all\n");
        assertThat(CommandRun.of("policy", "export", policy, "--component", "none", "--format", "squid")
                        .code())
                .isEqualTo(3);
        assertThat(CommandRun.of("policy", "export", policy, "--component", "chat", "--format", "none")
                        .code())
                .isEqualTo(3);
    }

    @Test
    void export_smokescreen_namesWhatItLeavesOut() {
        CommandRun run = CommandRun.of("policy", "export", policy, "--format", "smokescreen", "--project", "team");
        assertThat(run.code()).isZero();
        assertThat(run.out()).contains("project: \"team\"").contains("- \"api.openai.com\"");
        assertThat(run.err()).contains("warning: chat: left out: allow *.anthropic.com: it is limited to methods");
        assertThat(CommandRun.of("policy", "export", policy, "--format", "smokescreen", "--strict")
                        .code())
                .isEqualTo(1);
        assertThat(CommandRun.of("policy", "export", policy, "--format", "smokescreen", "--wider")
                        .out())
                .contains("- \"*.anthropic.com\"");
        assertThat(CommandRun.of("policy", "export", policy, "--format", "smokescreen", "--action", "open")
                        .code())
                .isEqualTo(3);
    }

    @Test
    void export_networkPolicy_isStrictWhenAsked() throws IOException {
        String addresses = files.write(
                "addresses.json",
                "{\"version\": 1, \"components\": {\"a\": {\"egress\": {\"allow\": [{\"cidr\": \"10.0.0.0/8\"}]}}}}");
        CommandRun run = CommandRun.of("policy", "export", addresses, "--format", "k8s-networkpolicy", "--strict");
        assertThat(run).satisfies(done -> assertThat(done.code()).isZero());
        assertThat(run.out()).contains("cidr: \"10.0.0.0/8\"").doesNotContain("port: 53");
        assertThat(CommandRun.of(
                                "policy",
                                "export",
                                addresses,
                                "--format",
                                "k8s-networkpolicy",
                                "--dns",
                                "10.96.0.10/32",
                                "--pod-label",
                                "app")
                        .out())
                .contains("cidr: \"10.96.0.10/32\"")
                .contains("\"app\": \"a\"");
        assertThat(CommandRun.of("policy", "export", addresses, "--format", "k8s-networkpolicy", "--dns", "resolver")
                        .code())
                .isEqualTo(3);
    }
}
