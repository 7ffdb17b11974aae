package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PolicyCommandsTest {

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
    void explain_whatTheCompilerRefuses_isAnError() throws IOException {
        String unknown = files.write(
                "unknown.json",
                "{\"version\": 1, \"components\": {\"a\": {\"egress\": {\"deny\": [{\"category\": \"none\"}]}}}}");
        CommandRun run = CommandRun.of("policy", "explain", unknown);
        assertThat(run.code()).isEqualTo(3);
        assertThat(run.out()).isEmpty();
    }

    @Test
    void explainAndDiff_pathsThatForgeLines_areOneLine() throws IOException {
        String plain = files.write("plain.json", "{\"version\": 1, \"components\": {\"a\": {\"secrets\": [\"s\"]}}}");
        String forging = files.write(
                "forging.json",
                "{\"version\": 1, \"components\": {\"a\": {\"secrets\": [\"s\"]}},"
                        + " \"secrets\": {\"s\": {\"source\": {\"file\": \"/a\\rb\\u001b[2J\\u009b2J\\u0085\\u2028c\"}}}}");
        for (CommandRun run :
                List.of(CommandRun.of("policy", "explain", forging), CommandRun.of("policy", "diff", plain, forging))) {
            assertThat(run.out()).contains("/a?b?[2J?2J??c").matches("[ -~\n]+");
        }
    }

    @Test
    void validateExplainAndDiff_knowBudgetsAndGrants() throws IOException {
        assertThat(CommandRun.of("policy", "validate", files.emergency()).out())
                .contains("https://db.example:443", "for jane.doe: in force")
                .containsPattern("https://old.example:443 until .* for jane.doe: over, it opens nothing; take it out");
        assertThat(CommandRun.of("policy", "explain", files.emergency()).out())
                .contains("  at most  1000 bytes sent in any PT1H to api.openai.com\n")
                .contains("  at most  5 bytes sent in any PT24H to all names below example together\n")
                .contains("  at most  7 bytes sent in any PT1M to everything together\n")
                .contains("  break-glass (in force) https://db.example:443 from ")
                .contains("  break-glass (over) https://old.example:443 from ");
        CommandRun diff = CommandRun.of("policy", "diff", policy, files.emergency());
        assertThat(diff.code()).isEqualTo(1);
        assertThat(diff.out())
                .contains("+ chat budget of 1000 bytes in PT1H for api.openai.com\n")
                .contains("+ chat break-glass to http://169.254.169.254:80 from ");
        String lower = files.write(
                "lower.json", Files.readString(Path.of(files.emergency())).replace("1000", "999"));
        assertThat(CommandRun.of("policy", "diff", files.emergency(), lower)
                        .out()
                        .lines())
                .startsWith("+ chat budget of 999 bytes in PT1H for api.openai.com");
    }

    @Test
    void validate_good_saysWhatItHolds() throws IOException {
        CommandRun run = CommandRun.of("policy", "validate", policy);
        assertThat(run.code()).isZero();
        assertThat(run.out()).isEqualTo("VALID " + policy + ": 1 component, 6 egress rules, 1 secret\n");
        String wide = files.write(
                "wide.json", "{\"version\": 1, \"components\": {\"a\": {\"egress\": {\"allow\": [\"*.co.uk\"]}}}}");
        assertThat(CommandRun.of("policy", "validate", wide).out()).contains("warning: \"*.co.uk\"");
    }

    @Test
    void validate_bad_saysWhereAndExits1() throws IOException {
        String broken = files.write("broken.json", "{\"version\": 1, \"components\": {\"chat\": {\"egres\": {}}}}");
        CommandRun run = CommandRun.of("policy", "validate", broken);
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.err()).startsWith("error: SR-POLICY-003 " + broken + ":1:40: unknown member \"egres\"");
        String category = files.write(
                "category.json",
                "{\"version\": 1, \"components\": {\"a\": {\"egress\": {\"deny\": [{\"category\": \"none\"}]}}}}");
        assertThat(CommandRun.of("policy", "validate", category).code()).isEqualTo(1);
        assertThat(CommandRun.of("policy", "validate", policy + ".none").code()).isEqualTo(3);
        assertThat(CommandRun.of("policy", "validate").code()).isEqualTo(3);
    }

    @Test
    void explain_policy_spellsDefaultsOut() {
        assertThat(CommandRun.of("policy", "explain", policy).out())
                .isEqualTo(
                        """
                chat
                  may send anything by https to api.openai.com on 443
                  may send POST by https to every name below anthropic.com on 443 under /v1/**
                  may send anything by http to addresses in 127.0.0.0/8 on 8080
                  may send anything by http to localhost on 8080
                  may send anything by https to localhost on 9090
                  never    anything to hosts of category dynamic-dns on any port
                  secret   key, from the environment variable KEY, attached as Authorization: Bearer to api.openai.com:443 and never handed out
                """);
        assertThat(CommandRun.of("policy", "explain", policy, "--component", "none")
                        .code())
                .isEqualTo(3);
    }

    @Test
    void explainAndValidate_canaryAndSendTo_areSpelledOutWithoutAWarning() throws IOException {
        String traps = files.write(
                "traps.json",
                "{\"version\": 1, \"components\": {\"login\": {\"secrets\": [\"form\", \"local\"]}}, \"secrets\": {"
                        + "\"form\": {\"sendTo\": [\"login.example\"]}, \"local\": {},"
                        + "\"trap\": {\"source\": {\"env\": \"AWS_TRAP\"}, \"canary\": true}}}");
        assertThat(CommandRun.of("policy", "explain", traps).out())
                .isEqualTo(
                        """
                login
                  may send nothing
                  secret   form, supplied by code, handed out and sent to login.example:443 only
                  secret   local, supplied by code, handed out and sent nowhere
                canary trap, from the environment variable AWS_TRAP, a canary: for nobody; found in a request, it is an alarm
                """);
        assertThat(CommandRun.of("policy", "validate", traps).out())
                .doesNotContain("warning")
                .contains("VALID");
    }

    @Test
    void diff_policies_showsWhatWouldChange() throws IOException {
        String other = files.write(
                "other.json",
                "{\"version\": 1, \"components\": {\"chat\": {\"egress\": {\"allow\": [\"api.openai.com\", \"evil.example\"]}}}}");
        CommandRun run = CommandRun.of("policy", "diff", policy, other);
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.out())
                .contains("+ chat https://evil.example:443\n")
                .contains("- chat https://any-name.anthropic.com:443 [POST /v1/any/any]\n")
                .contains("- chat http://127.0.0.0:8080\n");
        assertThat(CommandRun.of("policy", "diff", policy, policy)).isEqualTo(new CommandRun(0, "", ""));
        assertThat(CommandRun.of("policy", "diff", policy).code()).isEqualTo(3);
    }

    @Test
    void explainAndCheck_ownCategory_areAboutItsHosts() throws IOException {
        files.write("blocked.txt", "evil.example # ticket\n");
        String own = files.write(
                "own.json",
                """
                {"version": 1, "categories": {"corp": {"file": "blocked.txt"}}, "components": {"a": {"egress": {
                  "allow": ["*.example"], "deny": [{"category": "corp"}], "onManyNames": "block"}}}}
                """);
        assertThat(CommandRun.of("policy", "explain", own).out())
                .contains("never    anything to hosts of category corp on any port")
                .contains("never    new names below a domain once it asked for conspicuously many")
                .contains("category corp: 1 hosts, SHA-256 ");
        CommandRun check = CommandRun.of(
                "egress", "check", "--policy", own, "--component", "a", "https://evil.example/", "https://b.example/");
        assertThat(check.code()).isEqualTo(1);
        assertThat(check.out())
                .contains("denied by category corp in components.a.egress.deny")
                .contains("ALLOW https://b.example/");
        files.write("blocked.txt", "evil.example\nnot a host\n");
        CommandRun invalid = CommandRun.of("policy", "validate", own);
        assertThat(invalid.code()).isEqualTo(1);
        assertThat(invalid.err()).contains("blocked.txt:2:1: ");
    }
}
