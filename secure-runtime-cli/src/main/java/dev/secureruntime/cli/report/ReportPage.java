package dev.secureruntime.cli.report;

import dev.secureruntime.core.audit.LogExcerpt;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/**
 * The page: our own markup, style and script, and two blocks of data in between.
 *
 * <p>Security: the content security policy lets run exactly this script and this style and lets the page load nothing. Data
 * is put in as base64 or through {@link PageJson}; placeholders are looked for in our own template only, never in data.
 */
public final class ReportPage {

    private static final List<String> SCRIPTS = List.of("sha2.js", "ed25519.js", "log.js", "charts.js", "page.js");
    private static final int LINE = 57 * 1_024;

    private final ReportFacts facts;
    private final LogExcerpt excerpt;

    /** A page about these facts, with these records in it. */
    public ReportPage(ReportFacts facts, LogExcerpt excerpt) {
        this.facts = facts;
        this.excerpt = excerpt;
    }

    /** Writes the page as UTF-8. */
    public void write(OutputStream target) throws IOException {
        StringBuilder script = new StringBuilder("\"use strict\";\n");
        SCRIPTS.forEach(name -> script.append(resource(name)));
        String style = resource("report.css");
        Map<String, String> parts = Map.of(
                "POLICY",
                "default-src 'none'; script-src '" + hash(script.toString()) + "'; style-src '" + hash(style)
                        + "'; base-uri 'none'; form-action 'none'",
                "STYLE",
                style,
                "SCRIPT",
                script.toString());
        Writer out = new OutputStreamWriter(target, StandardCharsets.UTF_8);
        String template = resource("report.html");
        int at = 0;
        while (true) {
            int open = template.indexOf("@{", at);
            if (open < 0) {
                break;
            }
            int close = template.indexOf('}', open);
            String name = template.substring(open + 2, close);
            out.write(template, at, open - at);
            at = close + 1;
            if (name.equals("FACTS")) {
                PageJson.write(facts.values(), out);
            } else if (name.equals("EXCERPT")) {
                PageJson.write(excerptValues(), out);
            } else if (name.equals("RECORDS")) {
                records(out);
            } else {
                out.write(parts.getOrDefault(name, ""));
            }
        }
        out.write(template, at, template.length() - at);
        out.flush();
    }

    private Map<String, Object> excerptValues() {
        return Map.of(
                "start", Long.toString(excerpt.start()),
                "lastLeaf", excerpt.lastLeaf(),
                "lastCheckpoint", excerpt.lastCheckpoint(),
                "epochKey", excerpt.epochKey().orElse(""),
                "edge", excerpt.subtrees().map(edge -> (Object) encode(edge)).orElse(""),
                "base", encode(excerpt.base().stream().toList()),
                "notes", encode(excerpt.notes()));
    }

    private static List<String> encode(List<byte[]> values) {
        return values.stream().map(Base64.getEncoder()::encodeToString).toList();
    }

    /** All lines, each with its line feed, as one base64 text in lines. */
    private void records(Writer out) throws IOException {
        byte[] block = new byte[LINE];
        int held = 0;
        for (byte[] line : excerpt.lines()) {
            for (int i = 0; i <= line.length; i++) {
                block[held++] = i == line.length ? (byte) '\n' : line[i];
                if (held == LINE) {
                    out.write(Base64.getEncoder().encodeToString(block));
                    out.write('\n');
                    held = 0;
                }
            }
        }
        out.write(Base64.getEncoder().encodeToString(java.util.Arrays.copyOf(block, held)));
    }

    private static String hash(String content) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(content.getBytes(StandardCharsets.UTF_8));
            return "sha256-" + Base64.getEncoder().encodeToString(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static String resource(String name) {
        try (InputStream in = ReportPage.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("the jar has no " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
