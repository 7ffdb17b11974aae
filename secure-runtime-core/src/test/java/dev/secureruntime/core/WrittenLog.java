package dev.secureruntime.core;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What an audit log's directory holds on disk. A log that is still open may hold more than that. */
public record WrittenLog(Path directory) {

    private static final ObjectMapper JSON = new ObjectMapper();

    /** Every record, in order. */
    public List<JsonNode> records() throws IOException {
        List<JsonNode> all = new ArrayList<>();
        try (Stream<Path> segments = Files.list(directory.resolve("segments"))) {
            for (Path segment : segments.sorted().toList()) {
                for (String line : Files.readAllLines(segment)) {
                    all.add(JSON.readTree(line));
                }
            }
        }
        return all;
    }

    /** The records of a type, in order. */
    public List<JsonNode> records(String type) throws IOException {
        return records().stream()
                .filter(record -> record.path("type").asText().equals(type))
                .toList();
    }

    /** Every file's bytes, as text: what a test for leaks searches. */
    public String everything() throws IOException {
        StringBuilder text = new StringBuilder();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                text.append(Files.readString(file, StandardCharsets.ISO_8859_1));
            }
        }
        return text.toString();
    }
}
