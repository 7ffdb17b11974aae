package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.http.Target;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/**
 * The head of a request that the JDK's client sends to its proxy: {@code CONNECT host:port}, or for http the whole URL.
 * Written by the JDK after a request that was checked; read strictly all the same, since anybody can connect.
 *
 * @param start the request line
 * @param lines the header lines
 */
record RelayedHead(String start, List<String> lines) {

    private static final int MAX_LENGTH = 256 * 1024;
    private static final String END = "\r\n\r\n";

    /** Reads to the end of the head and no further: {@code in} should be buffered. */
    static RelayedHead read(InputStream in) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int matched = 0; matched < END.length(); ) {
            int next = in.read();
            if (next < 0 || all.size() == MAX_LENGTH) {
                throw new EOFException("no request");
            }
            all.write(next);
            matched = next == END.charAt(matched) ? matched + 1 : next == '\r' ? 1 : 0;
        }
        String head = all.toString(StandardCharsets.ISO_8859_1);
        List<String> lines =
                List.of(head.substring(0, head.length() - END.length()).split("\r\n", -1));
        return new RelayedHead(lines.get(0), lines.subList(1, lines.size()));
    }

    boolean isConnect() {
        return start.startsWith("CONNECT ");
    }

    /** The hop's token; empty when there is none. */
    String token() {
        String value = value(Relay.TOKEN_HEADER);
        return value.startsWith(Relay.SCHEME) ? value.substring(Relay.SCHEME.length()) : "";
    }

    /** Whether it asks for the target that was judged. */
    boolean isFor(Target.Read target) {
        String[] words = start.split(" ", -1);
        if (words.length != 3 || !words[2].equals("HTTP/1.1")) {
            return false;
        }
        if (isConnect()) {
            String host = target.origin().host();
            return words[1].equals((host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":"
                    + target.origin().port());
        }
        return target.origin().scheme().equals("http") && words[1].equals(target.url());
    }

    /** The head as the target gets it: without what is meant for the relay. */
    byte[] forwarded(Target.Read target) {
        StringBuilder head = new StringBuilder(start.substring(0, start.indexOf(' ') + 1))
                .append(target.path())
                .append(target.query())
                .append(" HTTP/1.1\r\n");
        for (String line : lines) {
            String name = line.substring(0, Math.max(0, line.indexOf(':'))).toLowerCase(Locale.ROOT);
            if (!name.startsWith("proxy-")) {
                head.append(line).append("\r\n");
            }
        }
        return head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    /** The value of a header; empty when there is none. */
    String value(String name) {
        for (String line : lines) {
            if (line.regionMatches(true, 0, name + ":", 0, name.length() + 1)) {
                return line.substring(name.length() + 1).strip();
            }
        }
        return "";
    }
}
