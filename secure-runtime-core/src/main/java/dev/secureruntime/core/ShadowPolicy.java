package dev.secureruntime.core;

import dev.secureruntime.RuntimeSettings;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.core.egress.EgressPolicy;
import dev.secureruntime.core.policy.PolicyFile;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDecision.Reported;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.PolicyVersion;
import dev.secureruntime.policy.ShadowReport;
import dev.secureruntime.policy.ShadowReport.Turn;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A candidate policy that is asked beside the one in force and decides nothing. One that can't be read is left out and told of once
 * per content; whatever is wrong with it, calls go their way. Thread-safe.
 */
final class ShadowPolicy {

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");

    private final @Nullable Path file;
    private final @Nullable Policy policy;
    private volatile @Nullable Candidate candidate;
    /** What was said last, by a candidate or of one that can't be read. */
    private String lastSeen = "";
    /** The file's hash when it was last read; empty when it could not be. */
    private String lastBytes = "";

    private long number;

    private ShadowPolicy(@Nullable Path file, @Nullable Policy policy) {
        this.file = file;
        this.policy = policy;
    }

    static ShadowPolicy of(RuntimeSettings settings) {
        return new ShadowPolicy(settings.shadowFile(), settings.shadow());
    }

    /** What a candidate is asked. */
    record Candidate(
            PolicyVersion version,
            Function<EgressRequest, EgressDecision> requests,
            BiFunction<EgressRequest, List<InetAddress>, Optional<Denied>> addresses,
            ShadowTally tally) {

        Candidate(
                PolicyVersion version,
                Function<EgressRequest, EgressDecision> requests,
                BiFunction<EgressRequest, List<InetAddress>, Optional<Denied>> addresses) {
            this(version, requests, addresses, new ShadowTally());
        }
    }

    /** What the record of a call says of the candidate. */
    sealed interface Finding {

        void describe(AuditEvent.Builder event);
    }

    /**
     * Where the candidate's answer on a hop differs.
     *
     * @param target method, scheme, host and port
     * @param answer what the candidate says
     */
    record Difference(PolicyVersion version, String target, EgressDecision answer) implements Finding {

        Turn turn() {
            return answer instanceof Allowed ? Turn.WOULD_ALLOW : Turn.WOULD_DENY;
        }

        String why() {
            return answer instanceof Denied denied
                    ? denied.reason().name().toLowerCase(Locale.ROOT)
                    : ((Allowed) answer).rule();
        }

        @Override
        public void describe(AuditEvent.Builder event) {
            event.attribute("secure_runtime.shadow.verdict", turn() == Turn.WOULD_ALLOW ? "allow" : "deny");
            event.attribute("secure_runtime.shadow.target", target);
            event.attribute("secure_runtime.shadow.policy.version", version.toString());
            if (answer instanceof Denied denied) {
                event.attribute("secure_runtime.shadow.reason", why());
                denied.rule().ifPresent(rule -> event.attribute("secure_runtime.shadow.rule", rule));
            } else {
                event.attribute("secure_runtime.shadow.rule", why());
            }
        }
    }

    /**
     * The candidate failed on a hop.
     *
     * @param error the class of what it threw
     */
    record Failure(PolicyVersion version, String error) implements Finding {

        @Override
        public void describe(AuditEvent.Builder event) {
            event.attribute("secure_runtime.shadow.error", error);
            event.attribute("secure_runtime.shadow.policy.version", version.toString());
        }
    }

    /** Asks the candidate about a hop that was decided; null when it says the same, and without a candidate. Never throws. */
    @Nullable
    Finding compare(EgressRequest hop, EgressDecision live) {
        Candidate asked = candidate;
        if (asked == null || !isAboutTarget(live)) {
            return null;
        }
        try {
            EgressDecision answer = asked.requests.apply(hop);
            asked.tally.judged();
            if (answer instanceof Allowed == live instanceof Allowed) {
                return null;
            }
            Difference difference = new Difference(asked.version, hop.target(), answer);
            asked.tally.add(hop.component(), difference);
            return difference;
        } catch (RuntimeException | Error e) {
            return failed(asked, e);
        }
    }

    /** A candidate is only asked: when it breaks, the call and its record go on without its answer. */
    private static Failure failed(Candidate asked, Throwable thrown) {
        Failure failure = new Failure(asked.version, thrown.getClass().getName());
        if (asked.tally.failed()) {
            LOG.error(
                    "the candidate policy {} failed on a question, and its report doesn't show all; the policy in force is not"
                            + " touched. Please report this as a bug",
                    asked.version,
                    thrown);
        }
        return failure;
    }

    /** The same for the addresses of a host; counted, since no call's record is at hand. */
    void compareAddresses(EgressRequest connection, List<InetAddress> addresses, Optional<Denied> live) {
        Candidate asked = candidate;
        if (asked == null) {
            return;
        }
        try {
            Optional<Denied> answer = asked.addresses.apply(connection, addresses);
            asked.tally.judged();
            if (answer.isPresent() != live.isPresent()) {
                EgressDecision said = answer.isPresent() ? answer.get() : new Allowed("addresses");
                asked.tally.add(connection.component(), new Difference(asked.version, connection.target(), said));
            }
        } catch (RuntimeException | Error e) {
            failed(asked, e);
        }
    }

    /** Whether a decision was made by rules about the target, which a candidate may see otherwise. */
    private static boolean isAboutTarget(EgressDecision live) {
        Denied denied =
                live instanceof Denied refusal ? refusal : live instanceof Reported reported ? reported.denied() : null;
        if (denied == null) {
            return true;
        }
        return denied.layer() == Layer.REQUEST
                && switch (denied.reason()) {
                    case HOST_NOT_ALLOWED,
                            PORT_NOT_ALLOWED,
                            SCHEME_NOT_ALLOWED,
                            METHOD_NOT_ALLOWED,
                            PATH_NOT_ALLOWED,
                            DENY_RULE,
                            SPECIAL_ADDRESS -> true;
                    default -> false;
                };
    }

    /** Reads the candidate again, if there is one: its file and the lists of its categories. Never throws. */
    synchronized void reload(EventLine events) {
        lastBytes = "";
        look(events);
    }

    /** The same when its file has changed. Never throws. */
    synchronized void look(EventLine events) {
        if (file == null && policy == null) {
            return;
        }
        String sha256 = null;
        Policy read;
        EgressPolicy egress;
        PolicyVersion version;
        try {
            if (file == null) {
                read = Objects.requireNonNull(policy);
                sha256 = PolicyDigest.of(read);
            } else {
                PolicyFile content = PolicyFile.read(file);
                sha256 = content.sha256();
                if (sha256.equals(lastBytes)) {
                    return;
                }
                lastBytes = sha256;
                read = content.parse();
            }
            version = new PolicyVersion(number + 1, sha256);
            egress = EgressPolicy.compile(read, version.toString());
        } catch (RuntimeException | Error e) { // out of memory, too: it is the candidate that is too large
            reject(e, sha256, events);
            return;
        }
        String said = sha256 + new TreeMap<>(PolicyInForce.lists(read));
        if (!said.equals(lastSeen)) {
            lastSeen = said;
            number++;
            summarise(events);
            ask(new Candidate(version, egress::decide, egress::deniedConnection));
            announce(read, version, events);
        }
    }

    /** Puts a candidate in the place of the one before. */
    void ask(Candidate next) {
        candidate = next;
    }

    private void reject(Throwable e, @Nullable String sha256, EventLine events) {
        lastBytes = sha256 == null ? "" : sha256;
        String seen = lastBytes + e;
        if (!seen.equals(lastSeen)) {
            lastSeen = seen;
            SecureRuntimeException known = e instanceof SecureRuntimeException coded ? coded : null;
            LOG.error(
                    "the candidate policy is not asked, the policy in force is not touched: {}",
                    known == null ? e.toString() : known.getMessage());
            publish(
                    events,
                    AuditEvent.of("policy.shadow")
                            .attribute("secure_runtime.action", "rejected")
                            .attribute(
                                    "error.type",
                                    known == null
                                            ? e.getClass().getName()
                                            : known.code().code()));
        }
    }

    private static void announce(Policy read, PolicyVersion version, EventLine events) {
        LOG.info("candidate policy {} of {} is asked beside the policy in force", version, read.source());
        publish(
                events,
                AuditEvent.of("policy.shadow")
                        .attribute("secure_runtime.action", "begins")
                        .attribute("secure_runtime.policy.source", read.source())
                        .attribute("secure_runtime.shadow.policy.version", version.toString())
                        .attribute("secure_runtime.policy.sha256", version.sha256()));
    }

    /** Records how the candidate compared, before another takes its place and at the runtime's end. */
    private void summarise(EventLine events) {
        Candidate last = candidate;
        if (last == null) {
            return;
        }
        publish(
                events,
                AuditEvent.of("policy.shadow")
                        .attribute("secure_runtime.action", "ends")
                        .attribute("secure_runtime.shadow.policy.version", last.version.toString())
                        .attribute("secure_runtime.shadow.judged", last.tally.count())
                        .attribute("secure_runtime.shadow.would_deny", last.tally.count(Turn.WOULD_DENY))
                        .attribute("secure_runtime.shadow.would_allow", last.tally.count(Turn.WOULD_ALLOW))
                        .attribute("secure_runtime.shadow.failed", last.tally.failures()));
    }

    /** The candidate is beside all else: that it can't be recorded stops nothing. Calls are refused while the log can't be written. */
    private static void publish(EventLine events, AuditEvent.Builder event) {
        try {
            events.publish(event.build());
        } catch (SecureRuntimeException e) {
            LOG.error("what became of the candidate policy could not be recorded", e);
        }
    }

    synchronized void close(EventLine events) {
        summarise(events);
        candidate = null;
    }

    ShadowReport report() {
        Candidate asked = candidate;
        return asked == null ? new ShadowReport(null, 0, List.of(), 0, 0) : asked.tally.report(asked.version);
    }
}
