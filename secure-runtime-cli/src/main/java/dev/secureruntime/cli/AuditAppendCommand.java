package dev.secureruntime.cli;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.audit.FileAnchor;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import dev.secureruntime.core.audit.TimestampAnchor;
import dev.secureruntime.core.audit.WitnessAnchor;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Appends what stands on standard input. */
@Command(
        name = "append",
        description = {
            "Appends JSON lines from standard input to an audit log, and seals it.",
            "Each line:"
                    + " {\"type\":\"tool.call\",\"component\":\"chat\",\"attributes\":{\"gen_ai.tool.name\":\"search\"}}",
            "Attributes are texts, numbers, true, false, or lists of texts. Types that begin with \"log.\" are the"
                    + " log's own.",
            "Where there is no log, one is created, with its keys in the signer file. The last line of output says:",
            "appended N records, log size M",
            ""
        },
        exitCodeOnExecutionException = 2,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:every line was appended and is under a signed checkpoint",
            "1:a line is bad: its number is named, nothing of it was written, the lines before it stay",
            "2:the log can't be opened or written; the message begins with a code",
            "3:wrong usage"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  secure-runtime audit append ./audit --signer ./keys/audit.signer --pin ./audit.pin < events.jsonl",
            "",
            "Keep the signer where a thief of DIR can't reach it, and the pin file with whoever verifies."
        })
final class AuditAppendCommand implements Callable<Integer> {

    private static final int BAD_LINE = 1;
    private static final int UNWRITABLE = 2;

    /** Escapes make a line at most six times as long as its record; the rest is white space. */
    static final int MAX_LINE = 8 * 65_535;

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "DIR", description = "The log's directory.")
    private Path directory = Path.of("");

    @Option(
            names = "--signer",
            paramLabel = "FILE",
            required = true,
            description = "The file of the signing keys, outside DIR.")
    private Path signer = Path.of("");

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "What a new log's origin starts with (default: ${DEFAULT-VALUE}).",
            defaultValue = "secure-runtime")
    private String name = "";

    @Option(
            names = "--pin",
            paramLabel = "FILE",
            description =
                    "Write the verifier keys to pin: line 1 the log key, line 2 the first epoch key, line 3 the ML-DSA key.")
    private @Nullable Path pin;

    @Option(
            names = "--post-quantum",
            description = "Give a new log an ML-DSA-44 signature too; its key is the third line to pin.")
    private boolean postQuantum;

    private long taken;

    @Option(
            names = "--anchor-file",
            paramLabel = "FILE",
            description = "Keep checkpoints in this file too, on another disk or mount; for 'audit verify --anchor'.")
    private @Nullable Path anchorFile;

    @Option(
            names = "--witness",
            arity = "2",
            paramLabel = "URL VKEY|FILE",
            hideParamSyntax = true,
            description =
                    "Have checkpoints cosigned by a witness (C2SP tlog-witness): its submission prefix and its key.")
    private List<String> witness = List.of();

    @Option(
            names = "--tsa",
            arity = "2",
            paramLabel = "URL CERT.pem",
            hideParamSyntax = true,
            description = "Have checkpoints time-stamped (RFC 3161): the authority's address and its or its CA's"
                    + " certificate.")
    private List<String> authority = List.of();

    private AuditSettings settings(Arguments arguments) {
        AuditSettings settings = AuditSettings.in(directory).signer(signer).name(name);
        if (postQuantum) {
            settings = settings.postQuantum();
        }
        if (anchorFile != null) {
            settings = settings.anchor("file", FileAnchor.at(anchorFile));
        }
        try {
            if (!witness.isEmpty()) {
                String key = arguments.witnesses("--witness", witness.get(1)).get(0);
                settings = settings.anchor("witness", WitnessAnchor.at(URI.create(witness.get(0)), key));
            }
            if (!authority.isEmpty()) {
                var certificates = arguments.certificates("--tsa", List.of(Path.of(authority.get(1))));
                settings = settings.anchor("tsa", TimestampAnchor.at(URI.create(authority.get(0)), certificates));
            }
        } catch (IllegalArgumentException e) {
            throw arguments.usage(String.valueOf(e.getMessage()));
        }
        return settings;
    }

    @Override
    public Integer call() {
        CommandSpec command = Objects.requireNonNull(spec, "picocli sets the specification");
        PrintWriter err = command.commandLine().getErr();
        Arguments arguments = new Arguments(spec);
        if (pin != null) {
            arguments.requireOutput("--pin", pin, directory, List.of(signer.toString()));
        }
        try {
            HashChainedAuditLog log = HashChainedAuditLog.open(settings(arguments), Clock.systemUTC());
            Outcome outcome;
            try (log) {
                if (pin != null) {
                    // Not sooner: it may be the signer that was just made.
                    arguments.requireReplaceableKeys("--pin", pin);
                    Files.writeString(pin, String.join("\n", log.verifierKeys()) + "\n");
                }
                outcome = append(log);
            }
            if (outcome.problem() != null) {
                err.println("line " + (outcome.appended() + 1) + ": " + outcome.problem());
            }
            command.commandLine()
                    .getOut()
                    .println("appended " + outcome.appended() + " records, log size " + log.size());
            return outcome.problem() == null ? 0 : BAD_LINE;
        } catch (SecureRuntimeException e) {
            err.println(e.getMessage());
            if (taken > 0) {
                err.println("of the " + taken
                        + " lines before, those that are whole in the log stay there: look with 'audit"
                        + " show' before you append them again");
            }
            return SecureRuntimeCommand.exitCode(e, UNWRITABLE);
        } catch (IOException e) {
            err.println(SecureRuntimeCommand.error(e));
            return UNWRITABLE;
        }
    }

    /** What an import came to: the lines that were appended, and what is wrong with the next one, if anything. */
    private record Outcome(long appended, @Nullable String problem) {}

    private Outcome append(HashChainedAuditLog log) throws IOException {
        InputLines lines = new InputLines(System.in, MAX_LINE);
        try {
            while (lines.next()) {
                log.append(EventReader.read(lines.bytes(), lines.length()));
                taken++;
            }
            return new Outcome(taken, null);
        } catch (IllegalArgumentException e) {
            return new Outcome(taken, ErrorCode.AUDIT_RECORD_REJECTED + " " + e.getMessage());
        } catch (SecureRuntimeException e) {
            if (e.code() != ErrorCode.AUDIT_RECORD_REJECTED) {
                throw e;
            }
            return new Outcome(taken, e.getMessage());
        }
    }
}
