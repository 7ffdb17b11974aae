package dev.secureruntime.cli.report;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.Commitment;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Random;

/** A log as three components would leave it in seven hours, always the same but for its keys. */
final class DemoLog {

    private static final Instant BEGIN = Instant.parse("2026-03-02T07:00:00Z");
    private static final List<String> COMPONENTS = List.of("support-agent", "summariser", "code-review");
    private static final List<String> MODELS =
            List.of("gpt-4.1", "gpt-4.1-mini", "claude-sonnet-4-5", "claude-haiku-4-5");

    private final Random random = new Random(7);
    private Instant now = BEGIN;
    private final Clock clock = new Clock() {
        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneOffset getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(java.time.ZoneId zone) {
            return this;
        }
    };

    private DemoLog() {}

    static AuditSettings settings(Path home) {
        return AuditSettings.in(home.resolve("log"))
                .signer(home.resolve("keys").resolve("signer"))
                .name("example/agent")
                .checkpointEvery(Duration.ofHours(1), Integer.MAX_VALUE);
    }

    /** Writes {@code home/log}, with about {@code calls} calls in three runs; returns the keys to pin. */
    static List<String> write(Path home, int calls) {
        return new DemoLog().runs(settings(home), calls);
    }

    private List<String> runs(AuditSettings settings, int calls) {
        List<String> keys = List.of();
        for (int run = 0; run < 3; run++) {
            try (HashChainedAuditLog log = HashChainedAuditLog.open(settings, clock)) {
                keys = log.verifierKeys();
                log.append(AuditEvent.of("runtime.start")
                        .attribute("secure_runtime.policy.source", "policy.json")
                        .build());
                for (int i = 0; i < calls / 3; i++) {
                    now = now.plusMillis((long) (7 * 3_600_000.0 / calls * 2 * random.nextDouble()));
                    log.append(event());
                    if (i % 40 == 39) {
                        log.checkpoint();
                    }
                }
                log.append(canary());
                log.append(AuditEvent.of("runtime.stop").build());
            }
            now = now.plusSeconds(600);
        }
        return keys;
    }

    private AuditEvent event() {
        String component = COMPONENTS.get(Math.min(2, (int) (random.nextDouble() * random.nextDouble() * 4)));
        int kind = random.nextInt(100);
        if (kind < 4) {
            return AuditEvent.of("secret.open")
                    .component(component)
                    .attribute("secure_runtime.verdict", "allow")
                    .attribute("secure_runtime.action", "allow")
                    .attribute("secure_runtime.secret", kind < 2 ? "openai-api-key" : "anthropic-api-key")
                    .build();
        }
        if (kind < 5) {
            return AuditEvent.of("credential.issued")
                    .component(component)
                    .attribute("secure_runtime.credential.scope", "arn:aws:iam::123456789012:role/reader")
                    .attribute("secure_runtime.credential.id", "ASIAEXAMPLE" + random.nextInt(100))
                    .build();
        }
        boolean incident = Duration.between(BEGIN, now).toMinutes() / 20 == 11;
        return kind < (incident ? 45 : 8) ? denied(component) : call(component, kind);
    }

    private static AuditEvent canary() {
        return AuditEvent.of("secret.canary")
                .component("support-agent")
                .attribute("secure_runtime.action", "block")
                .attribute("secure_runtime.secret", "planted-key")
                .attribute("secure_runtime.found_in", "body")
                .attribute("server.address", "evil.example")
                .attribute("server.port", 443)
                .build();
    }

    private AuditEvent denied(String component) {
        List<String> hosts = List.of("paste.example", "evil.example", "169.254.169.254", "files.example");
        String host = hosts.get(random.nextInt(hosts.size()));
        return AuditEvent.of("egress.call")
                .component(component)
                .attribute("secure_runtime.verdict", "deny")
                .attribute("secure_runtime.action", "block")
                .attribute("http.request.method", "POST")
                .attribute("url.scheme", "https")
                .attribute("server.address", host)
                .attribute("server.port", 443)
                .attribute("error.type", host.startsWith("169") ? "SR-EGRESS-002" : "SR-EGRESS-001")
                .attribute("secure_runtime.reason", host.startsWith("169") ? "special_address" : "host_not_allowed")
                .build();
    }

    private AuditEvent call(String component, int kind) {
        String model = MODELS.get(Math.min(3, (int) (random.nextDouble() * random.nextDouble() * 5)));
        String host = model.startsWith("gpt") ? "api.openai.com" : "api.anthropic.com";
        AuditEvent.Builder event = AuditEvent.of("egress.call")
                .component(component)
                .attribute("secure_runtime.verdict", "allow")
                .attribute("secure_runtime.action", "allow")
                .attribute("http.request.method", "POST")
                .attribute("url.scheme", "https")
                .attribute("server.address", host)
                .attribute("server.port", 443)
                .attribute("secure_runtime.rule", "components." + component + ".egress.allow[0]")
                .attribute("secure_runtime.attempts", 1)
                .attribute("gen_ai.operation.name", "chat")
                .attribute("gen_ai.request.model", model);
        if (kind > 96) {
            event.attribute("error.type", kind == 97 ? "java.net.SocketTimeoutException" : "java.net.ConnectException");
        } else if (kind > 93) {
            event.attribute("http.response.status_code", kind == 94 ? 529 : 429);
        } else {
            event.attribute("http.response.status_code", 200)
                    .attribute("gen_ai.usage.input_tokens", 200 + random.nextInt(4_000))
                    .attribute("gen_ai.usage.output_tokens", 20 + random.nextInt(900))
                    .commitment("http.request.body", new Commitment(1_234, "ab".repeat(32)));
        }
        return event.attribute("secure_runtime.complete", kind <= 93).build();
    }
}
