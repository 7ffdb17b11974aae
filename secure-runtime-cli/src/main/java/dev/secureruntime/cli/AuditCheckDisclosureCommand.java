package dev.secureruntime.cli;

import dev.secureruntime.core.audit.Disclosure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Checks a disclosure without the log. */
@Command(
        name = "check-disclosure",
        description = {
            "Checks a disclosure with the log key alone: neither the log nor its content store is needed.",
            ""
        },
        exitCodeOnExecutionException = 3,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:proved: the log key signed a tree with this record, and the record commits to this value",
            "1:refuted: value, record, proof or signature doesn't fit",
            "2:inconclusive: no key was given",
            "3:wrong usage, or a file can't be read or written"
        },
        footerHeading = "%nExample:%n",
        footer = "  secure-runtime audit check-disclosure 612.disclosure --key audit.pin --value 612.prompt")
final class AuditCheckDisclosureCommand implements Callable<Integer> {

    private static final int REFUTED = 1;
    private static final int INCONCLUSIVE = 2;

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "The file of the disclosure.")
    private Path file = Path.of("");

    @Option(
            names = "--key",
            paramLabel = "VKEY|FILE",
            description = "The log's verifier key, or a file whose first line it is.")
    private @Nullable String key;

    @Option(names = "--value", paramLabel = "FILE", description = "Write the value here when it is proved.")
    private @Nullable Path value;

    @Override
    public Integer call() throws IOException {
        Arguments arguments = new Arguments(spec);
        byte[] text = arguments.content(file, Disclosure.MAX_BYTES);
        if (value != null) {
            arguments.requireOutput(
                    "--value", value, null, key == null ? List.of(file.toString()) : List.of(file.toString(), key));
        }
        if (key == null) {
            arguments.out().println("INCONCLUSIVE  no key was given");
            return INCONCLUSIVE;
        }
        List<String> keys = arguments.keys(key);
        if (keys.isEmpty()) {
            throw arguments.usage("--key: expected a verifier key");
        }
        Disclosure.Result result;
        try {
            result = Disclosure.check(text, keys.get(0));
        } catch (IllegalArgumentException e) {
            throw arguments.usage("--key: " + e.getMessage());
        }
        if (result instanceof Disclosure.Result.Refuted refuted) {
            arguments.out().println("TAMPERED  " + VerdictText.printable(refuted.reason()));
            return REFUTED;
        }
        Disclosure.Result.Proved proved = (Disclosure.Result.Proved) result;
        Disclosure disclosure = proved.disclosure();
        if (value != null) {
            Files.write(value, disclosure.value());
        }
        arguments
                .out()
                .println("INTACT  field " + disclosure.field() + " of record " + Long.toUnsignedString(proved.index())
                        + " has this value of "
                        + disclosure.value().length + " bytes; the log was at size "
                        + Long.toUnsignedString(proved.size())
                        + "; the epoch key's signature can only be checked with the log");
        return 0;
    }
}
