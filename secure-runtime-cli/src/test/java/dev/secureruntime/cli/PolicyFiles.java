package dev.secureruntime.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** Policies in a folder, for the commands to read. */
record PolicyFiles(Path folder) {

    String write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text).toString();
    }

    /** A component {@code chat} with rules of each kind, and a secret. */
    String chat() throws IOException {
        return write(
                "policy.json",
                """
                {"version": 1, "components": {"chat": {
                  "egress": {"allow": ["api.openai.com", {"host": "*.anthropic.com", "methods": ["POST"], "paths": ["/v1/**"]},
                                       {"cidr": "127.0.0.0/8", "ports": [8080], "schemes": ["http"]},
                                       {"host": "localhost", "ports": [8080], "schemes": ["http"]},
                                       {"host": "localhost", "ports": [9090]}],
                             "deny": [{"category": "dynamic-dns"}]},
                  "secrets": ["key"]}},
                 "secrets": {"key": {"source": {"env": "KEY"}, "attach": {"hosts": ["api.openai.com"], "as": "bearer"}}}}
                """);
    }

    /** Budgets, and four grants: for a host, for cloud metadata and for loopback, now; and one that is over. */
    String emergency() throws IOException {
        Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        String span = "\"person\": \"jane.doe\", \"reason\": \"INC-1\", \"from\": \"" + now.minusSeconds(60)
                + "\", \"until\": \"" + now.plusSeconds(3600) + "\"}";
        return write(
                "emergency.json",
                """
                {"version": 1, "components": {"chat": {"egress": {
                  "allow": ["api.openai.com", {"host": "localhost", "ports": [9090]}],
                  "budgets": [{"host": "api.openai.com", "bytes": 1000, "window": "PT1H"},
                              {"host": "*.example", "bytes": 5, "window": "P1D"}, {"bytes": 7, "window": "PT1M"}]}}},
                 "breakGlass": [
                  {"component": "chat", "host": "db.example", SPAN,
                  {"component": "chat", "address": "169.254.169.254", "port": 80, "scheme": "http", SPAN,
                  {"component": "chat", "address": "127.0.0.1", "port": 9090, SPAN,
                  {"component": "chat", "address": "::1", "port": 9090, SPAN,
                  {"component": "chat", "host": "old.example", "person": "jane.doe", "reason": "INC-0",
                   "from": "2020-01-01T00:00:00Z", "until": "2020-01-01T01:00:00Z"}]}
                """
                        .replace("SPAN", span));
    }
}
