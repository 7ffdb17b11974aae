package dev.secureruntime.core.audit;

import dev.secureruntime.audit.LogKey;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A log key that another program signs with: the text on its standard input, the 64 bytes of the signature on its standard
 * output, and 0 as exit code. So a key in a PKCS#11 device works with any JDK, through OpenSC's {@code pkcs11-tool}:
 *
 * <pre>{@code
 *   CommandLogKey.of(publicKey, Path.of("/usr/bin/pkcs11-tool"), List.of(
 *           "--module", module, "--token-label", "audit", "--login", "--pin", "env:PIN",
 *           "--sign", "--mechanism", "EDDSA", "--id", "01", "--input-file", "/dev/stdin", "--output-file", "/dev/stdout"),
 *           Map.of("PIN", pin));
 * }</pre>
 *
 * <p>What holds: the private key is never in this process; what the program says is on no log and in no exception. What does
 * not: the program's arguments can be seen by every user of the machine, and its environment by the same user; give a PIN in
 * the environment or in a file that the program reads, never as an argument. The program must be one that others can't
 * replace.
 *
 * <p>Thread-safe. It fails when the program ends with another code, and ends the program when it is interrupted, as the log
 * does after its patience. A signature costs the start of a process.
 */
public final class CommandLogKey implements LogKey {

    private static final int SIGNATURE_BYTES = 64;

    private final byte[] publicKey;
    private final List<String> command;
    private final Map<String, String> environment;

    private CommandLogKey(byte[] publicKey, List<String> command, Map<String, String> environment) {
        this.publicKey = publicKey;
        this.command = command;
        this.environment = environment;
    }

    /**
     * A key that {@code program} signs with.
     *
     * @param publicKey the 32 bytes of the public key
     * @param program an absolute path: a name would be looked up in a PATH that others may change
     * @param environment what is added to this process's environment
     */
    public static CommandLogKey of(
            byte[] publicKey, Path program, List<String> arguments, Map<String, String> environment) {
        if (!program.isAbsolute()) {
            throw new IllegalArgumentException("expected the absolute path of a program, not " + program);
        }
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(arguments);
        return new CommandLogKey(publicKey.clone(), List.copyOf(command), Map.copyOf(environment));
    }

    @Override
    public byte[] publicKey() {
        return publicKey.clone();
    }

    @Override
    public byte[] sign(byte[] text) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().putAll(environment);
        Process process = builder.start();
        try {
            try (var input = process.getOutputStream()) {
                input.write(text);
            }
            // Waited for first: a read of the pipe can't be interrupted, and a signature fits into any pipe.
            int code = process.waitFor();
            byte[] signature = process.getInputStream().readNBytes(SIGNATURE_BYTES + 1);
            if (code != 0) {
                throw new IOException(command.get(0) + " ended with exit code " + code);
            }
            return signature;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException(command.get(0) + " was ended: it took too long");
        } finally {
            process.destroyForcibly();
        }
    }

    @Override
    public String toString() {
        return "log key of " + command.get(0);
    }
}
