package dev.secureruntime.core;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.core.secret.SecretGuard;
import dev.secureruntime.identity.ComponentId;
import dev.secureruntime.secret.SecretDeniedException;
import dev.secureruntime.secret.SecretHandle;
import dev.secureruntime.secret.Secrets;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The secret guard as one component sees it: every opening is recorded before the handle is given out. */
final class ComponentSecrets implements Secrets {

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");

    private final ComponentId component;
    private final Supplier<SecretGuard> guard;
    private final EventLine events;

    ComponentSecrets(ComponentId component, Supplier<SecretGuard> guard, EventLine events) {
        this.component = component;
        this.guard = guard;
        this.events = events;
    }

    @Override
    public SecretHandle open(String name) {
        SecretHandle handle;
        try {
            handle = guard.get().open(component, name);
        } catch (SecretDeniedException e) {
            events.publish(event(name, "deny", "block")
                    .attribute("error.type", e.code().code())
                    .build());
            LOG.warn(e.getMessage());
            throw e;
        }
        try {
            events.publish(event(name, "allow", "allow").build());
        } catch (RuntimeException e) {
            handle.close();
            throw e;
        }
        return handle;
    }

    private AuditEvent.Builder event(String name, String verdict, String action) {
        return AuditEvent.of("secret.open")
                .component(component.name())
                .attribute("secure_runtime.verdict", verdict)
                .attribute("secure_runtime.action", action)
                .attribute("secure_runtime.secret", name);
    }
}
