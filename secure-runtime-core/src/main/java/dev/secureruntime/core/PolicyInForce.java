package dev.secureruntime.core;

import dev.secureruntime.RuntimeSettings;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.core.policy.PolicyFile;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.PolicyReload;
import dev.secureruntime.policy.PolicyVersion;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The policy in force, and the one way to put another in its place: read and checked as a whole, swapped by one write, and
 * what it refuses ended. A policy that is not valid leaves the old one in force.
 *
 * <p>Thread-safe; one reload at a time.
 */
final class PolicyInForce {

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");
    private static final int MAX_NAMED = 32;

    private final RuntimeSettings settings;
    private final SecretWatch watch;
    private final BreakGlassBook book;
    /** Held while another snapshot is put in force. */
    private final ReentrantLock changing = new ReentrantLock();

    private volatile PolicySnapshot current;
    /** What the file held when it was last looked at, valid or not. */
    private String lastSeen;

    private PolicyInForce(RuntimeSettings settings, SecretWatch watch, BreakGlassBook book, PolicySnapshot first) {
        this.settings = settings;
        this.book = book;
        this.watch = watch;
        this.current = first;
        this.lastSeen = first.version().sha256();
    }

    static PolicyInForce start(RuntimeSettings settings, SecretWatch watch, BreakGlassBook book) {
        Policy policy;
        String sha256;
        if (settings.policyFile() != null) {
            PolicyFile file = PolicyFile.read(settings.policyFile());
            policy = file.parse();
            sha256 = file.sha256();
        } else {
            policy = Objects.requireNonNull(settings.policy());
            sha256 = PolicyDigest.of(policy);
        }
        book.check(policy);
        return new PolicyInForce(
                settings, watch, book, new PolicySnapshot(new PolicyVersion(1, sha256), policy, settings, watch));
    }

    PolicySnapshot current() {
        return current;
    }

    /** The policy in force, after a grant in it that is over was ended. Never waits for another thread. */
    PolicySnapshot reviewed(ComponentClaims components, EventLine events) {
        if (!current.grants().stream().allMatch(book::isOpen) && changing.tryLock()) {
            try {
                review(components, events);
            } catch (SecureRuntimeException e) {
                // It has ended, and calls are refused while the log can't be written.
                LOG.error("the end of a break-glass grant could not be recorded", e);
            } finally {
                changing.unlock();
            }
        }
        return current;
    }

    /** Puts a grant in force that code gives. */
    ActiveGrant grant(BreakGlass given, ComponentClaims components, EventLine events) {
        return changing(() -> {
            ActiveGrant grant = book.add(given, current.policy());
            try {
                review(components, events);
            } catch (SecureRuntimeException e) {
                grant.end();
                throw e;
            }
            return grant;
        });
    }

    /** Ends grants that are over and begins those whose time has come. */
    void review(ComponentClaims components, EventLine events) {
        changing(() -> {
            List<ActiveGrant> open = book.open(current.policy());
            if (!open.equals(current.grants())) {
                putInForce(current, open, components, events);
            }
            return open;
        });
    }

    /** How long it is until a grant begins or ends; empty when none will. */
    Optional<Duration> untilNextReview() {
        return book.untilNext(current.policy());
    }

    /** Swaps the snapshot and ends what it refuses. A grant is recorded before it opens anything. */
    private PolicyReload putInForce(
            PolicySnapshot next, List<ActiveGrant> open, ComponentClaims components, EventLine events) {
        PolicySnapshot before = current;
        for (ActiveGrant grant : open) {
            if (!before.grants().contains(grant)) {
                events.publish(grant.event("granted")
                        .attribute(
                                "secure_runtime.break_glass.origin",
                                grant.origin().name().toLowerCase(Locale.ROOT))
                        .build());
                LOG.warn("{} {} is in force", grant.id(), grant.grant());
            }
        }
        current = next.with(open); // from here on every hop that begins is judged by it
        PolicyReload done = enforce(before.version(), next.version(), components);
        for (ActiveGrant grant : before.grants()) {
            if (!open.contains(grant)) {
                LOG.warn("{} {} has ended; {} calls were cut", grant.id(), grant.grant(), done.cutCalls());
                events.publish(grant.event("ended")
                        .attribute("secure_runtime.break_glass.end", book.end(grant))
                        .attribute("secure_runtime.cut_calls", done.cutCalls())
                        .attribute("secure_runtime.closed_connections", done.closedConnections())
                        .build());
            }
        }
        return done;
    }

    private <T> T changing(Supplier<T> change) {
        changing.lock();
        try {
            return change.get();
        } finally {
            changing.unlock();
        }
    }

    /** Reads the file again that the first policy came from. */
    PolicyReload reload(ComponentClaims components, EventLine events) {
        return changing(() -> reloadFile(components, events));
    }

    private PolicyReload reloadFile(ComponentClaims components, EventLine events) {
        Path file = settings.policyFile();
        if (file == null) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED,
                    "the policy was built in code: there is no file to read again; call reload(Policy)");
        }
        PolicyFile content = readable(file, events);
        lastSeen = content.sha256();
        return reload(content, components, events);
    }

    /** Puts a policy in force that was built in code. */
    PolicyReload reload(Policy policy, ComponentClaims components, EventLine events) {
        return changing(() -> replace(policy, PolicyDigest.of(policy), components, events));
    }

    /** Reloads the file if it holds something that was not tried before. What is wrong with it is told once. */
    void look(ComponentClaims components, EventLine events) {
        changing(() -> {
            lookAtFile(components, events);
            return current;
        });
    }

    private void lookAtFile(ComponentClaims components, EventLine events) {
        Path file = Objects.requireNonNull(settings.policyFile());
        PolicyFile content;
        try {
            content = PolicyFile.read(file);
        } catch (SecureRuntimeException e) {
            if (!lastSeen.equals(e.getMessage())) {
                lastSeen = String.valueOf(e.getMessage());
                reject(e, null, events);
            }
            return;
        }
        String sha256 = content.sha256();
        if (sha256.equals(lastSeen)) {
            return;
        }
        lastSeen = sha256;
        try {
            reload(content, components, events);
        } catch (SecureRuntimeException e) {
            // It is in the log and the audit log, and the old policy stays in force: there is no caller to tell.
        }
    }

    private static PolicyFile readable(Path file, EventLine events) {
        try {
            return PolicyFile.read(file);
        } catch (SecureRuntimeException e) {
            reject(e, null, events);
            throw e;
        }
    }

    private PolicyReload reload(PolicyFile content, ComponentClaims components, EventLine events) {
        Policy policy;
        try {
            policy = content.parse();
        } catch (SecureRuntimeException e) {
            reject(e, content.sha256(), events);
            throw e;
        }
        return replace(policy, content.sha256(), components, events);
    }

    private PolicyReload replace(Policy policy, String sha256, ComponentClaims components, EventLine events) {
        PolicySnapshot before = current;
        if (sha256.equals(before.version().sha256()) && lists(before.policy()).equals(lists(policy))) {
            return new PolicyReload(before.version(), before.version(), 0, 0, List.of());
        }
        PolicySnapshot next;
        try {
            book.check(policy);
            next = new PolicySnapshot(
                    new PolicyVersion(before.version().number() + 1, sha256), policy, settings, watch);
        } catch (SecureRuntimeException e) {
            reject(e, sha256, events);
            throw e;
        }
        PolicyReload done = putInForce(next, book.open(policy), components, events);
        LOG.info(
                "policy {} of {} is in force, components {}; {} calls were cut and {} connections closed",
                next.version(),
                policy.source(),
                policy.components().keySet(),
                done.cutCalls(),
                done.closedConnections());
        next.egress().warnings().forEach(LOG::warn);
        events.publish(AuditEvent.of("policy.reloaded")
                .attribute("secure_runtime.policy.source", policy.source())
                .attribute("secure_runtime.policy.version", next.version().toString())
                .attribute("secure_runtime.policy.sha256", sha256)
                .attribute("secure_runtime.policy.previous", before.version().toString())
                .attribute(
                        "secure_runtime.components",
                        List.copyOf(policy.components().keySet()))
                .attribute("secure_runtime.cut_calls", done.cutCalls())
                .attribute("secure_runtime.closed_connections", done.closedConnections())
                .attribute("secure_runtime.closed", done.closed())
                .build());
        return done;
    }

    /** The hashes of the lists of hosts that a policy read from files of their own: the policy's file doesn't tell. */
    static Map<String, String> lists(Policy policy) {
        return policy.categories().entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey,
                        category -> category.getValue().hosts().sha256()));
    }

    private static PolicyReload enforce(PolicyVersion before, PolicyVersion now, ComponentClaims components) {
        int calls = 0;
        int connections = 0;
        List<String> closed = new ArrayList<>();
        for (GuardedComponent component : components.all()) {
            Transport.Cut cut = component.policyChanged();
            calls += cut.calls();
            connections += cut.connections();
            closed.addAll(cut.targets());
        }
        return new PolicyReload(
                before,
                now,
                calls,
                connections,
                closed.stream().distinct().limit(MAX_NAMED).toList());
    }

    private static void reject(SecureRuntimeException e, @Nullable String sha256, EventLine events) {
        LOG.error("a new policy was not put in force, the old one stays: {}", e.getMessage());
        AuditEvent.Builder event = AuditEvent.of("policy.rejected")
                .attribute("error.type", e.code().code());
        if (sha256 != null) {
            event.attribute("secure_runtime.policy.sha256", sha256);
        }
        events.publish(event.build());
    }
}
