package dev.secureruntime.cli;

import dev.secureruntime.audit.Attribute;
import dev.secureruntime.core.audit.AuditRecords;
import dev.secureruntime.core.audit.format.StoredRecord;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows records. */
@Command(
        name = "show",
        description = {
            "Shows records of an audit log, by index or by what they say. It verifies nothing: see 'audit verify'.",
            ""
        },
        exitCodeOnExecutionException = 2,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:the records were shown, be it none", "2:the log can't be read that far", "3:wrong usage"},
        footerHeading = "%nExamples:%n",
        footer = {
            "  secure-runtime audit show ./audit 612",
            "  secure-runtime audit show ./audit --from 600 --type egress.call --component chat",
            "  secure-runtime audit show ./audit 612 --json > record.json",
            "",
            "With --json each line has the record's stored bytes, which is what proofs are about."
        })
final class AuditShowCommand implements Callable<Integer> {

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(index = "0", paramLabel = "DIR", description = "The log's directory.")
    private Path directory = Path.of("");

    @Parameters(index = "1", arity = "0..1", paramLabel = "INDEX", description = "The record to show.")
    private @Nullable Long index;

    @Option(names = "--from", paramLabel = "N", description = "The first index to show.")
    private @Nullable Long from;

    @Option(names = "--to", paramLabel = "N", description = "The last index to show.")
    private @Nullable Long to;

    @Option(names = "--type", paramLabel = "T", description = "Show records of this type only.")
    private @Nullable String type;

    @Option(names = "--component", paramLabel = "C", description = "Show records of this component only.")
    private @Nullable String component;

    @Option(names = "--json", description = "Print the stored lines.")
    private boolean json;

    @Override
    public Integer call() {
        Arguments arguments = new Arguments(spec);
        arguments.requireDirectory(directory);
        if (Files.notExists(directory.resolve("segments")) && Files.notExists(directory.resolve("log.json"))) {
            throw arguments.usage(directory + " holds no log");
        }
        if (index != null && (from != null || to != null)) {
            throw arguments.usage("INDEX and --from or --to exclude each other");
        }
        long first = index != null ? index : from != null ? from : 0;
        long last = index != null ? index : to != null ? to : Long.MAX_VALUE;
        if (first < 0 || last < first) {
            throw arguments.usage("expected an index, or 0 <= N of --from <= N of --to");
        }
        PrintWriter out = arguments.out();
        boolean[] found = new boolean[1];
        try {
            AuditRecords.read(directory, first, last, (record, line) -> {
                found[0] = true;
                if (isWanted(record)) {
                    // Not println: the record's line feed is one byte everywhere.
                    out.print((json ? line : words(record)) + "\n");
                }
            });
        } catch (IllegalArgumentException e) {
            out.flush();
            arguments.err().println(SecureRuntimeCommand.error(e));
            return 2;
        }
        if (index != null && !found[0]) {
            throw arguments.usage("the log has no record " + index);
        }
        return 0;
    }

    private boolean isWanted(StoredRecord record) {
        return (type == null || type.equals(record.type()))
                && (component == null || component.equals(record.component().orElse(null)));
    }

    /** One line for the record, and one for each thing that it says; no text of the record makes a line of its own. */
    private static String words(StoredRecord record) {
        StringBuilder text = new StringBuilder();
        text.append('#')
                .append(record.seq())
                .append("  ")
                .append(record.time())
                .append("  ")
                .append(record.type());
        record.component().ifPresent(name -> text.append("  ").append(VerdictText.printable(name)));
        for (Map.Entry<String, Attribute> entry : record.attributes().entrySet()) {
            text.append("\n  ").append(VerdictText.printable(entry.getKey() + " = " + value(entry.getValue())));
        }
        record.commitments().forEach((name, commitment) -> text.append("\n  ")
                .append(VerdictText.printable(name))
                .append(" : ")
                .append(commitment.bytes())
                .append(" bytes, committed as ")
                .append(commitment.sha256()));
        return text.toString();
    }

    private static String value(Attribute attribute) {
        if (attribute instanceof Attribute.Text text) {
            return text.value();
        } else if (attribute instanceof Attribute.Whole whole) {
            return Long.toString(whole.value());
        } else if (attribute instanceof Attribute.Decimal decimal) {
            return Double.toString(decimal.value());
        } else if (attribute instanceof Attribute.Flag flag) {
            return Boolean.toString(flag.value());
        } else if (attribute instanceof Attribute.Texts texts) {
            return String.join(", ", texts.values());
        }
        throw new IllegalStateException("an attribute of a kind that is not known");
    }
}
