package dev.secureruntime.cli.report;

import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.report.Activity;
import dev.secureruntime.core.report.Tally;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the page says, as values for its script: the tool's verdict, and what the log says happened. Numbers that may be
 * beyond what a script holds exactly are texts.
 *
 * @param log how the log was named on the command line
 * @param keys the verifier keys that were given
 * @param anchors the anchor files that were given
 * @param made when the report was made
 */
public record ReportFacts(
        String log,
        List<String> keys,
        List<String> anchors,
        Instant made,
        VerificationResult result,
        Activity activity) {

    Map<String, Object> values() {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("log", log);
        values.put("keys", keys);
        values.put("anchors", anchors);
        values.put("made", made.toString());
        values.put("verdict", verdict());
        values.put("records", activity.records());
        values.put("malformed", activity.malformed());
        values.put("first", activity.first().map(Instant::toString).orElse(""));
        values.put("last", activity.last().map(Instant::toString).orElse(""));
        values.put("timeline", timeline());
        values.put("components", table(activity.components()));
        values.put("tokens", table(activity.tokens()));
        values.put("destinations", table(activity.destinations()));
        values.put("denials", table(activity.denials()));
        values.put("errors", table(activity.errors()));
        values.put("secrets", table(activity.secrets()));
        values.put("alarms", table(activity.alarms()));
        values.put("types", table(activity.types()));
        values.put(
                "growth",
                activity.growth().stream()
                        .map(point -> List.of(point.time().toEpochMilli(), point.size()))
                        .toList());
        values.put("epochs", activity.epochs().stream().map(ReportFacts::epoch).toList());
        values.put("epochCount", activity.epochCount());
        values.put("checkpoints", activity.checkpoints());
        values.put(
                "anchored",
                activity.anchors().stream()
                        .map(anchor -> List.of(anchor.time().toString(), anchor.record(), anchor.text()))
                        .toList());
        values.put("gaps", activity.gaps());
        return values;
    }

    private Map<String, Object> verdict() {
        Map<String, Object> verdict = new LinkedHashMap<>();
        verdict.put("size", result.size());
        verdict.put("signed", result.signed());
        verdict.put("forwardSecurity", result.forwardSecurity().name());
        verdict.put(
                "provedUpTo",
                result.provedUpTo().isPresent()
                        ? Long.toString(result.provedUpTo().getAsLong())
                        : "");
        if (result instanceof VerificationResult.Tampered tampered) {
            VerificationResult.FirstBad bad = tampered.firstBad();
            verdict.put("word", "TAMPERED");
            verdict.put("reasons", List.of(bad.reason()));
            verdict.put(
                    "badRecord", bad.seq().isPresent() ? Long.toString(bad.seq().getAsLong()) : "");
            verdict.put("badFile", bad.file());
            verdict.put("badOffset", bad.offset());
        } else if (result instanceof VerificationResult.Inconclusive inconclusive) {
            verdict.put("word", "INCONCLUSIVE");
            verdict.put("reasons", inconclusive.reasons());
        } else if (result instanceof VerificationResult.Intact intact) {
            verdict.put("word", "INTACT");
            verdict.put("reasons", intact.notes());
        }
        return verdict;
    }

    private Map<String, Object> timeline() {
        return Map.of(
                "seconds",
                activity.timeline().seconds(),
                "slots",
                activity.timeline().slots().stream()
                        .map(slot -> List.of(slot.start(), slot.counts()))
                        .toList());
    }

    private static Map<String, Object> table(Tally.Result tally) {
        return Map.of(
                "rows",
                tally.rows().stream()
                        .map(row -> List.of(row.names(), row.sums()))
                        .toList(),
                "others",
                tally.others(),
                "folded",
                tally.folded() == Tally.Folding.FOLDED ? 1 : 0);
    }

    private static Map<String, Object> epoch(Activity.Epoch epoch) {
        return Map.of(
                "key", epoch.key(),
                "announced", epoch.announced().toString(),
                "record", epoch.record(),
                "checkpoints", epoch.checkpoints(),
                "size", epoch.size());
    }
}
