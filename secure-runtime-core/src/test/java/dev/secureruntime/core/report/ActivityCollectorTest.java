package dev.secureruntime.core.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.audit.Attribute;
import dev.secureruntime.core.audit.StoredLog;
import dev.secureruntime.core.audit.format.StoredRecord;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class ActivityCollectorTest {

    private static final Instant NOON = Instant.parse("2026-03-02T12:00:00Z");

    private final ActivityCollector collector = new ActivityCollector();
    private long seq;

    private void add(Instant time, String type, String component, Object... attributes) {
        Map<String, Attribute> values = new LinkedHashMap<>();
        for (int i = 0; i < attributes.length; i += 2) {
            Object value = attributes[i + 1];
            values.put(
                    (String) attributes[i],
                    value instanceof Number number
                            ? new Attribute.Whole(number.longValue())
                            : new Attribute.Text((String) value));
        }
        StoredRecord record =
                new StoredRecord(seq, time, type, Optional.of(component), values, Map.of(), "0".repeat(64));
        collector.add(new StoredLog.Line(seq++, new byte[0], Optional.of(record)));
    }

    private void call(String component, String model, long input, long output) {
        add(
                NOON.plusSeconds(seq),
                "egress.call",
                component,
                "secure_runtime.verdict",
                "allow",
                "server.address",
                "api.example",
                "server.port",
                443,
                "secure_runtime.rule",
                "allow[0]",
                "gen_ai.request.model",
                model,
                "gen_ai.usage.input_tokens",
                input,
                "gen_ai.usage.output_tokens",
                output);
    }

    private static List<Long> sums(Tally.Result result, String... names) {
        return result.rows().stream()
                .filter(row -> row.names().equals(List.of(names)))
                .findFirst()
                .orElseThrow()
                .sums();
    }

    @Test
    void tokens_areAddedByComponentAndModel() {
        call("chat", "m1", 100, 10);
        call("chat", "m1", 50, 5);
        call("chat", "m2", 7, 1);
        call("other", "m1", 1, 1);
        Activity activity = collector.result();
        assertThat(sums(activity.tokens(), "chat", "m1")).containsExactly(2L, 150L, 15L);
        assertThat(sums(activity.tokens(), "other", "m1")).containsExactly(1L, 1L, 1L);
        assertThat(sums(activity.components(), "chat")).containsExactly(3L, 3L, 0L, 0L);
        assertThat(sums(activity.destinations(), "api.example:443", "allow[0]")).containsExactly(4L);
    }

    @Test
    void importedCalls_haveNoVerdict_areCountedWithTheirTokensAndErrors() {
        add(NOON, "model.call", "chat", "gen_ai.request.model", "m1", "gen_ai.usage.input_tokens", 100);
        add(NOON, "tool.call", "chat", "gen_ai.tool.name", "search", "error.type", "timeout");
        add(NOON, "note", "chat", "text", "no call");
        Activity activity = collector.result();
        assertThat(sums(activity.tokens(), "chat", "m1")).containsExactly(1L, 100L, 0L);
        assertThat(sums(activity.components(), "chat")).containsExactly(3L, 2L, 0L, 1L);
        assertThat(sums(activity.errors(), "chat", "", "timeout")).containsExactly(1L);
        assertThat(activity.destinations().rows()).isEmpty();
    }

    @Test
    void denialsAndErrors_areToldApart() {
        add(
                NOON,
                "egress.call",
                "chat",
                "secure_runtime.verdict",
                "deny",
                "server.address",
                "evil.example",
                "error.type",
                "SR-EGRESS-001",
                "secure_runtime.reason",
                "host_not_allowed");
        add(
                NOON,
                "egress.call",
                "chat",
                "secure_runtime.verdict",
                "allow",
                "server.address",
                "a.example",
                "error.type",
                "java.net.ConnectException");
        add(
                NOON,
                "egress.call",
                "chat",
                "secure_runtime.verdict",
                "allow",
                "server.address",
                "a.example",
                "http.response.status_code",
                429);
        add(
                NOON,
                "secret.open",
                "chat",
                "secure_runtime.verdict",
                "deny",
                "secure_runtime.secret",
                "key",
                "error.type",
                "SR-SECRET-001");
        add(NOON, "credential.failed", "chat", "secure_runtime.credential.scope", "role", "error.type", "Timeout");
        Activity activity = collector.result();
        assertThat(sums(activity.denials(), "chat", "evil.example", "host_not_allowed"))
                .containsExactly(1L);
        assertThat(sums(activity.denials(), "chat", "secret key", "SR-SECRET-001"))
                .containsExactly(1L);
        assertThat(sums(activity.errors(), "chat", "a.example", "java.net.ConnectException"))
                .containsExactly(1L);
        assertThat(sums(activity.errors(), "chat", "a.example", "HTTP 429")).containsExactly(1L);
        assertThat(sums(activity.errors(), "chat", "credential role", "Timeout"))
                .containsExactly(1L);
        assertThat(sums(activity.components(), "chat")).containsExactly(5L, 3L, 2L, 3L);
    }

    @Test
    void names_beyondTheLimit_areFoldedAndStayInTheTotal() {
        for (int i = 0; i < 5; i++) {
            call("heavy", "m", 10, 1);
        }
        for (int i = 0; i < 20_000; i++) {
            call("name " + i, "m", 1, 0);
        }
        Tally.Result tokens = collector.result().tokens();
        assertThat(tokens.rows()).hasSize(ActivityCollector.MOST_ROWS);
        assertThat(tokens.folded()).isEqualTo(Tally.Folding.FOLDED);
        assertThat(sums(tokens, "heavy", "m")).containsExactly(5L, 50L, 5L);
        long calls = tokens.rows().stream().mapToLong(row -> row.sums().get(0)).sum();
        assertThat(calls + tokens.others().get(0)).isEqualTo(20_005);
    }

    @Test
    void hugeValues_stayAtTheLargest() {
        call("chat", "m", Long.MAX_VALUE, -5);
        call("chat", "m", Long.MAX_VALUE, 3);
        call("x".repeat(60_000), "m", 1, 1);
        Activity activity = collector.result();
        assertThat(sums(activity.tokens(), "chat", "m")).containsExactly(2L, Long.MAX_VALUE, 3L);
        assertThat(activity.tokens().rows()).allMatch(row -> row.names().get(0).length() < 300);
    }

    @Test
    void timeline_overAnySpan_hasFewSlotsAndLosesNothing() {
        for (long seconds : new long[] {0, 1, 90, 86_400, -40_000_000_000L, 250_000_000_000L}) {
            add(NOON.plusSeconds(seconds), "egress.call", "c", "secure_runtime.verdict", "allow");
        }
        Timeline.Slots timeline = collector.result().timeline();
        long span = timeline.slots().get(timeline.slots().size() - 1).start()
                - timeline.slots().get(0).start();
        assertThat(span / timeline.seconds()).isLessThan(Timeline.MOST);
        assertThat(timeline.slots().stream()
                        .mapToLong(slot -> slot.counts().get(Timeline.Count.ALLOWED.ordinal()))
                        .sum())
                .isEqualTo(6);
    }

    @Test
    void alarms_sayWhatHappened_besideWhereverElseTheyCount() {
        String canary = "secret.canary";
        for (int i = 0; i < 2; i++) {
            add(
                    NOON,
                    canary,
                    "agent",
                    "secure_runtime.action",
                    "block",
                    "secure_runtime.secret",
                    "trap",
                    "secure_runtime.found_in",
                    "body",
                    "server.address",
                    "evil.example");
        }
        add(NOON, "policy.rejected", "", "error.type", "SR-POLICY-001");
        add(NOON, "egress.many_names", "agent");
        call("agent", "m", 1, 1);
        Activity activity = collector.result();
        assertThat(activity.alarms().rows()).hasSize(3);
        assertThat(sums(activity.alarms(), canary, "agent", "block", "trap, evil.example, body"))
                .containsExactly(2L);
        assertThat(sums(activity.alarms(), "policy.rejected", "", "", "SR-POLICY-001"))
                .containsExactly(1L);
        assertThat(sums(activity.alarms(), "egress.many_names", "agent", "", "-"))
                .containsExactly(1L);
        assertThat(sums(activity.secrets(), canary, "agent", "trap")).containsExactly(2L);
        assertThat(sums(activity.components(), "agent")).containsExactly(4L, 1L, 0L, 0L);
    }

    @Test
    void epochs_startWithTheCheckpointThatCoversTheirAnnouncement() {
        add(NOON, "log.segment", "", "secure_runtime.log.epoch_key", "k0");
        collector.add(new StoredLog.Note(OptionalLong.of(1), new byte[0]));
        add(NOON, "log.key", "", "secure_runtime.log.next_key", "k1");
        collector.add(new StoredLog.Note(OptionalLong.of(2), new byte[0]));
        collector.add(new StoredLog.Note(OptionalLong.of(3), new byte[0]));
        collector.add(new StoredLog.Line(3, new byte[0], Optional.empty()));
        collector.add(new StoredLog.Gap(4, "segments", "gone"));
        Activity activity = collector.result();
        assertThat(activity.epochs())
                .containsExactly(new Activity.Epoch("k0", NOON, 0, 2, 2), new Activity.Epoch("k1", NOON, 1, 1, 3));
        assertThat(activity.malformed()).isEqualTo(1);
        assertThat(activity.gaps()).hasSize(1);
        assertThat(activity.growth()).hasSize(3);
    }

    @Test
    void growth_ofManyCheckpoints_isThinnedOut() {
        for (int i = 1; i <= 100_000; i++) {
            collector.add(new StoredLog.Note(OptionalLong.of(i), new byte[0]));
        }
        assertThat(collector.result().growth()).hasSizeLessThanOrEqualTo(400);
        assertThat(collector.result().checkpoints()).isEqualTo(100_000);
    }
}
