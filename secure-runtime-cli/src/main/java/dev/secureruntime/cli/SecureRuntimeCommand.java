package dev.secureruntime.cli;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ScopeType;

/**
 * The {@code secure-runtime} command: audit logs and policies from the command line.
 *
 * <p>Each command says in its help which exit codes it has; 3 is always wrong usage. Errors go to standard error, with a
 * code where one exists.
 */
@Command(
        name = "secure-runtime",
        description = "Writes and checks the audit log, and says what a policy lets through.",
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        versionProvider = SecureRuntimeCommand.Version.class,
        subcommands = {AuditCommand.class, EgressCommand.class, PolicyCommand.class})
public final class SecureRuntimeCommand {

    /** Wrong usage, for every command. */
    static final int USAGE = 3;

    private SecureRuntimeCommand() {}

    /** Runs the command and ends the virtual machine with its exit code. */
    public static void main(String[] arguments) {
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
        System.exit(run(out, err, arguments));
    }

    /** Runs the command; the exit code. */
    static int run(PrintWriter out, PrintWriter err, String... arguments) {
        CommandLine command = new CommandLine(new SecureRuntimeCommand());
        command.setOut(out).setErr(err).setExitCodeExceptionMapper(e -> USAGE);
        command.setParameterExceptionHandler((e, given) -> {
            CommandLine at = e.getCommandLine();
            at.getErr().println(e.getMessage());
            CommandLine.UnmatchedArgumentException.printSuggestions(e, at.getErr());
            at.getErr().println("Try '" + at.getCommandSpec().qualifiedName() + " --help'.");
            return USAGE;
        });
        command.setExecutionExceptionHandler((e, at, parsed) -> {
            String message = e instanceof SecureRuntimeException ? e.getMessage() : e.toString();
            at.getErr().println("error: " + message);
            return at.getCommandSpec().exitCodeOnExecutionException();
        });
        int code = command.execute(arguments);
        out.flush();
        err.flush();
        return code;
    }

    /** The exit code of an error: wrong usage where the command was given something that can't work. */
    static int exitCode(SecureRuntimeException error, int otherwise) {
        return error.code() == ErrorCode.RUNTIME_MISCONFIGURED ? USAGE : otherwise;
    }

    /** The version that the jar's manifest names. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = SecureRuntimeCommand.class.getPackage().getImplementationVersion();
            return new String[] {"secure-runtime " + (version == null ? "(unpackaged)" : version)};
        }
    }
}
