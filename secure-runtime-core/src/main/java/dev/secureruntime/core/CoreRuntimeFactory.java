package dev.secureruntime.core;

import dev.secureruntime.RuntimeFactory;
import dev.secureruntime.RuntimeSettings;
import dev.secureruntime.SecureRuntime;

/** How {@code SecureRuntime.builder()} finds this engine. */
public final class CoreRuntimeFactory implements RuntimeFactory {

    /** For {@link java.util.ServiceLoader}. */
    public CoreRuntimeFactory() {}

    @Override
    public SecureRuntime create(RuntimeSettings settings) {
        return CoreRuntime.wire(settings);
    }
}
