package dev.secureruntime.cli;

import dev.secureruntime.audit.ContentSettings;
import dev.secureruntime.core.audit.ContentDisclosures;
import dev.secureruntime.core.audit.Disclosure;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Discloses one field of one record. */
@Command(
        name = "disclose",
        description = {
            "Proves the value of one content field to someone who has the log key, but neither the log nor the store.",
            "The disclosure holds the record, its proof, the salt and the value; of other fields it shows nothing but hashes.",
            ""
        },
        exitCodeOnExecutionException = 2,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:the disclosure was written",
            "1:the log was tampered with",
            "2:the value was erased or never kept, or a file can't be read or written; the message begins with a code",
            "3:wrong usage, or no signed record has that index and field"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  secure-runtime audit disclose ./audit 612 http.request.body --store ./audit.content --out 612.disclosure",
            "  secure-runtime audit check-disclosure 612.disclosure --key audit.pin"
        })
final class AuditDiscloseCommand implements Callable<Integer> {

    private static final int TAMPERED = 1;
    private static final int UNAVAILABLE = 2;

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(index = "0", paramLabel = "DIR", description = "The log's directory.")
    private Path directory = Path.of("");

    @Parameters(index = "1", paramLabel = "INDEX", description = "The record's index.")
    private long index;

    @Parameters(
            index = "2",
            paramLabel = "FIELD",
            description = "The name of the field, as it stands under commitments.")
    private String field = "";

    @Mixin
    private ContentOptions content = new ContentOptions();

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "Where to write the disclosure; otherwise to standard output.")
    private @Nullable Path file;

    @Override
    public Integer call() throws IOException {
        Arguments arguments = new Arguments(spec);
        arguments.requireDirectory(directory);
        ContentSettings settings = content.settings(arguments);
        if (file != null) {
            arguments.requireOutput(
                    "--out",
                    file,
                    directory,
                    settings.wrappingKey().map(Path::toString).stream().toList());
        }
        try {
            Disclosure disclosure = ContentDisclosures.make(directory, index, field, settings);
            if (file == null) {
                arguments.out().print(new String(disclosure.bytes(), StandardCharsets.UTF_8));
            } else {
                Files.write(file, disclosure.bytes());
            }
            return 0;
        } catch (IllegalArgumentException e) {
            throw arguments.usage(String.valueOf(e.getMessage()));
        } catch (SecureRuntimeException e) {
            arguments.err().println(e.getMessage());
            return e.code() == ErrorCode.AUDIT_LOG_INCONSISTENT ? TAMPERED : UNAVAILABLE;
        }
    }
}
