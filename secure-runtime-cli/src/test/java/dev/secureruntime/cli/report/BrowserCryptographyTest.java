package dev.secureruntime.cli.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The page's own SHA-2 and Ed25519 against vectors: RFC 8032's, FIPS 180-4's, and signatures that lax code accepts. */
@Timeout(180)
class BrowserCryptographyTest {

    @TempDir
    private Path work;

    private static String resource(String name) throws IOException {
        try (InputStream in = BrowserCryptographyTest.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String library() throws IOException {
        return resource("sha2.js") + resource("ed25519.js");
    }

    private static String run() throws IOException {
        return "("
                + resource("/vectors/ed25519.js")
                        .replaceFirst("(?s)^/\\*.*?\\*/", "")
                        .strip() + ")(" + resource("/vectors/ed25519.json") + ")";
    }

    private String node(String library) throws Exception {
        Path program = Files.writeString(work.resolve("run.js"), library + "console.log(" + run() + ");");
        Process process;
        try {
            process = new ProcessBuilder("node", program.toString())
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            Assumptions.abort("skipped: node is not installed");
            throw e;
        }
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return out.strip();
    }

    @Test
    void vectors_underNode_comeOutRight() throws Exception {
        assertThat(node(library())).isEqualTo("[]");
    }

    @Test
    void vectors_withoutTheStrictChecks_areNoticed() throws Exception {
        assertThat(node(library().replace("little(signature.subarray(32)) < L && ", "")))
                .contains("S + L");
        assertThat(node(library().replace("isNeutral(combine(L, point, 0n, NEUTRAL)) ?", "true ?")))
                .contains("key of order 2 with R = 1, S = 0")
                .doesNotContain("[]");
    }

    @Test
    void vectors_inTheBrowser_comeOutRight() throws Exception {
        try (Browser browser = Browser.start(work)) {
            Path page = Files.writeString(
                    work.resolve("vectors.html"),
                    "<!DOCTYPE html><meta charset=utf-8><script>" + library()
                            + "document.documentElement.dataset.check='done'</script>");
            browser.open(page);
            assertThat(browser.evaluate(run()).asText()).isEqualTo("[]");
        }
    }
}
