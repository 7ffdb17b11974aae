package dev.secureruntime.cli;

import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.AuditLogVerifier;
import java.util.List;
import java.util.OptionalLong;

/** A verdict as JSON for programs and in words for people. */
final class VerdictText {

    private VerdictText() {}

    /** One line, in ASCII; {@code evidence} is there when some was found. */
    static String json(VerificationResult result, List<AuditLogVerifier.Vouched> vouched) {
        StringBuilder json = new StringBuilder("{\"verdict\":\"").append(verdict(result));
        json.append("\",\"size\":").append(result.size()).append(",\"signed\":").append(result.signed());
        OptionalLong proved = result.provedUpTo();
        json.append(",\"completeness\":{\"status\":\"").append(proved.isPresent() ? "PROVED" : "UNKNOWN");
        json.append("\",\"upTo\":")
                .append(proved.orElse(0))
                .append("},\"forwardSecurity\":\"")
                .append(result.forwardSecurity())
                .append('"');
        if (result instanceof VerificationResult.Tampered tampered) {
            VerificationResult.FirstBad bad = tampered.firstBad();
            json.append(",\"firstBad\":{");
            bad.seq().ifPresent(seq -> json.append("\"seq\":").append(seq).append(','));
            json.append("\"file\":")
                    .append(quoted(bad.file()))
                    .append(",\"offset\":")
                    .append(bad.offset());
            json.append(",\"reason\":").append(quoted(bad.reason())).append('}');
        }
        List<String> remarks = remarks(result);
        if (!remarks.isEmpty()) {
            json.append(",\"reasons\":[")
                    .append(String.join(
                            ",", remarks.stream().map(VerdictText::quoted).toList()))
                    .append(']');
        }
        if (!vouched.isEmpty()) {
            json.append(",\"evidence\":[")
                    .append(String.join(
                            ",", vouched.stream().map(VerdictText::json).toList()))
                    .append(']');
        }
        return json.append('}').toString();
    }

    private static String json(AuditLogVerifier.Vouched vouched) {
        return "{\"kind\":\"" + vouched.kind() + "\",\"by\":" + quoted(vouched.by()) + ",\"upTo\":" + vouched.size()
                + ",\"time\":\"" + vouched.time() + "\"}";
    }

    /** The verdict in words, of a log whose evidence nobody asked for. */
    static String words(String directory, VerificationResult result) {
        return words(directory, result, List.of());
    }

    static String words(String directory, VerificationResult result, List<AuditLogVerifier.Vouched> vouched) {
        StringBuilder text = new StringBuilder(verdict(result))
                .append("  ")
                .append(printable(directory))
                .append('\n');
        text.append("  records           ")
                .append(result.size())
                .append(", signed ")
                .append(result.signed())
                .append('\n');
        text.append("  completeness      ")
                .append(
                        result.provedUpTo().isPresent()
                                ? "proved up to record " + result.provedUpTo().getAsLong()
                                : "unknown (no anchored head was given)")
                .append('\n');
        text.append("  forward security  ")
                .append(
                        result.forwardSecurity() == VerificationResult.ForwardSecurity.CHECKED
                                ? "checked from the pinned epoch key"
                                : "not checked");
        if (result instanceof VerificationResult.Tampered tampered) {
            VerificationResult.FirstBad bad = tampered.firstBad();
            text.append("\n  first bad         ");
            bad.seq().ifPresent(seq -> text.append("record ").append(seq).append(", "));
            text.append(printable(bad.file())).append(" at byte ").append(bad.offset());
            text.append("\n  reason            ").append(printable(bad.reason()));
        }
        for (AuditLogVerifier.Vouched one : vouched) {
            text.append("\n  evidence          ").append(printable(one.toString()));
        }
        for (String remark : remarks(result)) {
            text.append("\n  note              ").append(printable(remark));
        }
        return text.toString();
    }

    private static List<String> remarks(VerificationResult result) {
        if (result instanceof VerificationResult.Intact intact) {
            return intact.notes();
        }
        return result instanceof VerificationResult.Inconclusive inconclusive ? inconclusive.reasons() : List.of();
    }

    private static String verdict(VerificationResult result) {
        if (result instanceof VerificationResult.Intact) {
            return "INTACT";
        }
        return result instanceof VerificationResult.Tampered ? "TAMPERED" : "INCONCLUSIVE";
    }

    /** A log's bytes may hold anything; none of it may steer a terminal. */
    static String printable(String text) {
        return text.replaceAll("[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]", "?");
    }

    /** The same for text of several lines. */
    static String printableLines(String text) {
        return String.join("\n", text.lines().map(VerdictText::printable).toList());
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                quoted.append('\\').append(c);
            } else if (c >= ' ' && c < 0x7f) {
                quoted.append(c);
            } else {
                quoted.append("\\u").append(java.util.HexFormat.of().toHexDigits(c));
            }
        }
        return quoted.append('"').toString();
    }
}
