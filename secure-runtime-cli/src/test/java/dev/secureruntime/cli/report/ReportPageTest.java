package dev.secureruntime.cli.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.AuditLogVerifier;
import dev.secureruntime.core.audit.ExcerptWindow;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import dev.secureruntime.core.audit.StoredLog;
import dev.secureruntime.core.report.ActivityCollector;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The page in a real browser: what it finds by itself, and what hostile data makes of it. */
@Timeout(240)
class ReportPageTest {

    private static final ExcerptWindow.Limits ALL = new ExcerptWindow.Limits(20_000, 4_000, 16L << 20);
    private static final ExcerptWindow.Limits NEWEST = new ExcerptWindow.Limits(150, 4_000, 16L << 20);

    @TempDir
    private static Path home;

    private static Browser browser;
    private static List<String> keys = List.of();

    @BeforeAll
    static void start() throws Exception {
        keys = DemoLog.write(home, 300);
        browser = Browser.start(home);
    }

    @AfterAll
    static void stop() throws Exception {
        if (browser != null) {
            browser.close();
        }
    }

    private static Path report(Path log, List<String> trusted, ExcerptWindow.Limits limits) throws IOException {
        VerificationResult result = AuditLogVerifier.withKeys(trusted).verify(log);
        ActivityCollector activity = new ActivityCollector();
        ExcerptWindow window = new ExcerptWindow(limits);
        StoredLog.read(log, Long.MAX_VALUE, item -> {
            activity.add(item);
            window.add(item);
        });
        Path file = Files.createTempFile(home, "report", ".html");
        try (OutputStream out = Files.newOutputStream(file)) {
            new ReportPage(
                            new ReportFacts(
                                    log.toString(), trusted, List.of(), Instant.EPOCH, result, activity.result()),
                            window.finish())
                    .write(out);
        }
        return file;
    }

    private static Path report() throws IOException {
        return report(home.resolve("log"), keys, ALL);
    }

    private static void edit(Path file, UnaryOperator<String> edit) throws IOException {
        String before = Files.readString(file);
        String after = edit.apply(before);
        assertThat(after).isNotEqualTo(before);
        Files.writeString(file, after);
    }

    /** Changes the stored records inside a page, as a forger of reports would. */
    private static void editRecords(Path file, UnaryOperator<String> edit) throws IOException {
        edit(file, page -> {
            Matcher block = Pattern.compile("(id=\"lines\">)([^<]*)(</script>)").matcher(page);
            assertThat(block.find()).isTrue();
            String records = new String(Base64.getMimeDecoder().decode(block.group(2)), StandardCharsets.UTF_8);
            String changed =
                    Base64.getEncoder().encodeToString(edit.apply(records).getBytes(StandardCharsets.UTF_8));
            return page.substring(0, block.start(2)) + changed + page.substring(block.end(2));
        });
    }

    private static String editLine(String records, int index, UnaryOperator<String> edit) {
        List<String> lines = new ArrayList<>(records.lines().toList());
        lines.set(index, edit.apply(lines.get(index)));
        return String.join("\n", lines) + "\n";
    }

    @Test
    void page_ofAnIntactLog_recomputesEverything() throws Exception {
        browser.open(report());
        assertThat(browser.text("tool-verdict")).isEqualTo("INTACT");
        assertThat(browser.text("check-verdict")).isEqualTo("INTACT");
        assertThat(browser.text("check-facts")).contains("through 2 changes of key");
        assertThat(browser.text("tokens")).contains("gpt-4.1", "support-agent");
        assertThat(browser.text("denials")).contains("host_not_allowed");
        assertThat(browser.text("alarms")).contains("secret.canary", "planted-key, evil.example:443, body");
        assertThat(browser.requests()).isEmpty();
        assertThat(browser.complaints()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {390, 1280})
    void page_atThisWidth_doesNotOverflow(int width) throws Exception {
        browser.width(width);
        browser.open(report());
        assertThat(browser.evaluate("document.documentElement.scrollWidth").asInt())
                .isLessThanOrEqualTo(width);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 57, 200})
    void page_withOneByteOfARecordChanged_namesTheRecord(int index) throws Exception {
        Path file = report();
        editRecords(
                file, records -> editLine(records, index, line -> line.replaceFirst("(\"time\":\"20\\d)\\d", "$17")));
        browser.open(file);
        assertThat(browser.text("tool-verdict")).isEqualTo("INTACT");
        assertThat(browser.text("check-verdict")).isEqualTo("TAMPERED at record " + index);
    }

    @Test
    void page_withThePrevOfTheLastRecordChanged_namesThatRecord() throws Exception {
        Path file = report();
        long last = Files.readAllLines(home.resolve("log/segments/00000000000000000000.jsonl"))
                        .size()
                - 1;
        editRecords(
                file,
                records -> editLine(records, (int) last, line -> {
                    int digit = line.length() - 3;
                    return line.substring(0, digit) + (line.charAt(digit) == '0' ? '1' : '0') + "\"}";
                }));
        browser.open(file);
        assertThat(browser.text("check-verdict")).isEqualTo("TAMPERED at record " + last);
    }

    @Test
    void page_withoutItsCheck_wouldBelieveAChangedRecord() throws Exception {
        Path file = report();
        editRecords(file, records -> editLine(records, 57, line -> line.replaceFirst("(\"time\":\"20\\d)\\d", "$17")));
        String chain = "if (value.prev !== this.leaf) {";
        String root = "if (!same(this.edge.root(), note_.root)) throw this.rewritten(note_.size);";
        forge(file, page -> page.replace(chain, "if (false) {").replace(root, ""));
        browser.open(file);
        assertThat(browser.text("check-verdict")).isEqualTo("INTACT");
    }

    @Test
    void page_withASignatureChanged_isTamperedAtItsCheckpoint() throws Exception {
        Path file = report();
        editNote(file, 2, note -> flip(note, 0));
        browser.open(file);
        assertThat(browser.text("check-verdict")).startsWith("TAMPERED at record ");
        assertThat(browser.text("check-reasons")).contains("expected a valid signature of " + keys.get(0));
        Path second = report();
        editNote(second, 2, note -> flip(note, 1));
        browser.open(second);
        assertThat(browser.text("check-reasons")).contains("expected a valid signature of " + keys.get(1));
    }

    @Test
    void page_withoutItsSignatureCheck_wouldBelieveAChangedSignature() throws Exception {
        Path file = report();
        editNote(file, 2, note -> flip(note, 0));
        forge(file, page -> page.replace("if (!Ed25519.isCanonical(raw)) return false;", "if (raw) return true;"));
        browser.open(file);
        assertThat(browser.text("check-verdict")).isEqualTo("INTACT");
    }

    @Test
    void page_withAThirdSignatureLine_passesOverIt() throws Exception {
        Path file = report();
        editNote(file, 2, note -> note + "\u2014 witness.example AAAAAAAAAAAA\n");
        browser.open(file);
        assertThat(browser.text("check-verdict")).isEqualTo("INTACT");
    }

    @Test
    void page_ofAPostQuantumLogPinnedByThreeKeys_checksAllButTheMlDsaSignatures() throws Exception {
        Path place = Files.createTempDirectory(home, "post-quantum");
        AuditSettings settings = AuditSettings.in(place.resolve("log"))
                .signer(place.resolve("signer"))
                .postQuantum();
        List<String> pinned;
        try (HashChainedAuditLog log = HashChainedAuditLog.open(settings, Clock.systemUTC())) {
            log.append(AuditEvent.of("test.event").build());
            pinned = log.verifierKeys();
        }
        assertThat(pinned).hasSize(3);
        browser.open(report(place.resolve("log"), pinned, ALL));
        assertThat(browser.text("tool-verdict")).isEqualTo("INTACT");
        assertThat(browser.text("check-verdict")).isEqualTo("INTACT");
        assertThat(browser.text("check-reasons")).contains("ML-DSA");
        browser.open(report(home.resolve("log"), keys, ALL));
        assertThat(browser.text("check-reasons")).doesNotContain("ML-DSA");
        paste(keys.get(0) + "\n" + keys.get(1) + "\n" + pinned.get(2));
        assertThat(browser.text("check-verdict")).as("another log's key").isEqualTo("INCONCLUSIVE");
    }

    @ParameterizedTest
    @ValueSource(strings = {"component", "time"})
    void page_withARecordThatHoldsWhatNoneHas_isTamperedThereToo(String member) throws Exception {
        Path file = report();
        // Such a value becomes no text: the page must not stop at it, or a forger could turn TAMPERED into
        // INCONCLUSIVE.
        String hostile = "\"" + member + "\":{\"toString\":1,\"valueOf\":1}";
        editRecords(
                file,
                records -> editLine(records, 57, line -> line.replaceFirst("\"" + member + "\":\"[^\"]*\"", hostile)));
        browser.open(file);
        assertThat(browser.text("check-verdict")).isEqualTo("TAMPERED at record 57");
    }

    @Test
    void page_whoseReaderPastesOtherKeys_saysSo() throws Exception {
        browser.open(report());
        Path other = Files.createTempDirectory(home, "other");
        List<String> others = DemoLog.write(other, 3);
        paste(String.join("\n", others));
        assertThat(browser.text("check-verdict")).startsWith("TAMPERED");
        paste(keys.get(0));
        assertThat(browser.text("check-verdict")).isEqualTo("INTACT");
        assertThat(browser.text("check-reasons")).contains("forward security was not checked");
        paste("no key");
        assertThat(browser.text("check-verdict")).isEqualTo("INCONCLUSIVE");
        paste(String.join("\n", keys));
        assertThat(browser.text("check-verdict")).isEqualTo("INTACT");
        assertThat(browser.text("check-reasons")).doesNotContain("came with the report");
    }

    @Test
    void page_ofABigLog_continuesFromTheSignedEdge() throws Exception {
        Path file = report(home.resolve("log"), keys, NEWEST);
        browser.open(file);
        assertThat(browser.text("check-verdict")).isEqualTo("INTACT");
        assertThat(browser.text("check-reasons")).contains("This page holds the newest", "is the command");
        assertThat(browser.text("check-facts")).doesNotContain("Merkle roots recomputed\n0");
        editRecords(file, records -> editLine(records, 20, line -> line.replaceFirst("(\"time\":\"20\\d)\\d", "$17")));
        browser.open(file);
        assertThat(browser.text("check-verdict")).startsWith("TAMPERED at record ");
        Path edge = report(home.resolve("log"), keys, NEWEST);
        edit(edge, page -> page.replaceFirst("\"edge\":\\[\"[^\"]{4}", "\"edge\":[\"AAAA"));
        browser.open(edge);
        assertThat(browser.text("check-verdict")).startsWith("TAMPERED at record ");
    }

    @Test
    void page_ofATamperedLog_findsTheSameRecord() throws Exception {
        Path copy = Files.createTempDirectory(home, "tampered");
        List<String> own = DemoLog.write(copy, 90);
        Path segment = copy.resolve("log/segments/00000000000000000000.jsonl");
        Files.writeString(
                segment,
                editLine(Files.readString(segment), 33, line -> line.replaceFirst("(\"time\":\"20\\d)\\d", "$17")));
        browser.open(report(copy.resolve("log"), own, ALL));
        assertThat(browser.text("tool-verdict")).isEqualTo("TAMPERED");
        assertThat(browser.text("tool-facts")).contains("First bad record\n33 in");
        assertThat(browser.text("check-verdict")).isEqualTo("TAMPERED at record 33");
        assertThat(browser.text("list")).startsWith("#33");
    }

    @Test
    void page_withHostileValues_runsAndLoadsNothing() throws Exception {
        Path hostile = Files.createTempDirectory(home, "hostile");
        List<String> own = writeHostile(hostile);
        Path file = report(hostile.resolve("log"), own, ALL);
        browser.open(file);
        assertThat(browser.text("check-verdict")).isEqualTo("INTACT");
        browser.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })");
        browser.await("document.querySelector('.record dl') !== null");
        assertThat(browser.evaluate("typeof window.owned").asText()).isEqualTo("undefined");
        assertThat(browser.evaluate("document.querySelectorAll('img,iframe,a[href^=java]').length")
                        .asInt())
                .isZero();
        assertThat(browser.text("denials")).contains("</script><script>window.owned=1</script>", "U+202E", "U+2028");
        assertThat(browser.text("denials")).contains("@{SCRIPT}");
        assertThat(browser.text("alarms")).contains("</script><script>window.owned=1</script>", "U+202E");
        assertThat(browser.requests()).isEmpty();
        assertThat(browser.complaints()).isEmpty();
    }

    @Test
    void policy_ofThePage_stopsAScriptThatWasPutIn() throws Exception {
        String script = "<script>window.owned=1</script><img src=\"http://127.0.0.1:9/x\" onerror=\"window.owned=2\">";
        Path file = report();
        edit(file, page -> page.replace("<footer", script + "<footer"));
        browser.open(file);
        assertThat(browser.evaluate("typeof window.owned").asText()).isEqualTo("undefined");
        assertThat(browser.complaints()).anyMatch(complaint -> complaint.contains("Content Security Policy"));
        // Without the policy the same text runs: it is what holds.
        edit(file, page -> page.replaceFirst("<meta http-equiv=\"Content-Security-Policy\"[^>]*>", ""));
        browser.open(file);
        assertThat(browser.evaluate("typeof window.owned").asText()).isEqualTo("number");
    }

    private static List<String> writeHostile(Path home) {
        List<String> values = List.of(
                "</script><script>window.owned=1</script>",
                "<img src=x onerror=window.owned=2>",
                "\u2028window.owned=3\u2029",
                "\u202Egnp.exe",
                "@{SCRIPT} ${owned} {{owned}} <!--<script>",
                "javascript:window.owned=4",
                "x".repeat(60_000),
                "__proto__");
        try (HashChainedAuditLog log = HashChainedAuditLog.open(DemoLog.settings(home), Clock.systemUTC())) {
            for (String value : values) {
                log.append(AuditEvent.of("egress.call")
                        .component(value.length() > 1_000 ? "long" : value)
                        .attribute("secure_runtime.verdict", "deny")
                        .attribute("server.address", value)
                        .attribute("secure_runtime.reason", "constructor")
                        .attribute("gen_ai.request.model", value.substring(0, Math.min(100, value.length())))
                        .attribute("gen_ai.usage.input_tokens", Long.MAX_VALUE)
                        .build());
                log.append(AuditEvent.of("egress.break_glass")
                        .attribute("secure_runtime.break_glass.reason", value)
                        .build());
            }
            return log.verifierKeys();
        }
    }

    private static void paste(String text) throws Exception {
        browser.evaluate("document.documentElement.dataset.check = 'asked';"
                + "document.getElementById('vkeys').value = " + quoted(text)
                + "; document.getElementById('keys').requestSubmit()");
        browser.awaitCheck();
    }

    private static String quoted(String text) {
        return "'" + text.replace("\n", "\\n") + "'";
    }

    /** Changes the script as someone could who hands out reports: the policy's hash goes with it. */
    private static void forge(Path file, UnaryOperator<String> edit) throws IOException {
        edit(file, page -> edit.apply(page).replaceFirst("<meta http-equiv=\"Content-Security-Policy\"[^>]*>", ""));
    }

    private static void editNote(Path file, int index, UnaryOperator<String> edit) throws IOException {
        edit(file, page -> {
            int at = page.indexOf("\"notes\":[\"") + "\"notes\":[\"".length();
            for (int i = 0; i < index; i++) {
                at = page.indexOf("\",\"", at) + 3;
            }
            int end = page.indexOf('"', at);
            String note = new String(Base64.getDecoder().decode(page.substring(at, end)), StandardCharsets.UTF_8);
            String changed = Base64.getEncoder().encodeToString(edit.apply(note).getBytes(StandardCharsets.UTF_8));
            return page.substring(0, at) + changed + page.substring(end);
        });
    }

    /** Changes one bit of a signature of a note. */
    private static String flip(String note, int which) {
        int split = note.indexOf("\n\n") + 2;
        String[] lines = note.substring(split).split("\n");
        int space = lines[which].lastIndexOf(' ') + 1;
        byte[] bytes = Base64.getDecoder().decode(lines[which].substring(space));
        bytes[10] ^= 1;
        lines[which] = lines[which].substring(0, space) + Base64.getEncoder().encodeToString(bytes);
        return note.substring(0, split) + String.join("\n", lines) + "\n";
    }
}
