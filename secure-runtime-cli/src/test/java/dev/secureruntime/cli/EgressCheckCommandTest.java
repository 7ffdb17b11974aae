package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class EgressCheckCommandTest {

    @TempDir
    Path folder;

    private PolicyFiles files;
    private String policy;

    @BeforeEach
    void writePolicy() throws IOException {
        files = new PolicyFiles(folder);
        policy = files.chat();
    }

    private static List<String> arguments(String policy, String... more) {
        List<String> arguments = new ArrayList<>(List.of("egress", "check", "--policy", policy, "--component", "chat"));
        arguments.addAll(List.of(more));
        return arguments;
    }

    private static CommandRun checkUnder(String policy, String... more) {
        return CommandRun.of(arguments(policy, more).toArray());
    }

    private CommandRun check(String... more) {
        return checkUnder(policy, more);
    }

    private CommandRun checkLines(String input, String... more) {
        List<String> arguments = arguments(policy, more);
        arguments.add("-");
        return CommandRun.reading(input, arguments.toArray());
    }

    @Test
    void check_allAllowed_exits0() {
        CommandRun run = check("https://api.openai.com/v1/models", "http://127.0.0.1:8080/");
        assertThat(run.out()).isEqualTo("ALLOW https://api.openai.com/v1/models\nALLOW http://127.0.0.1:8080/\n");
        assertThat(run.code()).isZero();
    }

    @Test
    void check_standardInput_printsALinePerUrlInOrder() {
        CommandRun run = checkLines(
                "https://api.openai.com/\nhttps://a.anthropic.com/v1/x\r\n\nhttps://evil.example/?q=1\nhttp://127.1/\n"
                        + "https://www.exam\rple.com\nhttps://api.openai.com:8443/",
                "--method",
                "POST");
        assertThat(run.code()).isEqualTo(1);
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
        CommandRun run = checkLines(endless + "\nhttps://api.openai.com/\n");
        assertThat(run.code()).isEqualTo(1);
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
            CommandRun run = checkLines(hostile, format);
            assertThat(run.code()).isEqualTo(1);
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
                arguments(policy, "@" + urls).toArray(String[]::new));
        assertThat(out.toString().lines()).singleElement().asString().startsWith("DENY @" + urls + " SR-EGRESS-003 ");
        assertThat(exit).isEqualTo(1);
    }

    @Test
    void check_json_givesReasonAndRemedy() {
        CommandRun run = check("--json", "https://evil.example/");
        assertThat(run.out())
                .isEqualTo("{\"verdict\":\"DENY\",\"url\":\"https://evil.example/\",\"code\":\"SR-EGRESS-001\","
                        + "\"reason\":\"HOST_NOT_ALLOWED\",\"detail\":\"host not allowed\",\"layer\":\"request\","
                        + "\"remedy\":\"allow \\\"evil.example\\\" under components.chat.egress.allow\"}\n");
    }

    @Test
    void check_resolve_judgesTheAddresses() {
        assertThat(check("https://localhost:9090/").code()).isZero();
        CommandRun resolved = check("--resolve", "https://localhost:9090/");
        assertThat(resolved.code()).isEqualTo(1);
        assertThat(resolved.out()).contains("SR-EGRESS-002").contains("is special (Loopback)");
    }

    @Test
    void check_wrongUsage_exits3() throws IOException {
        String broken = files.write("broken.json", "{\"version\": 1, \"components\": {\"chat\": {\"egres\": {}}}}");
        assertThat(CommandRun.of("egress", "check", "https://a.example/").code())
                .isEqualTo(3);
        assertThat(CommandRun.of("egress", "check", "--policy", policy, "--component", "chta", "https://a.example/"))
                .satisfies(run -> assertThat(run.code()).isEqualTo(3))
                .satisfies(run -> assertThat(run.err()).contains("no component \"chta\"; it has chat"));
        assertThat(checkUnder(broken, "https://a.example/").code()).isEqualTo(3);
        assertThat(checkUnder(policy + ".none").code()).isEqualTo(3);
    }

    @Test
    void check_method_isComparedAsGuardedHttpSendsIt() {
        assertThat(check("--method", "post", "https://a.anthropic.com/v1/x").code())
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "G ET", "GET\nALLOW x", "\u017fET", "M-SEARCH", "*"})
    void check_methodThatIsNoWord_exits3_andNothingIsAllowed(String method) {
        CommandRun run = check("--method", method, "https://api.openai.com/");
        assertThat(run.code()).isEqualTo(3);
        assertThat(run.out()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"CONNECT", "connect", "TRACE", "track"})
    void check_methodThatGuardedHttpNeverSends_isDeniedForEveryUrl(String method) throws IOException {
        CommandRun run = checkUnder(
                files.emergency(), "--method", method, "https://api.openai.com/", "https://db.example/", "x");
        assertThat(run.code()).isEqualTo(1);
        String why = method.equalsIgnoreCase("CONNECT") ? "CONNECT " : "the method asks for the request";
        assertThat(run.out().split("\n")).hasSize(3).satisfies(lines -> {
            assertThat(lines[0]).startsWith("DENY https://api.openai.com/ SR-EGRESS-003 " + why);
            assertThat(lines[1]).startsWith("DENY https://db.example/ SR-EGRESS-003 " + why);
            assertThat(lines[2]).startsWith("DENY x SR-EGRESS-003 the scheme");
        });
    }

    @Test
    void check_withoutAUrl_readsStandardInput() {
        CommandRun run = CommandRun.reading(
                "https://api.openai.com/\nhttps://evil.example/\n",
                arguments(policy).toArray());
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.out()).startsWith("ALLOW https://api.openai.com/").contains("\nDENY https://evil.example/ ");
    }

    @Test
    void check_dashAmongUrls_exits3_andNothingIsAllowed() {
        CommandRun run = check("https://api.openai.com/", "-");
        assertThat(run.code()).isEqualTo(3);
        assertThat(run.out()).isEmpty();
    }

    @Test
    void check_grantsInForce_count_andNothingElseIsOpened() throws IOException {
        CommandRun run = checkUnder(
                files.emergency(),
                "https://db.example/",
                "http://169.254.169.254/latest",
                "https://old.example/",
                "https://x.db.example/",
                "https://db.example:8443/",
                "http://169.254.169.253/");
        assertThat(run.out().lines().map(line -> line.split(" ")[0]))
                .containsExactly("ALLOW", "ALLOW", "DENY", "DENY", "DENY", "DENY");
        assertThat(checkUnder(files.emergency(), "--resolve", "https://localhost:9090/")
                        .code())
                .isZero();
        assertThat(checkUnder(policy, "--resolve", "https://localhost:9090/").code())
                .isEqualTo(1);
    }

    @Test
    void check_whatTheVerdictsLeaveOut_isSaidOnStandardError() throws IOException {
        assertThat(check("https://api.openai.com/").err()).isEmpty();
        String trial = files.write(
                "trial.json",
                """
                {"version": 1, "components": {"chat": {"egress": {"allow": ["api.openai.com"], "mode": "report",
                  "onManyNames": "block", "budgets": [{"bytes": 7, "window": "PT1M"}]}}}}
                """);
        CommandRun run = checkUnder(trial, "https://api.openai.com/", "https://evil.example/");
        assertThat(run.out().lines().map(line -> line.split(" ")[0])).containsExactly("ALLOW", "DENY");
        assertThat(run.err().lines())
                .hasSize(3)
                .allMatch(line -> line.startsWith("warning: "))
                .anyMatch(line -> line.contains("report mode"))
                .anyMatch(line -> line.contains("SR-EGRESS-007"))
                .anyMatch(line -> line.contains("MANY_NAMES"));
    }
}
