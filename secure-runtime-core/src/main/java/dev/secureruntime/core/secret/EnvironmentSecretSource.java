package dev.secureruntime.core.secret;

import dev.secureruntime.secret.SecretSource;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * An environment variable, as UTF-8.
 *
 * <p>Security: the weakest source. Every library in the process, every child process and {@code /proc/self/environ} can
 * read the variable too, and the JVM keeps it as a {@code String} that can't be overwritten. Prefer a file.
 *
 * <p>Thread-safe. Fails with {@link IOException}, naming the variable, when it is not set.
 */
public final class EnvironmentSecretSource implements SecretSource {

    private final String variable;

    /** A source that reads {@code variable}. */
    public EnvironmentSecretSource(String variable) {
        this.variable = variable;
    }

    @Override
    public byte[] read() throws IOException {
        String value = System.getenv(variable);
        if (value == null) {
            throw new IOException("environment variable " + variable + " is not set");
        }
        return value.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return "environment variable " + variable;
    }
}
