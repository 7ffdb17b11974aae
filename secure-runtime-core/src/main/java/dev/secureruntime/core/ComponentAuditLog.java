package dev.secureruntime.core;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditLog;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.util.List;
import java.util.Locale;

/** The audit log in a component's name: it can speak of itself only, and can't write what the runtime writes. */
final class ComponentAuditLog implements AuditLog {

    private static final List<String> RESERVED =
            List.of("log", "runtime", "egress", "secret", "credential", "component", "policy");

    private final String component;
    private final EventLine events;
    private final CoreRuntime runtime;

    ComponentAuditLog(String component, EventLine events, CoreRuntime runtime) {
        this.component = component;
        this.events = events;
        this.runtime = runtime;
    }

    @Override
    public Receipt append(AuditEvent event) {
        String family = event.type().split("\\.", 2)[0].toLowerCase(Locale.ROOT);
        if (RESERVED.contains(family)) {
            throw new SecureRuntimeException(
                    ErrorCode.AUDIT_RECORD_REJECTED,
                    "type \"" + event.type() + "\" is written by the runtime alone; choose one whose first part is none"
                            + " of " + RESERVED);
        }
        if (event.component().isPresent() && !event.component().get().equals(component)) {
            throw new SecureRuntimeException(
                    ErrorCode.AUDIT_RECORD_REJECTED,
                    "component \"" + component + "\" can't record in the name of \""
                            + event.component().get() + "\"");
        }
        return events.offer(event.withComponent(component))
                .orElseThrow(() ->
                        new SecureRuntimeException(ErrorCode.AUDIT_UNWRITABLE, "the record could not be written"));
    }

    @Override
    public Receipt erase(String subject) {
        throw new SecureRuntimeException(
                ErrorCode.AUDIT_RECORD_REJECTED,
                "a component erases nothing: subjects are shared by all components. Call erase on SecureRuntime.audit()");
    }

    @Override
    public void checkpoint() {
        runtime.audit().checkpoint();
    }

    @Override
    public List<String> verifierKeys() {
        return runtime.audit().verifierKeys();
    }
}
