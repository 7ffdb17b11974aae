package dev.secureruntime.samples.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditLog;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.GZIPInputStream;

/** Imports recorded tool-call sessions of real agents as audit records: names, sizes and provenance, no content. */
final class ToolCallImport {

    private static final Map<String, String> PROVENANCE =
            Map.of("U", "user", "T", "tool_output", "M", "model", "E", "empty");

    private ToolCallImport() {}

    /** What was imported. */
    record Imported(int sessions, int calls) {}

    static Imported into(AuditLog audit) throws IOException {
        ObjectMapper json = new ObjectMapper();
        int sessions = 0;
        int calls = 0;
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                new GZIPInputStream(Objects.requireNonNull(
                        ToolCallImport.class.getResourceAsStream("/toolcalls/sessions.jsonl.gz"))),
                StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode session = json.readTree(line);
                sessions++;
                for (JsonNode call : session.path("calls")) {
                    audit.append(event(session, call));
                    calls++;
                }
            }
        }
        return new Imported(sessions, calls);
    }

    private static AuditEvent event(JsonNode session, JsonNode call) {
        List<String> names = new ArrayList<>();
        List<String> provenance = new ArrayList<>();
        long length = 0;
        for (Map.Entry<String, JsonNode> argument : call.path("a").properties()) {
            names.add(argument.getKey());
            provenance.add(PROVENANCE.getOrDefault(argument.getValue().path("p").asText(), "unknown"));
            length += argument.getValue().path("l").asLong();
        }
        return AuditEvent.of("tool.call")
                .attribute("gen_ai.operation.name", "execute_tool")
                .attribute("gen_ai.tool.name", call.path("t").asText())
                .attribute("gen_ai.conversation.id", session.path("id").asText())
                .attribute("gen_ai.request.model", session.path("pipeline").asText())
                .attribute("secure_runtime.workflow", session.path("user_task").asText())
                .attribute("secure_runtime.tool.arguments", names)
                .attribute("secure_runtime.tool.arguments_provenance", provenance)
                .attribute("secure_runtime.tool.arguments_length", length)
                .attribute("secure_runtime.tool.output_length", call.path("ol").asLong())
                .build();
    }
}
