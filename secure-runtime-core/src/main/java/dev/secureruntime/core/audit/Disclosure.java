package dev.secureruntime.core.audit;

import dev.secureruntime.audit.Commitment;
import dev.secureruntime.audit.Opening;
import dev.secureruntime.core.audit.format.MalformedRecordException;
import dev.secureruntime.core.audit.format.RecordParser;
import dev.secureruntime.core.audit.format.VerifierKey;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;

/**
 * One field's value, proved to someone who has the log key and nothing else:
 *
 * <pre>
 *   secure-runtime-disclosure/1 LF
 *   field SP name LF
 *   salt SP base64 LF
 *   value SP base64 LF
 *   record SP the record's stored line LF
 *   LF
 *   the record's proof, in C2SP tlog-proof form
 * </pre>
 *
 * <p>What holds when it checks out: the holder of the log key signed a tree with this record, and the record commits to exactly
 * this value under exactly this name. The parser is strict. Immutable.
 */
public final class Disclosure {

    /** The size of the largest disclosure: the largest value in base64, a record, and a proof. */
    public static final int MAX_BYTES = ContentEntry.MAX_VALUE / 3 * 4 + (1 << 18);

    private static final String HEADER = "secure-runtime-disclosure/1\n";
    private static final String[] LABELS = {"field ", "salt ", "value ", "record "};

    private final String field;
    private final byte[] salt;
    private final byte[] value;
    private final byte[] line;
    private final byte[] proof;

    Disclosure(String field, byte[] salt, byte[] value, byte[] line, byte[] proof) {
        this.field = field;
        this.salt = salt;
        this.value = value;
        this.line = line;
        this.proof = proof;
    }

    /** What checking a disclosure found. */
    public sealed interface Result {

        /** The value is what the record at {@code index} commits to. */
        record Proved(long index, long size, Disclosure disclosure) implements Result {}

        /** Something doesn't fit. */
        record Refuted(String reason) implements Result {}
    }

    /**
     * Checks a disclosure.
     *
     * @param logKey the log's verifier key, in C2SP signed-note form
     * @throws IllegalArgumentException when the key is none
     */
    public static Result check(byte[] text, String logKey) {
        VerifierKey.parse(logKey);
        Disclosure disclosure;
        Commitment commitment;
        try {
            disclosure = parse(text);
            RecordParser parser = new RecordParser();
            parser.parse(disclosure.line, 0, disclosure.line.length);
            commitment = parser.record().commitments().get(disclosure.field);
        } catch (IllegalArgumentException | MalformedRecordException e) {
            return new Result.Refuted("not a disclosure: " + e.getMessage());
        }
        if (commitment == null) {
            return new Result.Refuted("the record commits to no field " + disclosure.field);
        }
        if (!Opening.opens(commitment, disclosure.field, disclosure.salt, disclosure.value)) {
            return new Result.Refuted("the value is not the one that the record commits to");
        }
        AuditProofs.Result result = AuditProofs.check(disclosure.proof, disclosure.line, logKey);
        if (result instanceof AuditProofs.Result.Refuted refuted) {
            return new Result.Refuted(refuted.reason());
        }
        AuditProofs.Result.Proved proved = (AuditProofs.Result.Proved) result;
        return new Result.Proved(proved.index(), proved.size(), disclosure);
    }

    static Disclosure parse(byte[] text) {
        if (text.length > MAX_BYTES) {
            throw new IllegalArgumentException("longer than any disclosure");
        }
        byte[] header = HEADER.getBytes(StandardCharsets.US_ASCII);
        if (text.length < header.length || !Arrays.equals(text, 0, header.length, header, 0, header.length)) {
            throw new IllegalArgumentException("expected the line " + HEADER.strip());
        }
        byte[][] fields = new byte[LABELS.length][];
        int at = header.length;
        for (int i = 0; i < LABELS.length; i++) {
            byte[] label = LABELS[i].getBytes(StandardCharsets.US_ASCII);
            int end = at;
            while (end < text.length && text[end] != '\n') {
                end++;
            }
            if (end == text.length || end - at < label.length || !startsWith(text, at, label)) {
                throw new IllegalArgumentException("expected a line that begins with \"" + LABELS[i] + "\"");
            }
            fields[i] = Arrays.copyOfRange(text, at + label.length, end);
            at = end + 1;
        }
        if (at == text.length || text[at] != '\n') {
            throw new IllegalArgumentException("expected an empty line in front of the proof");
        }
        String field = new String(fields[0], StandardCharsets.ISO_8859_1);
        if (field.isEmpty() || field.length() > 255 || field.chars().anyMatch(c -> c <= ' ' || c > '~')) {
            throw new IllegalArgumentException("expected a field's name");
        }
        byte[] salt = base64(fields[1]);
        if (salt.length != ContentEntry.SALT_BYTES) {
            throw new IllegalArgumentException("expected a salt of 16 bytes");
        }
        return new Disclosure(field, salt, base64(fields[2]), fields[3], Arrays.copyOfRange(text, at + 1, text.length));
    }

    private static boolean startsWith(byte[] text, int at, byte[] label) {
        return Arrays.equals(text, at, at + label.length, label, 0, label.length);
    }

    private static byte[] base64(byte[] text) {
        byte[] bytes = Base64.getDecoder().decode(text);
        if (!Arrays.equals(Base64.getEncoder().encode(bytes), text)) {
            throw new IllegalArgumentException("expected canonical base64");
        }
        return bytes;
    }

    /** The disclosure as it is handed over. */
    public byte[] bytes() {
        String text = HEADER + LABELS[0] + field + "\n" + LABELS[1]
                + Base64.getEncoder().encodeToString(salt) + "\n" + LABELS[2]
                + Base64.getEncoder().encodeToString(value) + "\n" + LABELS[3]
                + new String(line, StandardCharsets.UTF_8) + "\n\n" + new String(proof, StandardCharsets.UTF_8);
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The field's name. */
    public String field() {
        return field;
    }

    /** The value, not a copy. */
    public byte[] value() {
        return value;
    }

    @Override
    public String toString() {
        return "Disclosure[" + field + ", " + value.length + " bytes]";
    }
}
