package dev.secureruntime.core;

import dev.secureruntime.core.SecretWatch.Known;
import dev.secureruntime.core.text.BodyScan;
import dev.secureruntime.core.text.SecretMatcher;
import dev.secureruntime.core.text.SecretMatcher.Slot;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Whether a secret leaves with one hop of a call for where it doesn't belong. Every adapter asks it, of everything that it
 * is about to send and that isn't its own:
 *
 * <ol>
 *   <li>Before anything is looked up, and before the policy is asked: {@link #target} with the method and the URL, then
 *       {@link #header} for each header that will leave - {@code Content-Type} too, where it comes from a body. A header that the
 *       adapter takes off, because a credential is bound to the target, goes to {@link #replaced} instead.
 *   <li>A body that is in memory: {@link #body(byte[], String)}, before the request begins.
 *   <li>Any other body: an {@link OutgoingBody} from {@link #passing}. What it gives back is sent, and nothing else.
 *   <li>Whole messages, as of a WebSocket: {@link #message}.
 * </ol>
 *
 * <p>What the adapter attaches itself ({@link ComponentSnapshot#attach}) is not shown here. Each hop has a scan of its own; a
 * redirect's is made anew. A refusal is thrown, and is told of with {@link #shown}, which names no secret's value; the call's record
 * knows of it already.
 *
 * <p>What holds: a value that the runtime knows is found in the forms of {@link dev.secureruntime.core.text.SecretMatcher}. It may
 * leave over https for a host that its policy names in {@code sendTo}, when the component is entitled to it; in a header that is
 * replaced by the same secret; or in a header, when the component leased it itself. What does not: {@code docs/threat-model.md}.
 * With no secret known, nothing is looked at. Not thread-safe, except for {@link #message}.
 */
public final class OutgoingScan {

    private static final String HTTPS = "https";
    private static final int ESCAPED_TIMES = 3;

    private final ComponentSnapshot snapshot;
    private final SecretWatch watch;
    private final EgressRequest asked;
    private final CallRecord record;
    private EgressRequest shown;
    private volatile @Nullable Denied brokenOff;

    OutgoingScan(ComponentSnapshot snapshot, SecretWatch watch, EgressRequest asked, CallRecord record) {
        this.snapshot = snapshot;
        this.watch = watch;
        this.asked = asked;
        this.record = record;
        this.shown = asked;
    }

    /** What was asked, fit to be printed: a host that holds a secret is left out. */
    public EgressRequest shown() {
        return shown;
    }

    /**
     * Why what was under way may go no further; null when it may. A refusal is thrown through the caller's code, which can keep it to
     * itself: an adapter asks here how a call ended. Thread-safe.
     */
    public @Nullable Denied brokenOff() {
        return brokenOff;
    }

    boolean nothingKnown() {
        return watch.matcher().isEmpty();
    }

    /** Looks at the method and the URL as they will be written. */
    public void target(String method, String url) throws EgressDeniedException {
        if (nothingKnown()) {
            return;
        }
        Set<Slot> found = watch.matcher().findInHost(asked.host(), leaks(Place.TARGET));
        if (found == null) {
            found = find(method, Place.TARGET);
        }
        if (found != null) {
            shown = new EgressRequest(
                    asked.component(),
                    "(redacted)",
                    asked.scheme(),
                    "(redacted)",
                    asked.port(),
                    "/",
                    asked.redirectedFrom());
            throw refused(found, "host", Layer.REQUEST);
        }
        byte[] text = url.getBytes(StandardCharsets.UTF_8);
        found = find(text, Place.TARGET);
        // Escapes that nothing needs would hide it from the forms that encoders write.
        for (int rounds = 0; found == null && rounds < ESCAPED_TIMES; rounds++) {
            byte[] decoded = PercentText.decode(text);
            if (decoded.length == text.length) {
                break;
            }
            found = find(decoded, Place.TARGET);
            text = decoded;
        }
        if (found != null) {
            throw refused(found, "url", Layer.REQUEST);
        }
    }

    /** Looks at a header that will leave. */
    public void header(String name, String value) throws EgressDeniedException {
        header(name, value, Place.HEADER);
    }

    /** Looks at a header of the caller's that will not leave, because a credential bound to the target takes its place. */
    public void replaced(String name, String value) throws EgressDeniedException {
        header(name, value, Place.REPLACED_HEADER);
    }

    private void header(String name, String value, Place place) throws EgressDeniedException {
        if (nothingKnown()) {
            return;
        }
        Set<Slot> found = find(name, Place.TARGET);
        if (found != null) {
            throw refused(found, "header name", Layer.REQUEST);
        }
        found = find(value, place);
        if (found == null && value.chars().anyMatch(c -> c >= 0x80)) {
            // Some clients write UTF-8, and some one byte for each character.
            found = find(value.getBytes(StandardCharsets.ISO_8859_1), place);
        }
        if (found != null) {
            throw refused(found, "header " + printable(name), Layer.REQUEST);
        }
    }

    /** Looks at a body that is in memory as a whole, before any of it leaves. */
    public void body(byte[] whole, @Nullable String contentEncoding) throws EgressDeniedException {
        if (!nothingKnown()) {
            OutgoingBody body = new OutgoingBody(this, contentEncoding, Layer.REQUEST);
            body.look(whole);
            body.end();
        }
    }

    /** Looks at a body that passes by, compressed as its {@code Content-Encoding} says; null when it has none. */
    public OutgoingBody passing(@Nullable String contentEncoding) throws EgressDeniedException {
        return new OutgoingBody(this, contentEncoding, Layer.UNDER_WAY);
    }

    /** Looks at a message that is about to be sent. Thread-safe. */
    public void message(byte[] message) throws EgressDeniedException {
        Set<Slot> found = nothingKnown() ? null : find(message, Place.BODY);
        if (found != null) {
            throw refused(found, "message", Layer.UNDER_WAY);
        }
    }

    BodyScan scanBody() {
        return watch.matcher().scanBody(leaks(Place.BODY));
    }

    private @Nullable Set<Slot> find(String text, Place place) {
        return text.length() * 3 < SecretMatcher.SHORTEST ? null : find(text.getBytes(StandardCharsets.UTF_8), place);
    }

    private @Nullable Set<Slot> find(byte[] text, Place place) {
        return watch.matcher().find(text, leaks(place));
    }

    // ---- what may leave

    private enum Place {
        TARGET,
        HEADER,
        REPLACED_HEADER,
        BODY
    }

    private Predicate<Set<Slot>> leaks(Place place) {
        return slots -> {
            Set<Known> names = watch.known(slots);
            return names.stream().anyMatch(snapshot::isCanary)
                    || names.stream().noneMatch(known -> mayLeave(known, place));
        };
    }

    /** A value that is known by several names may leave by any of them. */
    private boolean mayLeave(Known known, Place place) {
        if (!asked.scheme().equals(HTTPS)) {
            return false;
        }
        boolean inHeader = place == Place.HEADER || place == Place.REPLACED_HEADER;
        if (known.leasedBy() != null) {
            return inHeader && known.leasedBy().equals(asked.component());
        }
        return snapshot.sends(known.name(), asked)
                || place == Place.REPLACED_HEADER && snapshot.isBound(known.name(), asked);
    }

    // ---- refusals

    EgressDeniedException refused(Set<Slot> slots, String place, Layer layer) {
        Set<Known> names = watch.known(slots);
        Known named = names.stream()
                .min(Comparator.comparing((Known known) -> !snapshot.isCanary(known))
                        .thenComparing(Known::name))
                .orElseThrow();
        boolean canary = snapshot.isCanary(named);
        record.secretLeaving(shown, named.name(), place, canary ? Reason.CANARY_LEAVING : Reason.SECRET_LEAVING);
        Denied denied = new Denied(
                ErrorCode.EGRESS_SECRET_LEAVING,
                canary ? Reason.CANARY_LEAVING : Reason.SECRET_LEAVING,
                (canary ? "the canary \"" : "the secret \"") + named.name() + "\" stands in the request: " + place,
                null,
                canary
                        ? "nobody may read it: find out what did, and treat it as a break-in"
                        : snapshot.remedyFor(named, asked));
        return refusal(denied, layer);
    }

    private EgressDeniedException refusal(Denied why, Layer layer) {
        Denied denied = why.at(layer).under(snapshot.version());
        if (layer == Layer.UNDER_WAY && brokenOff == null) {
            brokenOff = denied;
        }
        return new EgressDeniedException(shown, denied);
    }

    EgressDeniedException unsearchable(String why, Layer layer) {
        Denied denied = new Denied(
                ErrorCode.EGRESS_SECRET_LEAVING,
                Reason.BODY_UNSEARCHABLE,
                "the request's body can't be searched for secrets: " + why,
                null,
                "send it uncompressed, or compressed as its Content-Encoding says");
        return refusal(denied, layer);
    }

    private static String printable(String name) {
        return name.matches("[!-~]{1,64}") ? name : "(unprintable)";
    }
}
