package dev.secureruntime.core;

import dev.secureruntime.RuntimeFactory;
import dev.secureruntime.RuntimeSettings;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;

/** How {@code SecureRuntime.builder()} finds this engine. */
public final class CoreRuntimeFactory implements RuntimeFactory {

    /** For {@link java.util.ServiceLoader}. */
    public CoreRuntimeFactory() {}

    @Override
    public SecureRuntime create(RuntimeSettings settings) {
        try {
            return CoreRuntime.wire(settings);
        } catch (LinkageError e) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED,
                    "a library is missing, or older than its caller needs (" + e + "); secure-runtime-core needs"
                            + " jackson-core and jackson-databind 2.16 or later, slf4j-api and bcprov-jdk18on: look at"
                            + " the versions that your build resolves, which a parent or a BOM may have set",
                    e);
        }
    }
}
