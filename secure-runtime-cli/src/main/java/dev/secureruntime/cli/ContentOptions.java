package dev.secureruntime.cli;

import dev.secureruntime.audit.ContentSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a command finds the content store. */
final class ContentOptions {

    @Option(names = "--store", paramLabel = "S", required = true, description = "The content store's directory.")
    private Path store = Path.of("");

    @Option(
            names = "--wrapping-key",
            paramLabel = "FILE",
            description = "The file of the key that the store's keys are encrypted with, where there is one.")
    private @Nullable Path wrappingKey;

    ContentSettings settings(Arguments arguments) {
        arguments.requireDirectory(store);
        ContentSettings settings = ContentSettings.in(store);
        if (wrappingKey == null) {
            return settings;
        }
        if (!Files.isRegularFile(wrappingKey)) {
            throw arguments.usage("--wrapping-key: " + wrappingKey
                    + " is no file; name the one that the store's keys were encrypted with");
        }
        return settings.wrappingKey(wrappingKey);
    }
}
