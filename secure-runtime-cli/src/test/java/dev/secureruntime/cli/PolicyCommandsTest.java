package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

final class PolicyCommandsTest {

    @TempDir
    Path folder;

    private String policy;

    /** What a command printed, and its exit code. */
    private record Run(int exit, String out, String err) {}

    @BeforeEach
    void writePolicy() throws IOException {
        policy = write(
                "policy.json",
                """
                {"version": 1, "components": {"chat": {
                  "egress": {"allow": ["api.openai.com", {"host": "*.anthropic.com", "methods": ["POST"], "paths": ["/v1/**"]},
                                       {"cidr": "127.0.0.0/8", "ports": [8080], "schemes": ["http"]},
                                       {"host": "localhost", "ports": [8080], "schemes": ["http"]},
                                       {"host": "localhost", "ports": [9090]}],
                             "deny": [{"category": "dynamic-dns"}]},
                  "secrets": ["key"]}},
                 "secrets": {"key": {"source": {"env": "KEY"}, "attach": {"hosts": ["api.openai.com"], "as": "bearer"}}}}
                """);
    }

    private String write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text).toString();
    }

    private static Run run(Object command, String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exit = new CommandLine(command)
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(arguments);
        return new Run(exit, out.toString(), err.toString());
    }

    private static Run runWithInput(String input, Object command, String... arguments) {
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
        try {
            return run(command, arguments);
        } finally {
            System.setIn(before);
        }
    }

    @Test
    void check_allAllowed_exits0() {
        Run run = run(
                new EgressCommand(),
                "check",
                "--policy",
                policy,
                "--component",
                "chat",
                "https://api.openai.com/v1/models",
                "http://127.0.0.1:8080/");
        assertThat(run.out()).isEqualTo("ALLOW https://api.openai.com/v1/models\nALLOW http://127.0.0.1:8080/\n");
        assertThat(run.exit()).isZero();
    }

    @Test
    void check_standardInput_printsALinePerUrlInOrder() {
        Run run = runWithInput(
                "https://api.openai.com/\nhttps://a.anthropic.com/v1/x\r\n\nhttps://evil.example/?q=1\nhttp://127.1/\n"
                        + "https://www.exam\rple.com\nhttps://api.openai.com:8443/",
                new EgressCommand(),
                "check",
                "--policy",
                policy,
                "--component",
                "chat",
                "--method",
                "POST",
                "-");
        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.out().split("\n"))
                .containsExactly(
                        "ALLOW https://api.openai.com/",
                        "ALLOW https://a.anthropic.com/v1/x",
                        "DENY https://evil.example/?q=1 SR-EGRESS-001 host not allowed",
                        "DENY http://127.1/ SR-EGRESS-003 the host looks like a number and is no IPv4 address in"
                                + " canonical form",
                        "DENY https://www.exam\\u000Dple.com SR-EGRESS-003 the URL holds white space or a control"
                                + " character",
                        "DENY https://api.openai.com:8443/ SR-EGRESS-001 \"api.openai.com\" is allowed, but not with"
                                + " port 8443; nearest allowed: api.openai.com");
    }

    @Test
    void check_lineThatNeverEnds_isDenied_andTheNextOneHasItsLine() {
        String endless = "https://api.openai.com/" + "a".repeat(300_000);
        Run run = runWithInput(
                endless + "\nhttps://api.openai.com/\n",
                new EgressCommand(),
                "check",
                "--policy",
                policy,
                "--component",
                "chat",
                "-");
        assertThat(run.exit()).isEqualTo(1);
        String[] lines = run.out().split("\n");
        assertThat(lines).hasSize(2);
        assertThat(lines[0])
                .startsWith("DENY https://api.openai.com/aaa")
                .endsWith(" SR-EGRESS-003 it has more than 65536 characters");
        assertThat(lines[1]).isEqualTo("ALLOW https://api.openai.com/");
    }

    @Test
    void check_urlThatForgesLines_isOneLineOfPlainText_asJsonToo() {
        String hostile = "https://api.openai.com/\u009b2J\u0085\u2028\u2029\u007f\u001b[2J\u202e\n";
        for (String format : List.of("--json", "--method=GET")) {
            Run run = runWithInput(
                    hostile, new EgressCommand(), "check", "--policy", policy, "--component", "chat", format, "-");
            assertThat(run.exit()).isEqualTo(1);
            assertThat(run.out()).endsWith("\n");
            assertThat(run.out().substring(0, run.out().length() - 1)).matches("[ -~]+");
        }
    }

    @Test
    void check_urlThatBeginsWithAnAt_isAUrl_andNoFileOfThem() throws IOException {
        Path urls = Files.writeString(folder.resolve("urls"), "https://api.openai.com/\nhttps://evil.example/\n");
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exit = SecureRuntimeCommand.run(
                new PrintWriter(out),
                new PrintWriter(err),
                "egress",
                "check",
                "--policy",
                policy,
                "--component",
                "chat",
                "@" + urls);
        assertThat(out.toString().lines()).singleElement().asString().startsWith("DENY @" + urls + " SR-EGRESS-003 ");
        assertThat(exit).isEqualTo(1);
    }

    @Test
    void check_json_givesReasonAndRemedy() {
        Run run = run(
                new EgressCommand(),
                "check",
                "--policy",
                policy,
                "--component",
                "chat",
                "--json",
                "https://evil.example/");
        assertThat(run.out())
                .isEqualTo("{\"verdict\":\"DENY\",\"url\":\"https://evil.example/\",\"code\":\"SR-EGRESS-001\","
                        + "\"reason\":\"HOST_NOT_ALLOWED\",\"detail\":\"host not allowed\",\"layer\":\"request\","
                        + "\"remedy\":\"allow \\\"evil.example\\\" under components.chat.egress.allow\"}\n");
    }

    @Test
    void check_resolve_judgesTheAddresses() {
        assertThat(run(
                                new EgressCommand(),
                                "check",
                                "--policy",
                                policy,
                                "--component",
                                "chat",
                                "https://localhost:9090/")
                        .exit())
                .isZero();
        Run resolved = run(
                new EgressCommand(),
                "check",
                "--resolve",
                "--policy",
                policy,
                "--component",
                "chat",
                "https://localhost:9090/");
        assertThat(resolved.exit()).isEqualTo(1);
        assertThat(resolved.out()).contains("SR-EGRESS-002").contains("is special (Loopback)");
    }

    @Test
    void check_wrongUsage_exits3() throws IOException {
        String broken = write("broken.json", "{\"version\": 1, \"components\": {\"chat\": {\"egres\": {}}}}");
        assertThat(run(new EgressCommand(), "check", "https://a.example/").exit())
                .isEqualTo(3);
        assertThat(run(new EgressCommand(), "check", "--policy", policy, "--component", "chta", "https://a.example/"))
                .satisfies(run -> assertThat(run.exit()).isEqualTo(3))
                .satisfies(run -> assertThat(run.err()).contains("no component \"chta\"; it has chat"));
        assertThat(run(new EgressCommand(), "check", "--policy", broken, "--component", "chat", "https://a.example/")
                        .exit())
                .isEqualTo(3);
        assertThat(run(new EgressCommand(), "check", "--policy", policy + ".none", "--component", "chat")
                        .exit())
                .isEqualTo(3);
    }

    @Test
    void check_method_isComparedAsGuardedHttpSendsIt() {
        assertThat(check("--method", "post", "https://a.anthropic.com/v1/x").exit())
                .isZero();
        for (String method : new String[] {"", "G ET", "GET\nALLOW x", "\u017fET"}) {
            Run run = check("--method", method, "https://api.openai.com/");
            assertThat(run.exit()).isEqualTo(3);
            assertThat(run.out()).isEmpty();
        }
    }

    @Test
    void check_dashAmongUrls_exits3_andNothingIsAllowed() {
        Run run = check("https://api.openai.com/", "-");
        assertThat(run.exit()).isEqualTo(3);
        assertThat(run.out()).isEmpty();
    }

    private Run check(String... more) {
        return checkUnder(policy, more);
    }

    private static Run checkUnder(String policy, String... more) {
        List<String> arguments = new ArrayList<>(List.of("check", "--policy", policy, "--component", "chat"));
        arguments.addAll(List.of(more));
        return run(new EgressCommand(), arguments.toArray(String[]::new));
    }

    /** Budgets, and four grants: for a host, for cloud metadata and for loopback, now; and one that is over. */
    private String emergency() throws IOException {
        Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        String span = "\"person\": \"jane.doe\", \"reason\": \"INC-1\", \"from\": \"" + now.minusSeconds(60)
                + "\", \"until\": \"" + now.plusSeconds(3600) + "\"}";
        return write(
                "emergency.json",
                """
                {"version": 1, "components": {"chat": {"egress": {
                  "allow": ["api.openai.com", {"host": "localhost", "ports": [9090]}],
                  "budgets": [{"host": "api.openai.com", "bytes": 1000, "window": "PT1H"},
                              {"host": "*.example", "bytes": 5, "window": "P1D"}, {"bytes": 7, "window": "PT1M"}]}}},
                 "breakGlass": [
                  {"component": "chat", "host": "db.example", SPAN,
                  {"component": "chat", "address": "169.254.169.254", "port": 80, "scheme": "http", SPAN,
                  {"component": "chat", "address": "127.0.0.1", "port": 9090, SPAN,
                  {"component": "chat", "address": "::1", "port": 9090, SPAN,
                  {"component": "chat", "host": "old.example", "person": "jane.doe", "reason": "INC-0",
                   "from": "2020-01-01T00:00:00Z", "until": "2020-01-01T01:00:00Z"}]}
                """
                        .replace("SPAN", span));
    }

    @Test
    void check_grantsInForce_count_andNothingElseIsOpened() throws IOException {
        Run run = checkUnder(
                emergency(),
                "https://db.example/",
                "http://169.254.169.254/latest",
                "https://old.example/",
                "https://x.db.example/",
                "https://db.example:8443/",
                "http://169.254.169.253/");
        assertThat(run.out().lines().map(line -> line.split(" ")[0]))
                .containsExactly("ALLOW", "ALLOW", "DENY", "DENY", "DENY", "DENY");
        assertThat(checkUnder(emergency(), "--resolve", "https://localhost:9090/")
                        .exit())
                .isZero();
        assertThat(checkUnder(policy, "--resolve", "https://localhost:9090/").exit())
                .isEqualTo(1);
    }

    @Test
    void check_whatTheVerdictsLeaveOut_isSaidOnStandardError() throws IOException {
        assertThat(check("https://api.openai.com/").err()).isEmpty();
        String trial = write(
                "trial.json",
                """
                {"version": 1, "components": {"chat": {"egress": {"allow": ["api.openai.com"], "mode": "report",
                  "onManyNames": "block", "budgets": [{"bytes": 7, "window": "PT1M"}]}}}}
                """);
        Run run = checkUnder(trial, "https://api.openai.com/", "https://evil.example/");
        assertThat(run.out().lines().map(line -> line.split(" ")[0])).containsExactly("ALLOW", "DENY");
        assertThat(run.err().lines())
                .hasSize(3)
                .allMatch(line -> line.startsWith("warning: "))
                .anyMatch(line -> line.contains("report mode"))
                .anyMatch(line -> line.contains("SR-EGRESS-007"))
                .anyMatch(line -> line.contains("MANY_NAMES"));
    }

    @Test
    void explain_whatTheCompilerRefuses_isAnError() throws IOException {
        String unknown = write(
                "unknown.json",
                "{\"version\": 1, \"components\": {\"a\": {\"egress\": {\"deny\": [{\"category\": \"none\"}]}}}}");
        Run run = run(new PolicyCommand(), "explain", unknown);
        assertThat(run.exit()).isEqualTo(3);
        assertThat(run.out()).isEmpty();
    }

    @Test
    void explainAndDiff_pathsThatForgeLines_areOneLine() throws IOException {
        String plain = write("plain.json", "{\"version\": 1, \"components\": {\"a\": {\"secrets\": [\"s\"]}}}");
        String forging = write(
                "forging.json",
                "{\"version\": 1, \"components\": {\"a\": {\"secrets\": [\"s\"]}},"
                        + " \"secrets\": {\"s\": {\"source\": {\"file\": \"/a\\rb\\u001b[2J\\u009b2J\\u0085\\u2028c\"}}}}");
        for (Run run : List.of(
                run(new PolicyCommand(), "explain", forging), run(new PolicyCommand(), "diff", plain, forging))) {
            assertThat(run.out()).contains("/a?b?[2J?2J??c").matches("[ -~\n]+");
        }
    }

    @Test
    void validateExplainAndDiff_knowBudgetsAndGrants() throws IOException {
        assertThat(run(new PolicyCommand(), "validate", emergency()).out())
                .contains("https://db.example:443", "for jane.doe: in force")
                .containsPattern("https://old.example:443 until .* for jane.doe: over, it opens nothing; take it out");
        assertThat(run(new PolicyCommand(), "explain", emergency()).out())
                .contains("  at most  1000 bytes sent in any PT1H to api.openai.com\n")
                .contains("  at most  5 bytes sent in any PT24H to all names below example together\n")
                .contains("  at most  7 bytes sent in any PT1M to everything together\n")
                .contains("  break-glass (in force) https://db.example:443 from ")
                .contains("  break-glass (over) https://old.example:443 from ");
        Run diff = run(new PolicyCommand(), "diff", policy, emergency());
        assertThat(diff.exit()).isEqualTo(1);
        assertThat(diff.out())
                .contains("+ chat budget of 1000 bytes in PT1H for api.openai.com\n")
                .contains("+ chat break-glass to http://169.254.169.254:80 from ");
        String lower =
                write("lower.json", Files.readString(Path.of(emergency())).replace("1000", "999"));
        assertThat(run(new PolicyCommand(), "diff", emergency(), lower).out().lines())
                .startsWith("+ chat budget of 999 bytes in PT1H for api.openai.com");
    }

    @Test
    void validate_good_saysWhatItHolds() throws IOException {
        Run run = run(new PolicyCommand(), "validate", policy);
        assertThat(run.exit()).isZero();
        assertThat(run.out()).isEqualTo("VALID " + policy + ": 1 component, 6 egress rules, 1 secret\n");
        String wide = write(
                "wide.json", "{\"version\": 1, \"components\": {\"a\": {\"egress\": {\"allow\": [\"*.co.uk\"]}}}}");
        assertThat(run(new PolicyCommand(), "validate", wide).out()).contains("warning: \"*.co.uk\"");
    }

    @Test
    void validate_bad_saysWhereAndExits1() throws IOException {
        String broken = write("broken.json", "{\"version\": 1, \"components\": {\"chat\": {\"egres\": {}}}}");
        Run run = run(new PolicyCommand(), "validate", broken);
        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.err()).startsWith("error: SR-POLICY-003 " + broken + ":1:40: unknown member \"egres\"");
        String category = write(
                "category.json",
                "{\"version\": 1, \"components\": {\"a\": {\"egress\": {\"deny\": [{\"category\": \"none\"}]}}}}");
        assertThat(run(new PolicyCommand(), "validate", category).exit()).isEqualTo(1);
        assertThat(run(new PolicyCommand(), "validate", policy + ".none").exit())
                .isEqualTo(3);
        assertThat(run(new PolicyCommand(), "validate").exit()).isEqualTo(3);
    }

    @Test
    void explain_policy_spellsDefaultsOut() {
        assertThat(run(new PolicyCommand(), "explain", policy).out())
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
        assertThat(run(new PolicyCommand(), "explain", policy, "--component", "none")
                        .exit())
                .isEqualTo(3);
    }

    @Test
    void explainAndValidate_canaryAndSendTo_areSpelledOutWithoutAWarning() throws IOException {
        String traps = write(
                "traps.json",
                "{\"version\": 1, \"components\": {\"login\": {\"secrets\": [\"form\", \"local\"]}}, \"secrets\": {"
                        + "\"form\": {\"sendTo\": [\"login.example\"]}, \"local\": {},"
                        + "\"trap\": {\"source\": {\"env\": \"AWS_TRAP\"}, \"canary\": true}}}");
        assertThat(run(new PolicyCommand(), "explain", traps).out())
                .isEqualTo(
                        """
                login
                  may send nothing
                  secret   form, supplied by code, handed out and sent to login.example:443 only
                  secret   local, supplied by code, handed out and sent nowhere
                canary trap, from the environment variable AWS_TRAP, a canary: for nobody; found in a request, it is an alarm
                """);
        assertThat(run(new PolicyCommand(), "validate", traps).out())
                .doesNotContain("warning")
                .contains("VALID");
    }

    @Test
    void diff_policies_showsWhatWouldChange() throws IOException {
        String other = write(
                "other.json",
                "{\"version\": 1, \"components\": {\"chat\": {\"egress\": {\"allow\": [\"api.openai.com\", \"evil.example\"]}}}}");
        Run run = run(new PolicyCommand(), "diff", policy, other);
        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.out())
                .contains("+ chat https://evil.example:443\n")
                .contains("- chat https://any-name.anthropic.com:443 [POST /v1/any/any]\n")
                .contains("- chat http://127.0.0.0:8080\n");
        assertThat(run(new PolicyCommand(), "diff", policy, policy)).isEqualTo(new Run(0, "", ""));
        assertThat(run(new PolicyCommand(), "diff", policy).exit()).isEqualTo(3);
    }

    @Test
    void export_squid_writesAccessRules() {
        Run run = run(new PolicyCommand(), "export", policy, "--component", "chat", "--format", "squid");
        assertThat(run.exit()).isZero();
        assertThat(run.out())
                .startsWith("# Egress of component chat by policy policy.json, for Squid.")
                .contains(" dstdomain -n api.openai.com\n")
                .endsWith("http_access deny all\n");
        assertThat(run(new PolicyCommand(), "export", policy, "--component", "none", "--format", "squid")
                        .exit())
                .isEqualTo(3);
        assertThat(run(new PolicyCommand(), "export", policy, "--component", "chat", "--format", "none")
                        .exit())
                .isEqualTo(3);
    }

    @Test
    void export_smokescreen_namesWhatItLeavesOut() {
        Run run = run(new PolicyCommand(), "export", policy, "--format", "smokescreen", "--project", "team");
        assertThat(run.exit()).isZero();
        assertThat(run.out()).contains("project: \"team\"").contains("- \"api.openai.com\"");
        assertThat(run.err()).contains("warning: chat: left out: allow *.anthropic.com: it is limited to methods");
        assertThat(run(new PolicyCommand(), "export", policy, "--format", "smokescreen", "--strict")
                        .exit())
                .isEqualTo(1);
        assertThat(run(new PolicyCommand(), "export", policy, "--format", "smokescreen", "--wider")
                        .out())
                .contains("- \"*.anthropic.com\"");
        assertThat(run(new PolicyCommand(), "export", policy, "--format", "smokescreen", "--action", "open")
                        .exit())
                .isEqualTo(3);
    }

    @Test
    void export_networkPolicy_isStrictWhenAsked() throws IOException {
        String addresses = write(
                "addresses.json",
                "{\"version\": 1, \"components\": {\"a\": {\"egress\": {\"allow\": [{\"cidr\": \"10.0.0.0/8\"}]}}}}");
        Run run = run(new PolicyCommand(), "export", addresses, "--format", "k8s-networkpolicy", "--strict");
        assertThat(run).satisfies(done -> assertThat(done.exit()).isZero());
        assertThat(run.out()).contains("cidr: \"10.0.0.0/8\"").doesNotContain("port: 53");
        assertThat(run(
                                new PolicyCommand(),
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
        assertThat(run(new PolicyCommand(), "export", addresses, "--format", "k8s-networkpolicy", "--dns", "resolver")
                        .exit())
                .isEqualTo(3);
    }

    @Test
    void explainAndCheck_ownCategory_areAboutItsHosts() throws IOException {
        write("blocked.txt", "evil.example # ticket\n");
        String own = write(
                "own.json",
                """
                {"version": 1, "categories": {"corp": {"file": "blocked.txt"}}, "components": {"a": {"egress": {
                  "allow": ["*.example"], "deny": [{"category": "corp"}], "onManyNames": "block"}}}}
                """);
        assertThat(run(new PolicyCommand(), "explain", own).out())
                .contains("never    anything to hosts of category corp on any port")
                .contains("never    new names below a domain once it asked for conspicuously many")
                .contains("category corp: 1 hosts, SHA-256 ");
        Run check = run(
                new EgressCommand(),
                "check",
                "--policy",
                own,
                "--component",
                "a",
                "https://evil.example/",
                "https://b.example/");
        assertThat(check.exit()).isEqualTo(1);
        assertThat(check.out())
                .contains("denied by category corp in components.a.egress.deny")
                .contains("ALLOW https://b.example/");
        write("blocked.txt", "evil.example\nnot a host\n");
        Run invalid = run(new PolicyCommand(), "validate", own);
        assertThat(invalid.exit()).isEqualTo(1);
        assertThat(invalid.err()).contains("blocked.txt:2:1: ");
    }
}
