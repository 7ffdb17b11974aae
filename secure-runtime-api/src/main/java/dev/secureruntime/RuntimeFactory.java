package dev.secureruntime;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.util.List;
import java.util.ServiceLoader;

/**
 * The seam between the API and the engine, found with {@link ServiceLoader} through the API's own class loader.
 * Applications have no use for it.
 */
public interface RuntimeFactory {

    /** Builds a runtime. */
    SecureRuntime create(RuntimeSettings settings);

    /**
     * The one engine there is. Two are refused: a second one may be a jar that wants to stand in for the guard.
     *
     * @throws SecureRuntimeException {@code SR-RUNTIME-001} when there is none, or more than one
     */
    static RuntimeFactory load() {
        List<ServiceLoader.Provider<RuntimeFactory>> found =
                ServiceLoader.load(RuntimeFactory.class, RuntimeFactory.class.getClassLoader()).stream()
                        .toList();
        if (found.size() != 1) {
            List<String> names =
                    found.stream().map(provider -> provider.type().getName()).toList();
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED,
                    found.isEmpty()
                            ? "no engine found: add secure-runtime-core beside secure-runtime-api"
                            : "more than one engine found, " + names
                                    + ": leave only secure-runtime-core on the class path");
        }
        return found.get(0).get();
    }
}
