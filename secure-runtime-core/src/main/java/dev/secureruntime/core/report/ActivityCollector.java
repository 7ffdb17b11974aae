package dev.secureruntime.core.report;

import dev.secureruntime.audit.Attribute;
import dev.secureruntime.core.audit.StoredLog;
import dev.secureruntime.core.audit.format.StoredRecord;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Adds up a log that passes by, by the attributes that this runtime writes. Constant memory, whatever the log holds. Not
 * thread-safe.
 */
public final class ActivityCollector {

    /** The number of rows that a table has at most. */
    public static final int MOST_ROWS = 200;

    /** The number of epochs that are listed. */
    public static final int MOST_EPOCHS = 100;

    private static final int MOST_POINTS = 400;
    private static final int MOST_GAPS = 20;
    private static final int MOST_TEXT = 2_000;
    private static final String NONE = "";

    private final Timeline timeline = new Timeline();
    private final Tally components = new Tally(MOST_ROWS, 4);
    private final Tally tokens = new Tally(MOST_ROWS, 3);
    private final Tally destinations = new Tally(MOST_ROWS, 1);
    private final Tally denials = new Tally(MOST_ROWS, 1);
    private final Tally errors = new Tally(MOST_ROWS, 1);
    private final Tally secrets = new Tally(MOST_ROWS, 1);
    private final Tally alarms = new Tally(MOST_ROWS, 1);
    private final Tally types = new Tally(MOST_ROWS, 1);
    private final Deque<Activity.Epoch> epochs = new ArrayDeque<>();
    private final Deque<Activity.Anchored> anchors = new ArrayDeque<>();
    private final List<String> gaps = new ArrayList<>();
    private final List<Activity.Growth> growth = new ArrayList<>();
    private @Nullable Instant first;
    private @Nullable Instant last;
    private Instant now = Instant.EPOCH;
    private Activity.@Nullable Epoch announced;
    private long growthStep = 1;
    private long epochCount;
    private long checkpoints;
    private long records;
    private long malformed;

    /** Takes what comes next in the log. */
    public void add(StoredLog.Item item) {
        if (item instanceof StoredLog.Line line) {
            line.record().ifPresentOrElse(this::record, () -> malformed++);
        } else if (item instanceof StoredLog.Note note) {
            note.size().ifPresent(this::checkpoint);
        } else if (item instanceof StoredLog.Gap gap && gaps.size() < MOST_GAPS) {
            gaps.add("before record " + gap.index() + ", in " + gap.file() + ": " + gap.reason());
        }
    }

    private void record(StoredRecord record) {
        records++;
        now = record.time();
        first = first == null || now.isBefore(first) ? now : first;
        last = last == null || now.isAfter(last) ? now : last;
        types.add(List.of(record.type()), 1);
        String component = record.component().orElse(NONE);
        alarm(record, component);
        if (record.type().startsWith("log.")) {
            ownRecord(record);
        } else if (record.type().startsWith("secret.") || record.type().startsWith("credential.")) {
            secret(record, component);
            return;
        } else if (has(record, "secure_runtime.verdict") || isForeignCall(record)) {
            call(record, component);
            return;
        } else {
            components.add(List.of(component), 1, 0, 0, 0);
        }
        timeline.add(now, Timeline.Count.OTHER, 1);
    }

    /** What somebody should have a look at, whatever else it is counted as. */
    private void alarm(StoredRecord record, String component) {
        String what =
                switch (record.type()) {
                    case "secret.canary" ->
                        words(
                                text(record, "secure_runtime.secret"),
                                destination(record),
                                text(record, "secure_runtime.found_in"));
                    case "egress.break_glass" ->
                        words(
                                text(record, "secure_runtime.break_glass.target"),
                                text(record, "secure_runtime.break_glass.until"),
                                text(record, "secure_runtime.break_glass.person"),
                                text(record, "secure_runtime.break_glass.reason"));
                    case "egress.budget" ->
                        words(
                                text(record, "secure_runtime.budget.level"),
                                text(record, "secure_runtime.rule"),
                                destination(record));
                    case "egress.many_names" ->
                        words(text(record, "secure_runtime.base_domain"), text(record, "secure_runtime.rule"));
                    case "policy.reloaded", "policy.rejected", "policy.shadow" ->
                        words(
                                firstOf(
                                        record,
                                        "secure_runtime.policy.version",
                                        "secure_runtime.shadow.policy.version"),
                                text(record, "secure_runtime.policy.source"),
                                text(record, "error.type"));
                    default -> NONE;
                };
        if (!what.isEmpty()) {
            alarms.add(List.of(record.type(), component, text(record, "secure_runtime.action"), what), 1);
        }
    }

    /** Those that say something, in a row; never empty. */
    private static String words(String... parts) {
        String text = Stream.of(parts).filter(part -> !part.isBlank()).collect(Collectors.joining(", "));
        return text.isEmpty() ? "-" : text;
    }

    /** A call that other software recorded: it has the convention's attributes, but nobody decided on it. */
    private static boolean isForeignCall(StoredRecord record) {
        return record.attributes().keySet().stream().anyMatch(name -> name.startsWith("gen_ai."));
    }

    private void call(StoredRecord record, String component) {
        String destination = destination(record);
        String error = text(record, "error.type");
        long status = number(record, "http.response.status_code");
        boolean denied = text(record, "secure_runtime.verdict").equals("deny");
        boolean failed = !denied && (!error.isEmpty() || status >= 400);
        components.add(List.of(component), 1, 1, denied ? 1 : 0, failed ? 1 : 0);
        timeline.add(now, denied ? Timeline.Count.DENIED : failed ? Timeline.Count.FAILED : Timeline.Count.ALLOWED, 1);
        if (denied) {
            String why = firstOf(record, "secure_runtime.rule", "secure_runtime.reason", "error.type");
            denials.add(List.of(component, destination, why), 1);
        } else if (!destination.isEmpty() || has(record, "secure_runtime.verdict")) {
            destinations.add(List.of(destination, text(record, "secure_runtime.rule")), 1);
        }
        if (failed) {
            errors.add(List.of(component, destination, error.isEmpty() ? "HTTP " + status : error), 1);
        }
        tokens(record, component);
    }

    private void tokens(StoredRecord record, String component) {
        String model = firstOf(record, "gen_ai.request.model", "gen_ai.response.model");
        long input = number(record, "gen_ai.usage.input_tokens");
        long output = number(record, "gen_ai.usage.output_tokens");
        if (model.isEmpty() && input == 0 && output == 0) {
            return;
        }
        tokens.add(List.of(component, model), 1, input, output);
        timeline.add(now, Timeline.Count.INPUT_TOKENS, input);
        timeline.add(now, Timeline.Count.OUTPUT_TOKENS, output);
    }

    private void secret(StoredRecord record, String component) {
        String name = firstOf(record, "secure_runtime.secret", "secure_runtime.credential.scope");
        String what = record.type().substring(0, record.type().indexOf('.')) + " " + name;
        String error = text(record, "error.type");
        boolean denied = text(record, "secure_runtime.verdict").equals("deny");
        boolean failed = !denied && !error.isEmpty();
        secrets.add(List.of(record.type(), component, name), 1);
        components.add(List.of(component), 1, 0, denied ? 1 : 0, failed ? 1 : 0);
        if (denied) {
            denials.add(List.of(component, what, firstOf(record, "secure_runtime.reason", "error.type")), 1);
        } else if (failed) {
            errors.add(List.of(component, what, error), 1);
        }
        timeline.add(now, denied ? Timeline.Count.DENIED : failed ? Timeline.Count.FAILED : Timeline.Count.OTHER, 1);
    }

    private void ownRecord(StoredRecord record) {
        if (record.type().equals("log.segment") && has(record, "secure_runtime.log.epoch_key")) {
            startEpoch(epoch(record, "secure_runtime.log.epoch_key"));
        } else if (record.type().equals("log.key")) {
            announced = epoch(record, "secure_runtime.log.next_key");
        } else if (record.type().equals("log.anchored")) {
            anchors.addFirst(new Activity.Anchored(now, record.seq(), all(record)));
            if (anchors.size() > MOST_EPOCHS) {
                anchors.removeLast();
            }
        }
    }

    private static String all(StoredRecord record) {
        String text = record.attributes().entrySet().stream()
                .map(entry -> entry.getKey().replace("secure_runtime.log.", "") + ": " + text(entry.getValue()))
                .collect(Collectors.joining("; "));
        return text.length() > MOST_TEXT ? text.substring(0, MOST_TEXT) + "..." : text;
    }

    private Activity.Epoch epoch(StoredRecord record, String attribute) {
        return new Activity.Epoch(text(record, attribute), now, record.seq(), 0, 0);
    }

    private void startEpoch(Activity.Epoch epoch) {
        epochCount++;
        epochs.addLast(epoch);
        if (epochs.size() > MOST_EPOCHS) {
            epochs.removeFirst();
        }
    }

    private void checkpoint(long size) {
        checkpoints++;
        if (!epochs.isEmpty()) {
            Activity.Epoch epoch = epochs.removeLast();
            epochs.addLast(
                    new Activity.Epoch(epoch.key(), epoch.announced(), epoch.record(), epoch.checkpoints() + 1, size));
        }
        Activity.Epoch next = announced;
        if (next != null) {
            // The checkpoint that covers the announcement is still signed by the key before.
            startEpoch(next);
            announced = null;
        }
        if (checkpoints % growthStep == 0) {
            growth.add(new Activity.Growth(now, size));
            if (growth.size() > MOST_POINTS) {
                growthStep *= 2;
                List<Activity.Growth> every = List.copyOf(growth);
                growth.clear();
                for (int i = 1; i < every.size(); i += 2) {
                    growth.add(every.get(i));
                }
            }
        }
    }

    private static String destination(StoredRecord record) {
        String host = text(record, "server.address");
        long port = number(record, "server.port");
        return port == 0 || host.isEmpty() ? host : host + ":" + port;
    }

    private static boolean has(StoredRecord record, String name) {
        return record.attributes().containsKey(name);
    }

    private static String firstOf(StoredRecord record, String... names) {
        for (String name : names) {
            String text = text(record, name);
            if (!text.isEmpty()) {
                return text;
            }
        }
        return NONE;
    }

    private static String text(StoredRecord record, String name) {
        Attribute value = record.attributes().get(name);
        return value == null ? NONE : text(value);
    }

    private static String text(Attribute value) {
        if (value instanceof Attribute.Text text) {
            return text.value();
        }
        if (value instanceof Attribute.Whole whole) {
            return Long.toString(whole.value());
        }
        return value instanceof Attribute.Texts texts ? String.join(", ", texts.values()) : value.toString();
    }

    /** A whole number that isn't negative; 0 for everything else. */
    private static long number(StoredRecord record, String name) {
        return record.attributes().get(name) instanceof Attribute.Whole whole ? Math.max(0, whole.value()) : 0;
    }

    /** What was added up so far. */
    public Activity result() {
        return new Activity(
                records,
                malformed,
                Optional.ofNullable(first),
                Optional.ofNullable(last),
                timeline.result(),
                components.result(),
                tokens.result(),
                destinations.result(),
                denials.result(),
                errors.result(),
                secrets.result(),
                alarms.result(),
                types.result(),
                List.copyOf(growth),
                List.copyOf(epochs),
                epochCount,
                checkpoints,
                List.copyOf(anchors),
                List.copyOf(gaps));
    }
}
