package dev.secureruntime.cli;

import dev.secureruntime.core.audit.AuditLogVerifier;
import dev.secureruntime.core.audit.AuditTiles;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Exports a log as tiles. */
@Command(
        name = "tiles",
        description = {
            "Exports a log in the form of C2SP tlog-tiles: checkpoint, tile/<L>/<N>, tile/entries/<N>.",
            "The log is verified first, and refused when it was tampered with. A second export writes what is new.",
            "The export holds every record in full.",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:the tiles are there, up to the newest checkpoint",
            "1:the log was tampered with, or is not the one whose tiles are there",
            "2:a file can't be read or written",
            "3:wrong usage, or records were removed under retention, or none is signed yet"
        },
        footerHeading = "%nExample:%n",
        footer = "  secure-runtime audit tiles ./audit --out ./public --key audit.pin")
final class AuditTilesCommand implements Callable<Integer> {

    private static final int REFUSED = 1;
    private static final int UNREADABLE = 2;

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "DIR", description = "The log's directory.")
    private Path directory = Path.of("");

    @Option(names = "--out", paramLabel = "OUT", required = true, description = "The directory of the tiles.")
    private Path out = Path.of("");

    @Option(
            names = "--key",
            paramLabel = "VKEY|FILE",
            description = "The verifier keys that the log must be signed with, as for 'audit verify'.")
    private @Nullable String key;

    @Option(names = "--verify", description = "Also compare the tiles of earlier exports with the log.")
    private boolean verify;

    @Override
    public Integer call() {
        Arguments arguments = new Arguments(spec);
        arguments.requireDirectory(directory);
        if (!Files.exists(directory.resolve("segments")) && !Files.exists(directory.resolve("log.json"))) {
            throw arguments.usage(directory + " holds no log");
        }
        arguments.requireOutsideLogs("--out", out, directory);
        try {
            AuditLogVerifier verifier =
                    key == null ? AuditLogVerifier.withoutKeys() : AuditLogVerifier.withKeys(arguments.keys(key));
            AuditTiles.Existing existing = verify ? AuditTiles.Existing.COMPARED : AuditTiles.Existing.TRUSTED;
            AuditTiles.Exported exported = AuditTiles.export(directory, out, verifier, existing);
            arguments
                    .out()
                    .println("exported " + exported.size() + " records, " + exported.written() + " tiles written");
            return 0;
        } catch (IllegalArgumentException e) {
            throw arguments.usage(String.valueOf(e.getMessage()));
        } catch (SecureRuntimeException e) {
            arguments.err().println(e.getMessage());
            return REFUSED;
        } catch (IOException e) {
            arguments.err().println(SecureRuntimeCommand.error(e));
            return UNREADABLE;
        }
    }
}
