package dev.secureruntime.core.report;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What a log says happened, added up. These are the log's own words: what they are worth, a verdict says.
 *
 * @param records the number of records
 * @param malformed the number of lines that are no records
 * @param first the earliest time in any record
 * @param last the latest
 * @param timeline calls and tokens over time
 * @param components by component: records, calls, denied, failed
 * @param tokens by component and model: calls, input tokens, output tokens
 * @param destinations by destination and rule: calls that were allowed
 * @param denials by component, destination and rule or reason: calls that were denied
 * @param errors by component, destination and error: calls that were allowed and failed
 * @param secrets by type, component and secret or credential: uses
 * @param alarms by type, component, action and what happened: canaries, break-glass grants, budgets, many names, and changes
 *     of policy
 * @param types by type: records
 * @param growth the log's size over time
 * @param epochs of signing keys, the newest at most {@link ActivityCollector#MOST_EPOCHS}
 * @param epochCount all of them
 * @param checkpoints the number of checkpoints
 * @param anchors by what was recorded of them, the newest first
 * @param gaps places that hold no record and no checkpoint
 */
public record Activity(
        long records,
        long malformed,
        Optional<Instant> first,
        Optional<Instant> last,
        Timeline.Slots timeline,
        Tally.Result components,
        Tally.Result tokens,
        Tally.Result destinations,
        Tally.Result denials,
        Tally.Result errors,
        Tally.Result secrets,
        Tally.Result alarms,
        Tally.Result types,
        List<Growth> growth,
        List<Epoch> epochs,
        long epochCount,
        long checkpoints,
        List<Anchored> anchors,
        List<String> gaps) {

    /** How many records there were when a checkpoint was signed. */
    public record Growth(Instant time, long size) {}

    /**
     * The time of one epoch key.
     *
     * @param key as record 0 or a {@code log.key} record says it
     * @param announced when, by which record
     * @param record the index of that record
     * @param checkpoints the number of checkpoints from then until the next key took over
     * @param size what the last of them covers
     */
    public record Epoch(String key, Instant announced, long record, long checkpoints, long size) {}

    /** A {@code log.anchored} record: when, which, and what it says. */
    public record Anchored(Instant time, long record, String text) {}
}
