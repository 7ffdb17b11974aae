package dev.secureruntime.cli;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.ContentSettings;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.core.audit.ContentSweep;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Erases a subject's content. */
@Command(
        name = "erase",
        description = {
            "Destroys the key of a subject's content, records that, and removes what can't be decrypted any more.",
            "No record of the log is changed, and every proof still holds. Copies of the store that were made before, with",
            "their keys, are not reached. The log must not be open in another process; there, call erase of its AuditLog.",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:the key is destroyed, and a content.erased record is durable",
            "2:log or store can't be opened or written; the message begins with a code",
            "3:wrong usage"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  secure-runtime audit erase ./audit user-4711 --signer ./keys/audit.signer --store ./audit.content",
            "  secure-runtime audit erase ./audit component/chat --signer ./keys/audit.signer --store ./audit.content"
        })
final class AuditEraseCommand implements Callable<Integer> {

    private static final int UNWRITABLE = 2;

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(index = "0", paramLabel = "DIR", description = "The log's directory.")
    private Path directory = Path.of("");

    @Parameters(
            index = "1",
            paramLabel = "SUBJECT",
            description = "The subject as it was given with the content; component/NAME for what had none.")
    private String subject = "";

    @Option(
            names = "--signer",
            paramLabel = "FILE",
            required = true,
            description = "The file of the signing keys, outside DIR.")
    private Path signer = Path.of("");

    @Mixin
    private ContentOptions content = new ContentOptions();

    @Override
    public Integer call() {
        Arguments arguments = new Arguments(spec);
        arguments.requireDirectory(directory);
        if (!Files.isRegularFile(signer)) {
            throw arguments.usage("--signer: " + signer + " is no file");
        }
        if (!Files.exists(directory.resolve("log.json"))) {
            throw arguments.usage(directory + " holds no log");
        }
        ContentSettings store = content.settings(arguments);
        if (!Files.exists(store.store().resolve("store"))) {
            // Opening would make an empty store, and record an erasure that reached nothing.
            throw arguments.usage("--store: " + store.store() + " is no content store");
        }
        try {
            AuditSettings settings = AuditSettings.in(directory).signer(signer).content(store);
            Receipt receipt;
            try (HashChainedAuditLog log = HashChainedAuditLog.open(settings, Clock.systemUTC())) {
                receipt = log.erase(subject);
            }
            // Said before the sweep: when that fails, the key is destroyed all the same.
            arguments.out().print("erased, record " + receipt.index() + "; ");
            arguments.out().flush();
            ContentSweep.Swept swept = sweep(arguments, store);
            arguments
                    .out()
                    .println("removed " + swept.erased() + " erased and " + swept.orphaned() + " orphaned values, "
                            + swept.kept() + " stay");
            if (swept.erased() == 0) {
                arguments.err().println("note: no stored value belonged to this subject; check how it is written");
            }
            return 0;
        } catch (IllegalArgumentException e) {
            throw arguments.usage(String.valueOf(e.getMessage()));
        } catch (SecureRuntimeException e) {
            arguments.err().println(e.getMessage());
            return SecureRuntimeCommand.exitCode(e, UNWRITABLE);
        }
    }

    private ContentSweep.Swept sweep(Arguments arguments, ContentSettings store) {
        try {
            return ContentSweep.run(directory, store);
        } catch (SecureRuntimeException | UncheckedIOException e) {
            arguments.out().println("values that can't be decrypted any more were not removed");
            throw e;
        }
    }
}
