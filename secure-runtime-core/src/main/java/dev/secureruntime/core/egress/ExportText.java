package dev.secureruntime.core.egress;

import dev.secureruntime.core.egress.PolicyExport.Gap;
import java.util.ArrayList;
import java.util.List;

/** The text of an export in the making. Whatever came from outside can end neither a comment nor a string. */
final class ExportText {

    private final StringBuilder text = new StringBuilder();
    private final List<Gap> gaps = new ArrayList<>();

    ExportText line(String line) {
        text.append(line).append('\n');
        return this;
    }

    /** A comment of one line. */
    ExportText comment(String indent, String words) {
        text.append(indent).append("# ");
        words.codePoints().forEach(c -> text.appendCodePoint(isPlain(c) ? c : '?'));
        text.append('\n');
        return this;
    }

    /** Notes a gap, as a comment where it would have stood. */
    void gap(String indent, Gap gap) {
        gaps.add(gap);
        String effect = gap.effect() == PolicyExport.Effect.WIDER ? "WIDER than " : "left out: ";
        comment(indent, effect + gap.rule() + ": " + gap.why());
    }

    /** A string in YAML; always quoted, since YAML reads much that looks like text as something else. */
    static String quoted(String value) {
        StringBuilder quoted = new StringBuilder("\"");
        value.codePoints().forEach(c -> {
            if (c == '"' || c == '\\') {
                quoted.append('\\');
            }
            quoted.appendCodePoint(isPlain(c) ? c : '?');
        });
        return quoted.append('"').toString();
    }

    private static boolean isPlain(int c) {
        return c >= ' '
                && c != 0x7f
                && !Character.isISOControl(c)
                && Character.getType(c) != Character.FORMAT
                && c != 0x2028
                && c != 0x2029
                && Character.getType(c) != Character.SURROGATE;
    }

    PolicyExport done() {
        return new PolicyExport(text.toString(), gaps);
    }
}
