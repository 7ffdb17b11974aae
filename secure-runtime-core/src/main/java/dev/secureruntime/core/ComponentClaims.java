package dev.secureruntime.core;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.identity.CodeIdentity;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * Which code acts as which component. The first claim of a name binds it to the claiming code; a name alone is worth
 * nothing to other code.
 *
 * <p>Thread-safe.
 */
final class ComponentClaims {

    private final Map<String, GuardedComponent> byName = new ConcurrentHashMap<>();

    /** The component for {@code code}, made by {@code first} when the name is still free. */
    GuardedComponent claim(String name, CodeIdentity code, Function<String, GuardedComponent> first) {
        GuardedComponent component = byName.computeIfAbsent(name, first);
        if (!component.id().code().equals(code)) {
            throw new SecureRuntimeException(
                    ErrorCode.COMPONENT_CLAIMED,
                    "component \"" + name + "\" was claimed by "
                            + component.id().code() + " and is refused to " + code
                            + ": let the code that claimed it hand over the Component, or give this code a component of"
                            + " its own");
        }
        return component;
    }

    /** All components that were claimed. */
    Iterable<GuardedComponent> all() {
        return byName.values();
    }
}
