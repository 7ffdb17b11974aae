package dev.secureruntime.core.audit;

import dev.secureruntime.audit.Anchor;
import dev.secureruntime.audit.AnchorConflictException;
import dev.secureruntime.audit.AnchorEvidence;
import dev.secureruntime.audit.SealedCheckpoint;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.WitnessKey;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.OptionalLong;

/**
 * Has checkpoints cosigned by a witness: C2SP tlog-witness over HTTP, C2SP tlog-cosignature v1 (Ed25519).
 *
 * <p>What holds: only a cosignature by the pinned key over exactly this checkpoint, of about now, is evidence. A witness
 * cosigns only a log that continues the one it saw last, so a log that was rolled back or forked, also with all of its keys,
 * gets no cosignature, and the answer is an alarm. What does not: a witness that works together with the thief; and a witness
 * looks at origin, size and root only, not at this log's line that names the checkpoint before.
 *
 * <p>The size that the witness saw last is kept in memory, and asked for where it isn't known: what the witness says is only
 * ever used to choose the proof. Thread-safe.
 */
public final class WitnessAnchor implements Anchor {

    private static final int MAX_ANSWER = 16_384;
    private static final int MAX_PROOF = 63;
    private static final long CLOCK_SECONDS = 600;
    private static final String SIZE_TYPE = "text/x.tlog.size";

    private final AnchorHttp http;
    private final WitnessKey key;
    private final InstantSource clock;
    private long witnessed;

    private WitnessAnchor(AnchorHttp http, WitnessKey key, InstantSource clock) {
        this.http = http;
        this.key = key;
        this.clock = clock;
    }

    /**
     * A witness.
     *
     * @param submission its submission prefix; {@code /add-checkpoint} is added
     * @param key its verifier key, in C2SP signed-note form with signature type 0x04
     * @throws IllegalArgumentException when the address is not http or https, or has more than host and path, or the key is none
     */
    public static WitnessAnchor at(URI submission, String key) {
        return at(submission, key, Duration.ofSeconds(10), InstantSource.system());
    }

    static WitnessAnchor at(URI submission, String key, Duration limit, InstantSource clock) {
        String prefix = submission.toString();
        URI target = URI.create((prefix.endsWith("/") ? prefix : prefix + "/") + "add-checkpoint");
        return new WitnessAnchor(new AnchorHttp(target, limit), WitnessKey.parse(key), clock);
    }

    @Override
    public synchronized AnchorEvidence take(SealedCheckpoint checkpoint) throws IOException {
        long older = witnessed <= checkpoint.size() ? witnessed : 0;
        AnchorHttp.Answer answer = submit(checkpoint, older);
        if (answer.status() == 409) {
            older = conflictingSize(checkpoint, older, answer);
            answer = submit(checkpoint, older);
            if (answer.status() == 409) {
                conflictingSize(checkpoint, older, answer);
                throw new IOException("the witness " + key.name() + " sees another size with each request");
            }
        }
        if (answer.status() == 422) {
            throw new AnchorConflictException("the witness " + key.name() + " saw this log at " + older
                    + " records, and its " + checkpoint.size() + " records don't continue it: the log was forked");
        }
        if (answer.status() != 200) {
            throw new IOException(
                    "the witness " + key.name() + " answered " + answer.status() + meaning(answer.status()));
        }
        List<String> lines = cosignatures(checkpoint, answer.body());
        witnessed = checkpoint.size();
        return new AnchorEvidence.Cosigned(lines);
    }

    private static String meaning(int status) {
        return switch (status) {
            case 403 -> ": it doesn't trust the log key; give it the log's verifier key";
            case 404 -> ": it doesn't know the log, or the address is not its submission prefix";
            default -> "";
        };
    }

    private AnchorHttp.Answer submit(SealedCheckpoint checkpoint, long older) throws IOException {
        StringBuilder head = new StringBuilder("old ").append(older).append('\n');
        List<byte[]> proof = checkpoint.consistencyProof(older);
        if (proof.size() > MAX_PROOF) {
            throw new IOException("a consistency proof has at most " + MAX_PROOF + " hashes");
        }
        proof.forEach(
                hash -> head.append(Base64.getEncoder().encodeToString(hash)).append('\n'));
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        body.writeBytes(head.append('\n').toString().getBytes(StandardCharsets.US_ASCII));
        body.writeBytes(checkpoint.note());
        return http.post("text/plain; charset=utf-8", body.toByteArray(), MAX_ANSWER);
    }

    /** The size that the witness saw last, where our log can have had it. */
    private long conflictingSize(SealedCheckpoint checkpoint, long sent, AnchorHttp.Answer answer) throws IOException {
        String text = new String(answer.body(), StandardCharsets.ISO_8859_1);
        boolean typed = answer.contentType().split(";", 2)[0].strip().equalsIgnoreCase(SIZE_TYPE);
        if (sent == checkpoint.size() && (!typed || text.equals(sent + "\n"))) {
            throw new AnchorConflictException(
                    "the witness " + key.name() + " saw another log of " + sent + " records: the log was forked");
        }
        if (!typed || !text.matches("(0|[1-9][0-9]{0,19})\n")) {
            throw new IOException("the witness " + key.name() + " answered 409 without a size");
        }
        // A size of 19 digits or more is above every log's, and need not fit.
        long size = text.length() > 19 ? Long.MAX_VALUE : Long.parseLong(text.strip());
        if (size > checkpoint.size()) {
            throw new AnchorConflictException("the witness " + key.name() + " saw " + text.strip()
                    + " records of this log, which has " + checkpoint.size() + ": the log was rolled back");
        }
        if (size == sent) {
            throw new IOException("the witness " + key.name() + " answered 409 to the size that it asks for");
        }
        return size;
    }

    private List<String> cosignatures(SealedCheckpoint checkpoint, byte[] body) throws IOException {
        List<SignedNote.Signature> signatures;
        try {
            signatures = SignedNote.signatures(body);
        } catch (IllegalArgumentException e) {
            throw new IOException("the witness " + key.name() + " answered something else than signature lines", e);
        }
        List<String> lines = new ArrayList<>();
        for (SignedNote.Signature signature : signatures) {
            if (key.isNamedBy(signature)) {
                requireNow(key.cosigned(checkpoint.text(), signature));
                lines.add(signature.line());
            }
        }
        if (lines.isEmpty()) {
            throw new IOException("the answer has no cosignature by the pinned key " + key);
        }
        return lines;
    }

    private void requireNow(OptionalLong time) throws IOException {
        if (time.isEmpty()) {
            throw new IOException("the cosignature by " + key + " is not valid for the checkpoint");
        }
        long now = clock.instant().getEpochSecond();
        if (time.getAsLong() < now - CLOCK_SECONDS || time.getAsLong() > now + CLOCK_SECONDS) {
            throw new IOException("the cosignature by " + key + " is of " + time.getAsLong() + ", and it is " + now
                    + " here: one of the clocks is wrong by more than " + CLOCK_SECONDS + " s");
        }
    }
}
