package dev.secureruntime.core;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.core.egress.GrantRules;
import dev.secureruntime.core.egress.SubNameCounter;
import dev.secureruntime.core.egress.SubNameCounter.Sighting;
import dev.secureruntime.core.egress.SubNameCounter.Sighting.Alarm;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.OnManyNames;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports a component that asks for conspicuously many names below one base domain, as a tunnel through DNS does: once per
 * base domain and window, into the audit log and the developer's log. It refuses
 * nothing unless the policy says so; then new names below that domain are refused until the window ends, but for those that a break-glass grant opens. Only names that a wildcard or a
 * category opens count; exact names are as many as the policy says. Thread-safe.
 */
final class SubNameWatch {

    static final int THRESHOLD = 50;
    static final Duration WINDOW = Duration.ofHours(1);

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");

    private final String component;
    private final EventLine events;
    private final SubNameCounter counter = new SubNameCounter(THRESHOLD, WINDOW, System::nanoTime);

    SubNameWatch(String component, EventLine events) {
        this.component = component;
        this.events = events;
    }

    /** Counts the name of an allowed request, and says whether it stays allowed. A report that can't be recorded refuses it. */
    EgressDecision pass(EgressRequest request, EgressDecision decision, OnManyNames then, EnforcementMode mode) {
        if (!(decision instanceof EgressDecision.Allowed allowed)
                || allowed.rule().equals(request.host())
                || allowed.rule().startsWith("cidr ")
                || GrantRules.grantOf(allowed).isPresent()) {
            return decision;
        }
        Sighting sighting = counter.saw(request.host());
        if (sighting instanceof Sighting.Beyond beyond && then == OnManyNames.BLOCK) {
            EgressDecision.Denied denied = denied(beyond.baseDomain());
            return mode == EnforcementMode.REPORT ? new EgressDecision.Reported(denied) : denied;
        }
        if (sighting instanceof Alarm alarm) {
            try {
                report(alarm, allowed.rule(), mode == EnforcementMode.REPORT ? OnManyNames.REPORT : then);
            } catch (SecureRuntimeException e) {
                return GuardedComponent.unwritable();
            }
        }
        return decision;
    }

    private EgressDecision.Denied denied(String baseDomain) {
        return new EgressDecision.Denied(
                ErrorCode.EGRESS_DENIED,
                EgressDecision.Reason.MANY_NAMES,
                "too many different names below " + baseDomain + " within " + WINDOW.toMinutes() + " minutes",
                null,
                "if this is no tunnel, allow the names that are needed exactly, or take \"onManyNames\" out of components."
                        + component + ".egress");
    }

    private void report(Alarm alarm, String rule, OnManyNames then) {
        LOG.warn(
                "component \"{}\" asked for {} different names below {} within {}: a tunnel through DNS looks like this."
                        + " If it is none, nothing is wrong; if it may be, allow exact names instead of \"{}\"",
                component,
                alarm.subNames(),
                alarm.baseDomain(),
                alarm.window(),
                rule);
        events.publish(AuditEvent.of("egress.many_names")
                .component(component)
                .attribute("secure_runtime.action", then == OnManyNames.BLOCK ? "block" : "report")
                .attribute("secure_runtime.rule", rule)
                .attribute("secure_runtime.base_domain", alarm.baseDomain())
                .attribute("secure_runtime.sub_names", alarm.subNames())
                .attribute("secure_runtime.window_s", alarm.window().toSeconds())
                .build());
    }
}
