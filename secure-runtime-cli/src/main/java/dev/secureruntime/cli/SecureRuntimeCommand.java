package dev.secureruntime.cli;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
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

    private static final int UNUSABLE = 2;

    /** Examples are to be copied: none may be broken in two. */
    private static final int HELP_WIDTH = 124;

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
        command.setExpandAtFiles(
                false); // a URL or a file's name that begins with @ is what it says, not a file of arguments
        command.registerConverter(Path.class, SecureRuntimeCommand::path);
        command.setUsageHelpWidth(HELP_WIDTH).setOut(out).setErr(err).setExitCodeExceptionMapper(e -> USAGE);
        command.setParameterExceptionHandler((e, given) -> {
            CommandLine at = e.getCommandLine();
            at.getErr().println(ErrorCode.COMMAND_USAGE + " " + e.getMessage());
            CommandLine.UnmatchedArgumentException.printSuggestions(e, at.getErr());
            at.getErr().println("Try '" + at.getCommandSpec().qualifiedName() + " --help'.");
            return USAGE;
        });
        command.setExecutionExceptionHandler((e, at, parsed) -> {
            at.getErr().println(error(e));
            // Never 1, which says that something is wrong with the log, and is picocli's default.
            return Math.max(UNUSABLE, at.getCommandSpec().exitCodeOnExecutionException());
        });
        int code = execute(command, arguments);
        // A print stream keeps its errors to itself: what a script reads may end anywhere, or be empty.
        boolean lost = out.checkError();
        if (lost) {
            err.println("error: " + ErrorCode.COMMAND_FAILED + " the output could not be written as a whole");
        }
        err.flush();
        return lost && code == 0 ? UNUSABLE : code;
    }

    /** An error of the virtual machine, such as want of memory, would end it with 1, which is a verdict on a log. */
    private static int execute(CommandLine command, String... arguments) {
        try {
            return command.execute(arguments);
        } catch (Error e) {
            command.getErr().println("error: " + ErrorCode.COMMAND_FAILED + " " + e);
            return UNUSABLE;
        }
    }

    /** An empty path would be the working directory, where a script only forgot to set a variable. */
    private static Path path(String text) {
        if (text.isEmpty()) {
            throw new CommandLine.TypeConversionException("expected a path, found an empty text");
        }
        return Path.of(text);
    }

    /** An error as it is printed: with a code, and in words where it is about a file. */
    static String error(Exception e) {
        Exception cause =
                e instanceof UncheckedIOException unchecked && unchecked.getCause() != null ? unchecked.getCause() : e;
        return cause instanceof SecureRuntimeException
                ? "error: " + cause.getMessage()
                : "error: " + ErrorCode.COMMAND_FAILED + " " + words(cause);
    }

    private static String words(Exception cause) {
        if (cause instanceof NoSuchFileException missing) {
            return "no such file or directory: " + missing.getFile();
        }
        if (cause instanceof AccessDeniedException denied) {
            return "access denied: " + denied.getFile();
        }
        return cause instanceof IOException ? cause.toString() : String.valueOf(cause.getMessage());
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
