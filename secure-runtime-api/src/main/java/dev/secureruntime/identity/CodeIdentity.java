package dev.secureruntime.identity;

import java.security.CodeSource;
import java.security.ProtectionDomain;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which code it is: the class loader that defined it, its module and the place that it was loaded from.
 *
 * <p>Two identities are equal when all three are. What holds: code in another jar, module or class loader has another
 * identity. What does not: jars merged into one share one identity; a class loader may lie about the code source of the
 * classes that it defines.
 *
 * <p>Immutable and thread-safe.
 */
public final class CodeIdentity {

    private final @Nullable ClassLoader loader;
    private final Module module;
    private final String codeSource;

    private CodeIdentity(@Nullable ClassLoader loader, Module module, String codeSource) {
        this.loader = loader;
        this.module = module;
        this.codeSource = codeSource;
    }

    /** The identity of the code that {@code type} belongs to. */
    public static CodeIdentity of(Class<?> type) {
        ProtectionDomain domain = type.getProtectionDomain();
        CodeSource source = domain == null ? null : domain.getCodeSource();
        String location = source == null || source.getLocation() == null
                ? "jrt"
                : source.getLocation().toString();
        return new CodeIdentity(type.getClassLoader(), type.getModule(), location);
    }

    /** The name of the module, empty for code on the class path. */
    public Optional<String> moduleName() {
        return Optional.ofNullable(module.getName());
    }

    /** The location of the jar or folder as a URL, {@code jrt} for the JDK itself. */
    public String codeSource() {
        return codeSource;
    }

    /** The last part of the code source: a jar's file name, say. It names the code to people and in the audit log. */
    public String label() {
        String path = codeSource.endsWith("/") ? codeSource.substring(0, codeSource.length() - 1) : codeSource;
        String file = path.substring(path.lastIndexOf('/') + 1);
        return moduleName().map(name -> name + "@" + file).orElse(file);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CodeIdentity that
                && loader == that.loader
                && module.equals(that.module)
                && codeSource.equals(that.codeSource);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * System.identityHashCode(loader) + module.hashCode()) + codeSource.hashCode();
    }

    @Override
    public String toString() {
        return label();
    }
}
