package dev.secureruntime.core.audit.format;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * A C2SP signed note: text, and signatures over the text.
 *
 * <pre>
 *   text line LF            } the signed text, with its last line feed
 *   ...                     }
 *   LF
 *   U+2014 SP name SP base64(key ID, 4 bytes || signature) LF
 *   ...                       one line per signature, at least one
 * </pre>
 *
 * <p>The parser is strict: UTF-8, no control characters but the line feed, canonical base64, nothing after the last
 * signature, at most {@value #MAX_BYTES} bytes. It checks no signature. Immutable.
 */
public final class SignedNote {

    public static final int MAX_BYTES = 16_384;

    private static final String DASH = "\u2014 ";
    private static final int MAX_SIGNATURES = 16;

    private final byte[] text;
    private final List<Signature> signatures;

    public SignedNote(byte[] text, List<Signature> signatures) {
        this.text = text.clone();
        this.signatures = List.copyOf(signatures);
    }

    /** A signature line: the key's name, and key ID and signature in one. */
    public record Signature(String name, byte[] bytes) {
        /** The line without its line feed. */
        public String line() {
            return DASH + name + " " + Base64.getEncoder().encodeToString(bytes);
        }
    }

    /** Reads a note; throws {@link IllegalArgumentException} for anything that is not exactly one. */
    public static SignedNote parse(byte[] note) {
        if (note.length > MAX_BYTES) {
            throw new IllegalArgumentException("a note has at most " + MAX_BYTES + " bytes");
        }
        String whole = utf8(note);
        if (whole.chars().anyMatch(c -> c < ' ' && c != '\n' || c == 0x7f)) {
            throw new IllegalArgumentException("a note has no control characters");
        }
        int split = whole.lastIndexOf("\n\n");
        if (split < 0 || !whole.endsWith("\n")) {
            throw new IllegalArgumentException("expected text, an empty line, and signature lines");
        }
        List<Signature> signatures = signatureLines(whole.substring(split + 2));
        return new SignedNote(whole.substring(0, split + 1).getBytes(StandardCharsets.UTF_8), signatures);
    }

    /** Reads signature lines without a text; throws {@link IllegalArgumentException} for anything else. */
    public static List<Signature> signatures(byte[] lines) {
        String whole = utf8(lines);
        if (lines.length > MAX_BYTES || !whole.endsWith("\n")) {
            throw new IllegalArgumentException("expected signature lines of at most " + MAX_BYTES + " bytes");
        }
        return signatureLines(whole);
    }

    private static List<Signature> signatureLines(String lines) {
        List<Signature> signatures = new ArrayList<>();
        int at = 0;
        while (at < lines.length()) {
            int end = lines.indexOf('\n', at);
            signatures.add(signature(lines.substring(at, end)));
            at = end + 1;
        }
        if (signatures.isEmpty() || signatures.size() > MAX_SIGNATURES) {
            throw new IllegalArgumentException("expected 1 to " + MAX_SIGNATURES + " signatures");
        }
        return signatures;
    }

    private static Signature signature(String line) {
        int space = line.indexOf(' ', DASH.length());
        if (!line.startsWith(DASH) || space < 0) {
            throw new IllegalArgumentException("expected a signature line: \u2014 name base64");
        }
        String name = line.substring(DASH.length(), space);
        byte[] bytes = Base64.getDecoder().decode(line.substring(space + 1));
        Signature signature = new Signature(name, bytes);
        if (!VerifierKey.isName(name) || bytes.length < 5 || !signature.line().equals(line)) {
            throw new IllegalArgumentException("expected a signature line: \u2014 name base64");
        }
        return signature;
    }

    private static String utf8(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("a note is UTF-8", e);
        }
    }

    /** The bytes that are signed. */
    public byte[] text() {
        return text.clone();
    }

    public List<Signature> signatures() {
        return signatures;
    }

    /** The note as it is stored. */
    public byte[] bytes() {
        StringBuilder lines = new StringBuilder("\n");
        signatures.forEach(signature -> lines.append(signature.line()).append('\n'));
        byte[] tail = lines.toString().getBytes(StandardCharsets.UTF_8);
        byte[] note = Arrays.copyOf(text, text.length + tail.length);
        System.arraycopy(tail, 0, note, text.length, tail.length);
        return note;
    }
}
