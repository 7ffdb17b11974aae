package dev.secureruntime.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.Attribute;
import dev.secureruntime.core.audit.AuditRecords;
import dev.secureruntime.core.audit.format.StoredRecord;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDecision.Reported;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.OnManyNames;
import dev.secureruntime.policy.Policy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SubNameWatchTest {

    private final List<Denied> refusals = new ArrayList<>();
    private final List<Reported> reported = new ArrayList<>();

    @TempDir
    Path folder;

    private List<StoredRecord> reportsOf(ComponentPolicy.Builder policy, int names) {
        Path audit = folder.resolve("audit");
        try (SecureRuntime runtime = SecureRuntime.builder()
                .policy(Policy.builder().component("agent", policy.build()).build())
                .auditLog(audit)
                .build()) {
            GuardedComponent component = (GuardedComponent) runtime.component("agent");
            for (int i = 0; i < names; i++) {
                String host = "n" + i + ".t.example.com";
                EgressDecision decision = component
                        .inForce()
                        .decide(new EgressRequest("agent", "GET", "https", host, 443, "/", List.of()));
                if (decision instanceof Denied denied) {
                    refusals.add(denied);
                } else if (decision instanceof Reported refusal) {
                    reported.add(refusal);
                }
            }
        }
        List<StoredRecord> reports = new ArrayList<>();
        AuditRecords.read(audit, 0, Long.MAX_VALUE - 1, (record, line) -> {
            if (record.type().equals("egress.many_names")) {
                reports.add(record);
            }
        });
        return reports;
    }

    @Test
    void decide_manyNamesBelowAWildcard_isReportedOnceAndLetGo() {
        List<StoredRecord> reports =
                reportsOf(ComponentPolicy.builder().allowHost("*.example.com"), 3 * SubNameWatch.THRESHOLD);
        assertThat(refusals).isEmpty();
        assertThat(reports).singleElement().satisfies(report -> {
            assertThat(report.component()).contains("agent");
            assertThat(report.attributes())
                    .containsEntry("secure_runtime.base_domain", new Attribute.Text("example.com"))
                    .containsEntry("secure_runtime.rule", new Attribute.Text("*.example.com"))
                    .containsEntry("secure_runtime.sub_names", new Attribute.Whole(SubNameWatch.THRESHOLD));
        });
    }

    @Test
    void decide_fewerNames_areNotReported() {
        assertThat(reportsOf(ComponentPolicy.builder().allowHost("*.example.com"), SubNameWatch.THRESHOLD - 1))
                .isEmpty();
    }

    @Test
    void decide_manyExactNames_areNotReported() {
        ComponentPolicy.Builder policy = ComponentPolicy.builder();
        for (int i = 0; i < 2 * SubNameWatch.THRESHOLD; i++) {
            policy.allowHost("n" + i + ".t.example.com");
        }
        assertThat(reportsOf(policy, 2 * SubNameWatch.THRESHOLD)).isEmpty();
    }

    @Test
    void decide_manyNamesWherePolicyBlocks_refusesWhatFollows() {
        ComponentPolicy.Builder policy =
                ComponentPolicy.builder().allowHost("*.example.com").onManyNames(OnManyNames.BLOCK);
        assertThat(reportsOf(policy, SubNameWatch.THRESHOLD + 3)).hasSize(1);
        assertThat(refusals).hasSize(3).extracting(Denied::reason).containsOnly(Reason.MANY_NAMES);
    }

    @Test
    void decide_manyNamesWherePolicyBlocks_refusesNothingInReportMode() {
        ComponentPolicy.Builder policy = ComponentPolicy.builder()
                .allowHost("*.example.com")
                .onManyNames(OnManyNames.BLOCK)
                .mode(EnforcementMode.REPORT);
        assertThat(reportsOf(policy, SubNameWatch.THRESHOLD + 3))
                .singleElement()
                .satisfies(report -> assertThat(report.attributes())
                        .containsEntry("secure_runtime.action", new Attribute.Text("report")));
        assertThat(refusals).isEmpty();
        assertThat(reported).hasSize(3).allSatisfy(each -> {
            assertThat(each.denied().reason()).isEqualTo(Reason.MANY_NAMES);
            assertThat(each.policyVersion()).isNotEmpty();
        });
    }
}
