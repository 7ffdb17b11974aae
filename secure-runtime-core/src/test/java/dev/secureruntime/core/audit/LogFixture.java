package dev.secureruntime.core.audit;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.VerificationResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A log on disk that a test writes, copies, damages and verifies. */
final class LogFixture {

    private LogFixture() {}

    /** Checkpoints only on demand and on close, so that a test knows where they are. */
    static AuditSettings settings(Path home) {
        return AuditSettings.in(home.resolve("log"))
                .signer(home.resolve("keys").resolve("signer"))
                .name("test")
                .checkpointEvery(Duration.ofHours(1), Integer.MAX_VALUE);
    }

    static HashChainedAuditLog open(AuditSettings settings) {
        return HashChainedAuditLog.open(settings, Clock.systemUTC());
    }

    static AuditEvent event(int number) {
        return AuditEvent.of("test.event")
                .component("component")
                .attribute("number", number)
                .attribute("text", "value " + number)
                .build();
    }

    static void append(HashChainedAuditLog log, int records) {
        for (int i = 0; i < records; i++) {
            log.append(event(i));
        }
    }

    /** Three segments or more, three runs, some ten checkpoints, some seventy records; returns the keys to pin. */
    static List<String> large(Path home) {
        List<String> keys = List.of();
        for (int run = 0; run < 3; run++) {
            try (HashChainedAuditLog log = open(settings(home).segmentBytes(4_000))) {
                keys = log.verifierKeys();
                append(log, 10);
                log.checkpoint();
                append(log, 10);
            }
        }
        return keys;
    }

    static VerificationResult verify(Path home, List<String> keys) {
        return AuditLogVerifier.withKeys(keys).verify(home.resolve("log"));
    }

    static Path log(Path home) {
        return home.resolve("log");
    }

    static List<Path> segments(Path home) {
        try (Stream<Path> files = Files.list(log(home).resolve("segments"))) {
            return files.filter(file -> file.toString().endsWith(".jsonl"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The lines of a segment, without line feeds. */
    static List<String> lines(Path segment) {
        return new ArrayList<>(read(segment).lines().toList());
    }

    static List<String> records(Path home) {
        return segments(home).stream()
                .flatMap(segment -> lines(segment).stream())
                .toList();
    }

    static void writeLines(Path segment, List<String> lines) {
        write(segment, String.join("\n", lines) + "\n");
    }

    static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void write(Path file, String content) {
        try {
            Files.writeString(file, content, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void copy(Path from, Path to) {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(
                        file,
                        to.resolve(from.relativize(file).toString()),
                        java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void delete(Path file) {
        try {
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
