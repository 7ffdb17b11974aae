package dev.secureruntime.core.audit;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.ContentSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A log with a content store beside it. */
final class ContentFixture {

    private ContentFixture() {}

    static ContentSettings store(Path home) {
        return ContentSettings.in(home.resolve("store"));
    }

    static AuditSettings settings(Path home) {
        return LogFixture.settings(home).content(store(home));
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static AuditEvent prompt(String subject, String value) {
        return AuditEvent.of("model.call")
                .component("chat")
                .content(subject, "prompt", utf8(value))
                .build();
    }

    /** One record for each value, at the indexes 1, 2, ... of a new log; returns the keys to pin. */
    static List<String> write(Path home, String subject, String... values) {
        try (HashChainedAuditLog log = LogFixture.open(settings(home))) {
            for (String value : values) {
                log.append(prompt(subject, value));
            }
            return log.verifierKeys();
        }
    }

    static String disclosed(Path home, long index) {
        Disclosure disclosure = ContentDisclosures.make(LogFixture.log(home), index, "prompt", store(home));
        return new String(disclosure.value(), StandardCharsets.UTF_8);
    }

    static List<Path> sealedFiles(Path home) {
        try {
            return ContentFiles.all(home.resolve("store").resolve("content"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Everything in a directory, as text: what a leak test greps. */
    static String everything(Path directory) {
        StringBuilder text = new StringBuilder();
        try (var files = Files.walk(directory)) {
            files.filter(Files::isRegularFile).forEach(file -> text.append(LogFixture.read(file)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }
}
