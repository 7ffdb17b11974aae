package dev.secureruntime.core;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.core.egress.SubNameCounter;
import dev.secureruntime.core.egress.SubNameCounter.Alarm;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.SecureRuntimeException;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports a component that asks for conspicuously many names below one base domain, as a tunnel through DNS does: once per
 * base domain and window, into the audit log and the developer's log. It refuses nothing. Only names that a wildcard or a
 * category opens count; exact names are as many as the policy says. Thread-safe.
 */
final class SubNameWatch {

    static final int THRESHOLD = 50;
    static final Duration WINDOW = Duration.ofHours(1);

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");

    private final String component;
    private final EventLine events;
    private final SubNameCounter counter;

    SubNameWatch(String component, EventLine events, SubNameCounter counter) {
        this.component = component;
        this.events = events;
        this.counter = counter;
    }

    SubNameWatch(String component, EventLine events) {
        this(component, events, new SubNameCounter(THRESHOLD, WINDOW, System::nanoTime));
    }

    /** Counts the name of an allowed request; the decision stays, unless the report can't be recorded and must be. */
    EgressDecision pass(EgressRequest request, EgressDecision decision) {
        if (!(decision instanceof EgressDecision.Allowed allowed)
                || allowed.rule().equals(request.host())
                || allowed.rule().startsWith("cidr ")) {
            return decision;
        }
        Optional<Alarm> alarm = counter.saw(request.host());
        if (alarm.isEmpty()) {
            return decision;
        }
        try {
            report(alarm.get(), allowed.rule());
            return decision;
        } catch (SecureRuntimeException e) {
            return GuardedComponent.unwritable();
        }
    }

    private void report(Alarm alarm, String rule) {
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
                .attribute("secure_runtime.action", "report")
                .attribute("secure_runtime.rule", rule)
                .attribute("secure_runtime.base_domain", alarm.baseDomain())
                .attribute("secure_runtime.sub_names", alarm.subNames())
                .attribute("secure_runtime.window_s", alarm.window().toSeconds())
                .build());
    }
}
