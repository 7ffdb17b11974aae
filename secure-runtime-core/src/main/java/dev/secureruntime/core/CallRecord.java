package dev.secureruntime.core;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.Commitment;
import dev.secureruntime.audit.Opening;
import dev.secureruntime.core.egress.GrantRules;
import dev.secureruntime.core.genai.BodyObserver;
import dev.secureruntime.core.genai.GenAiFacts;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The record of one logical call in the making: an adapter tells it what happens, and whichever end comes first - the
 * body read and closed, a refusal, a failure, the runtime's end - writes it, once.
 *
 * <p>A client library that repeats a failed request makes several of these for one logical call; the later one takes over
 * the earlier one's history ({@link #continues}), and only the last is written.
 *
 * <p>Thread-safe.
 */
public final class CallRecord {

    private static final int MAX_OUTCOMES = 32;

    private final GuardedComponent component;
    private final Optional<GenAiFacts> facts;
    private final List<String> outcomes = new ArrayList<>();
    private long startNanos = System.nanoTime();
    private int attempts = 1;
    private int sendsOfHop;
    private EgressRequest target;
    private @Nullable String rule;
    /** Why the policy refuses the current hop, which its mode lets go; null when it doesn't. */
    private EgressDecision.@Nullable Denied reported;

    private final HopList reportedHops = new HopList();
    /** Where this try went, and where the earlier ones did: a redirect may lead each elsewhere. Put into words where there is an earlier one. */
    private final List<EgressRequest> hops = new ArrayList<>(1);

    private final HopList earlierHops = new HopList();
    private String policyVersion = "";
    private @Nullable ActiveGrant grant;
    private ShadowPolicy.@Nullable Finding shadow;
    private List<String> attached = List.of();
    private int status;
    private @Nullable String protocol;
    private @Nullable String errorType;
    private @Nullable String leavingSecret;
    private @Nullable String leavingIn;
    private @Nullable Body requestBody;
    private @Nullable Body responseBody;
    private RetryLedger.@Nullable Key retryKey;
    private Duration retryWithin = Duration.ZERO;
    private boolean streamed;
    private boolean complete;
    private boolean written;

    CallRecord(GuardedComponent component, EgressRequest first) {
        this.component = component;
        this.target = first;
        this.facts = GenAiFacts.of(first.host(), first.path());
    }

    /** A body that passed by: its commitment, and what opens that, where content is kept. */
    private record Body(Commitment commitment, @Nullable Opening opening) {

        static Body of(Commitment.Digest digest) {
            if (digest.canBeOpened()) {
                Opening opening = digest.opening(null);
                return new Body(opening.commitment(), opening);
            }
            return new Body(digest.commitment(), null);
        }

        void addTo(AuditEvent.Builder event, String name) {
            if (opening == null) {
                event.commitment(name, commitment);
            } else {
                event.content(opening);
            }
        }
    }

    /** A commitment to a body that is about to pass by; it keeps the body where the log keeps content. */
    public Commitment.Digest digest(String name) {
        OptionalInt longest = component.runtime().longestContent();
        return longest.isPresent() ? Commitment.digest(name, longest.getAsInt()) : Commitment.digest(name);
    }

    /** An observer of the request's body. */
    public Optional<BodyObserver> requestObserver() {
        return facts.map(GenAiFacts::request);
    }

    /** An observer of the response's body. */
    public Optional<BodyObserver> responseObserver(@Nullable String mediaType) {
        synchronized (this) {
            streamed = mediaType != null && mediaType.startsWith("text/event-stream");
        }
        return facts.flatMap(seen -> seen.response(mediaType));
    }

    /** A hop was allowed. */
    public synchronized void allowed(EgressRequest hop, EgressDecision.Allowed decision) {
        ActiveGrant opening = GrantRules.grantOf(decision)
                .flatMap(component.runtime()::breakGlassGrant)
                .orElse(null);
        if (opening == null) {
            compare(hop, decision);
        } else {
            grant = opening; // the call needed it, wherever it is redirected to
        }
        letGo(hop, decision);
    }

    private void letGo(EgressRequest hop, EgressDecision.Allowed decision) {
        target = hop;
        hops.add(hop);
        rule = decision.rule();
        policyVersion = decision.policyVersion();
        reported = null;
        attached = List.of();
        sendsOfHop = 0;
    }

    /** The policy refuses a hop, and its mode lets it go. */
    public synchronized void reported(EgressRequest hop, EgressDecision.Denied denial) {
        compare(hop, denial);
        letGo(hop, new EgressDecision.Allowed(denial.rule().orElse(""), denial.policyVersion()));
        rule = denial.rule().orElse(null);
        reported = denial;
        reportedHops.add(hop, denial);
        component.warnReported(hop, denial);
    }

    /** The hop runs over a connection to this address, which a break-glass grant may have opened; said before it is answered. */
    public synchronized void ranOver(ComponentSnapshot snapshot, EgressRequest connection, InetAddress address) {
        if (grant == null && status == 0) {
            grant = snapshot.opening(connection, address).orElse(null);
        }
    }

    private void compare(EgressRequest hop, EgressDecision decision) {
        ShadowPolicy.Finding found = component.shadow().compare(hop, decision);
        shadow = found == null ? shadow : found;
    }

    /** The request is about to be written to a connection; the HTTP library may do so again for the same hop. */
    public synchronized void sent() {
        sendsOfHop++;
        if (sendsOfHop > 1) {
            attempts++;
        }
    }

    /** These secrets went with the current hop. */
    public synchronized void attached(List<String> secrets) {
        attached = secrets;
    }

    /** The request's body was written. */
    public synchronized void requestBody(Commitment.Digest written) {
        requestBody = Body.of(written);
    }

    /** A response began. */
    public synchronized void responded(int statusCode, String protocolName) {
        status = statusCode;
        protocol = protocolName;
    }

    /** This request is a client library's repetition of the one that {@code key} names, which failed before. */
    public synchronized void continues(RetryLedger.Key key) {
        component.retries().take(key).ifPresent(earlier -> {
            synchronized (earlier) {
                attempts += earlier.attempts;
                startNanos = earlier.startNanos;
                outcomes.addAll(earlier.outcomes);
                reportedHops.addAll(earlier.reportedHops);
                earlierHops.addAll(earlier.earlierHops);
                earlier.hops.forEach(earlierHops::add);
                grant = grant == null ? earlier.grant : grant;
                earlier.noteOutcome(outcomes);
            }
        });
    }

    /** Should this call fail, the client library is expected to repeat it, named by {@code key}, within the time. */
    public synchronized void mayBeRepeated(RetryLedger.Key key, Duration within) {
        retryKey = key;
        retryWithin = within;
    }

    /** The response ended, fully read or not. */
    public synchronized void ended(Commitment.Digest body, boolean readToEnd) {
        responseBody = Body.of(body);
        complete = readToEnd;
        write();
    }

    /** The call failed: no response, or one that broke off. */
    public synchronized void failed(Throwable failure) {
        errorType = failure.getClass().getName();
        write();
    }

    /** The response broke off while its body was read. */
    public synchronized void brokeOff(Throwable failure, Commitment.Digest bodySoFar) {
        errorType = failure.getClass().getName();
        responseBody = Body.of(bodySoFar);
        retryKey = null;
        write();
    }

    /** A secret was found in what is about to leave; the refusal follows. */
    synchronized void secretLeaving(EgressRequest hop, String secret, String place, EgressDecision.Reason reason) {
        leavingSecret = secret;
        leavingIn = place;
        if (reason == EgressDecision.Reason.CANARY_LEAVING) {
            component.canaryLeaving(hop, secret, place);
        }
    }

    /** A hop was refused. */
    public synchronized void denied(EgressRequest hop, EgressDecision.Denied denial) {
        if (written) {
            return;
        }
        written = true;
        target = hop;
        if (hop.redirectedFrom().isEmpty() && attempts == 1) {
            grant = null; // it was of no use
        }
        attached = List.of(); // what an earlier hop carried did not come here
        compare(hop, denial);
        writeDenied("block", hop, denial);
    }

    /** A hop was cut while it was under way, by a policy that came into force meanwhile. */
    public synchronized void cut(
            EgressRequest hop, EgressDecision.Denied denial, Commitment.@Nullable Digest bodySoFar) {
        if (written) {
            return;
        }
        written = true;
        target = hop;
        responseBody = bodySoFar == null ? null : Body.of(bodySoFar);
        writeDenied("cut", hop, denial);
    }

    private void writeDenied(String action, EgressRequest hop, EgressDecision.Denied denial) {
        rule = denial.rule().orElse(null);
        policyVersion = denial.policyVersion();
        AuditEvent.Builder event = event("deny", action);
        event.attribute("error.type", denial.code().code());
        event.attribute("secure_runtime.reason", denial.reason().name().toLowerCase(Locale.ROOT));
        event.attribute("secure_runtime.layer", denial.layer().name().toLowerCase(Locale.ROOT));
        denial.nearest().ifPresent(name -> event.attribute("secure_runtime.nearest", name));
        if (leavingSecret != null && leavingIn != null && denial.code() == ErrorCode.EGRESS_SECRET_LEAVING) {
            event.attribute("secure_runtime.secret", leavingSecret);
            event.attribute("secure_runtime.found_in", leavingIn);
        }
        component.publishDenied(this, event.build(), hop, denial);
    }

    /** The runtime ends while the call is under way. */
    synchronized void abandoned() {
        retryKey = null;
        if (errorType == null) {
            errorType = "secure_runtime.closed_while_open";
        }
        write();
    }

    /** Nobody repeated the call: writes it as it stands. */
    synchronized void settle() {
        retryKey = null;
        written = false;
        write();
    }

    private void write() {
        if (written) {
            return;
        }
        written = true;
        if (retryKey != null) {
            component.forget(this);
            component.retries().hold(retryKey, this, retryWithin);
            return;
        }
        AuditEvent.Builder event = event(reported == null ? "allow" : "deny", "allow");
        if (reported != null) {
            event.attribute("secure_runtime.would_be", reported.code().code());
            event.attribute("secure_runtime.reason", reported.reason().name().toLowerCase(Locale.ROOT));
        }
        if (errorType != null) {
            event.attribute("error.type", errorType);
        }
        ApprovedProxy proxy = component.runtime().egressProxy();
        if (proxy != null) {
            event.attribute("secure_runtime.proxy", proxy.toString());
        }
        boolean whole = complete || facts.map(GenAiFacts::finished).orElse(false);
        event.attribute("secure_runtime.complete", whole && errorType == null);
        component.publish(this, event.build());
    }

    private AuditEvent.Builder event(String verdict, String action) {
        AuditEvent.Builder event =
                AuditEvent.of("egress.call").component(component.id().name());
        event.attribute("secure_runtime.verdict", verdict);
        event.attribute("secure_runtime.action", action);
        event.attribute("http.request.method", target.method());
        event.attribute("url.scheme", target.scheme());
        event.attribute("server.address", target.host());
        event.attribute("server.port", target.port());
        if (!target.redirectedFrom().isEmpty()) {
            event.attribute("secure_runtime.redirected_from", target.redirectedFrom());
            event.attribute("secure_runtime.hop", target.redirectedFrom().size());
        }
        if (status != 0) {
            event.attribute("http.response.status_code", status);
        }
        if (protocol != null) {
            event.attribute("network.protocol.name", protocol);
        }
        event.attribute("secure_runtime.attempts", attempts);
        if (!outcomes.isEmpty()) {
            event.attribute("secure_runtime.earlier_outcomes", outcomes);
        }
        if (rule != null) {
            event.attribute("secure_runtime.rule", rule);
        }
        if (!policyVersion.isEmpty()) {
            event.attribute("secure_runtime.policy.version", policyVersion);
        }
        if (grant != null) {
            event.attribute("secure_runtime.break_glass", grant.id());
            event.attribute("secure_runtime.break_glass.person", grant.grant().person());
        }
        if (shadow != null) {
            shadow.describe(event);
        }
        reportedHops.describe(event, "secure_runtime.would_be_hops");
        earlierHops.without(hops).describe(event, "secure_runtime.earlier_hops");
        if (!attached.isEmpty()) {
            event.attribute("secure_runtime.attached_secrets", attached);
        }
        if (streamed) {
            event.attribute("secure_runtime.streamed", true);
        }
        event.attribute(
                "secure_runtime.duration_ms",
                Duration.ofNanos(System.nanoTime() - startNanos).toMillis());
        facts.ifPresent(seen -> seen.describe(event));
        if (requestBody != null) {
            requestBody.addTo(event, "http.request.body");
        }
        if (responseBody != null) {
            responseBody.addTo(event, "http.response.body");
        }
        return event;
    }

    private void noteOutcome(List<String> into) {
        if (into.size() < MAX_OUTCOMES) {
            into.add(status != 0 ? Integer.toString(status) : String.valueOf(errorType));
        }
    }
}
