package dev.secureruntime.cli.report;

import java.io.IOException;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * Values as JSON inside an HTML page: the one place where what a log says becomes part of the page's text.
 *
 * <p>Security: everything but printable ASCII is escaped, and {@code <}, {@code >}, {@code &}, {@code '} and the backtick
 * too, so that no value ends the element that it stands in or begins another. The page reads it with {@code JSON.parse} and
 * shows it as text nodes.
 */
final class PageJson {

    private static final String ESCAPED = "\"\\<>&'`";
    private static final HexFormat HEX = HexFormat.of();

    private PageJson() {}

    /** Writes maps, lists, texts and numbers. */
    static void write(Object value, Appendable out) throws IOException {
        if (value instanceof Map<?, ?> map) {
            out.append('{');
            Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
            while (entries.hasNext()) {
                Map.Entry<?, ?> entry = entries.next();
                text(String.valueOf(entry.getKey()), out);
                out.append(':');
                write(entry.getValue(), out);
                out.append(entries.hasNext() ? "," : "");
            }
            out.append('}');
        } else if (value instanceof List<?> list) {
            out.append('[');
            for (int i = 0; i < list.size(); i++) {
                out.append(i == 0 ? "" : ",");
                write(list.get(i), out);
            }
            out.append(']');
        } else if (value instanceof Number number) {
            out.append(number.toString());
        } else if (value instanceof String text) {
            text(text, out);
        } else {
            throw new IllegalArgumentException("no value for a page: " + value.getClass());
        }
    }

    private static void text(String text, Appendable out) throws IOException {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= ' ' && c < 0x7f && ESCAPED.indexOf(c) < 0) {
                out.append(c);
            } else {
                out.append("\\u").append(HEX.toHexDigits(c));
            }
        }
        out.append('"');
    }
}
