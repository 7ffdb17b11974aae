package dev.secureruntime.core;

import dev.secureruntime.core.ActiveGrant.Origin;
import dev.secureruntime.core.credential.Ticker;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.Policy;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The break-glass grants that the runtime knows, from the policy and from code. One that is in the policy again after a reload is the
 * one that was known before, with the end that it had. Thread-safe.
 */
final class BreakGlassBook {

    private static final int MAX_OF_CODE = 64;
    private static final int MAX_KNOWN = 4096;
    private static final Duration FAR = Duration.ofDays(3650);

    private final Clock clock;
    private final Ticker ticker;
    private final Duration longest;
    private final Map<String, ActiveGrant> known = new LinkedHashMap<>();

    BreakGlassBook(Clock clock, Ticker ticker, Duration longest) {
        this.clock = clock;
        this.ticker = ticker;
        this.longest = longest;
    }

    /** Refuses a policy with a grant that is longer than this runtime allows. */
    void check(Policy policy) {
        for (BreakGlass grant : policy.breakGlass()) {
            requireShort(grant, grant.from().orElse(grant.until()), policy.source() + ": breakGlass: ");
        }
    }

    private void requireShort(BreakGlass grant, Instant from, String where) {
        if (Duration.between(from, grant.until()).compareTo(longest) > 0) {
            throw invalid(where + "the grant to " + grant.target() + " lasts longer than " + longest
                    + ", which is the most that this runtime allows");
        }
    }

    private static SecureRuntimeException invalid(String why) {
        return new SecureRuntimeException(ErrorCode.POLICY_INVALID_VALUE, why);
    }

    /** Takes in a grant that code gives, which begins now. */
    synchronized ActiveGrant add(BreakGlass given, Policy policy) {
        if (!policy.components().containsKey(given.component())) {
            throw new SecureRuntimeException(
                    ErrorCode.COMPONENT_UNKNOWN,
                    "no component \"" + given.component() + "\" in " + policy.source() + " to grant anything to");
        }
        Instant now = clock.instant();
        if (!now.isBefore(given.until())) {
            throw invalid("the break-glass grant to " + given.target() + " is over already");
        }
        if (given.from().isPresent() && now.isBefore(given.from().get())) {
            throw invalid("the break-glass grant to " + given.target() + " begins later; give it then");
        }
        requireShort(given, now, "");
        if (ofCode().size() >= MAX_OF_CODE) {
            throw invalid("more than " + MAX_OF_CODE + " break-glass grants are in force; close one");
        }
        String id = String.format("bg-%012x", ThreadLocalRandom.current().nextLong() & 0xffff_ffff_ffffL);
        ActiveGrant grant = new ActiveGrant(given.beginningAt(now), id, Origin.CODE, deadline(given, now));
        known.put(id, grant);
        forgetOldest();
        return grant;
    }

    private List<ActiveGrant> ofCode() {
        return known.values().stream()
                .filter(grant -> grant.origin() == Origin.CODE && !grant.isOver())
                .toList();
    }

    /** The grants that are in force now under a policy. */
    synchronized List<ActiveGrant> open(Policy policy) {
        Instant now = clock.instant();
        long tick = ticker.read();
        List<ActiveGrant> open = new ArrayList<>();
        for (ActiveGrant grant : under(policy, now)) {
            if (grant.isOpen(now, tick)) {
                open.add(grant);
            }
        }
        return open;
    }

    private List<ActiveGrant> under(Policy policy, Instant now) {
        List<ActiveGrant> all = new ArrayList<>();
        for (BreakGlass grant : policy.breakGlass()) {
            all.add(known.computeIfAbsent(
                    grant.digest(), id -> new ActiveGrant(grant, id, Origin.POLICY, deadline(grant, now))));
        }
        for (ActiveGrant grant : ofCode()) {
            if (policy.components().containsKey(grant.grant().component())) {
                all.add(grant);
            }
        }
        forgetOldest();
        return all.stream().distinct().toList();
    }

    /** How long it is until a grant begins or ends; empty when none will. */
    synchronized Optional<Duration> untilNext(Policy policy) {
        Instant now = clock.instant();
        return under(policy, now).stream()
                .filter(grant -> !grant.isOver())
                .map(grant -> grant.grant().isOpenAt(now)
                        ? grant.grant().until()
                        : grant.grant().from().orElse(now))
                .map(moment -> Duration.between(now, moment))
                .min(Duration::compareTo);
    }

    /** Whether a grant opens something now. Does not lock. */
    boolean isOpen(ActiveGrant grant) {
        return grant.isOpen(clock.instant(), ticker.read());
    }

    /** Ends all grants, for the runtime's end. */
    synchronized void endAll() {
        known.values().forEach(ActiveGrant::end);
    }

    /** Why a grant that was in force is not any more. */
    String end(ActiveGrant grant) {
        return grant.end(clock.instant(), ticker.read());
    }

    /** A grant that was given, by its name. */
    synchronized Optional<ActiveGrant> find(String id) {
        return Optional.ofNullable(known.get(id));
    }

    private long deadline(BreakGlass grant, Instant now) {
        Duration left = Duration.between(now, grant.until());
        Duration bounded = left.isNegative() ? Duration.ZERO : left.compareTo(FAR) > 0 ? FAR : left;
        return ticker.read() + bounded.toNanos();
    }

    private void forgetOldest() {
        Iterator<ActiveGrant> oldest = known.values().iterator();
        while (known.size() > MAX_KNOWN && oldest.hasNext()) {
            if (oldest.next().isOver()) {
                oldest.remove();
            }
        }
    }
}
