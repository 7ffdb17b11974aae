package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.Policy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every row of every built-in list, as a policy meets it: the host itself and a made-up one below it are refused where the
 * category is denied, though an exact rule allows both; and a wildcard above never opens them.
 */
final class CategoryListVectorsTest {

    private static final String BELOW = "q7x2.";

    private record Row(String category, String host) {}

    static Stream<Row> mixedRows() {
        return CategoryLists.resource("exfil_services.guarddog.csv")
                .lines()
                .skip(1)
                .map(line -> {
                    String[] columns = line.split(",");
                    return new Row(columns[0], columns[1].replaceAll("/.*", ""));
                });
    }

    static Stream<Category> listed() {
        return Arrays.stream(Category.values())
                .filter(category -> !category.files().isEmpty() && category.coversSubdomains());
    }

    private static EgressRequest get(String host) {
        return new EgressRequest("c", "GET", "https", host, 443, "/x", List.of());
    }

    private static EgressPolicy policy(List<EgressRule> allow, List<EgressRule> deny) {
        ComponentPolicy.Builder component = ComponentPolicy.builder();
        allow.forEach(component::allow);
        deny.forEach(component::deny);
        return EgressPolicy.compile(
                Policy.builder().component("c", component.build()).build());
    }

    @ParameterizedTest
    @CsvSource({
        "*.amazonaws.com, any-bucket.s3.eu-central-1.amazonaws.com",
        "*.amazonaws.com.cn, any-bucket.s3.cn-north-1.amazonaws.com.cn",
        "*.windows.net, anyone.blob.core.windows.net",
        "*.windows.net, anyone.z6.web.core.windows.net",
        "*.googleapis.com, any-bucket.storage.googleapis.com",
        "*.cloudflarestorage.com, anyone.r2.cloudflarestorage.com",
        "*.aliyuncs.com, any-bucket.oss-cn-hangzhou.aliyuncs.com",
        "*.myqcloud.com, any-bucket-1.cos.ap-guangzhou.myqcloud.com",
        "*.oraclecloud.com, anyone.compat.objectstorage.eu-frankfurt-1.oraclecloud.com",
        "*.ovh.net, any-bucket.s3.gra.io.cloud.ovh.net",
    })
    void bucket_thatAnyoneCanRent_isOpenedByItsNameAndByNoWildcard(String wildcard, String bucket) {
        EgressPolicy wide = policy(List.of(EgressRule.host(wildcard)), List.of());
        assertThat(wide.decide(get(bucket))).isInstanceOfSatisfying(Denied.class, denied -> assertThat(denied.detail())
                .contains("category living-off-trusted-sites", wildcard));
        EgressPolicy named = policy(List.of(EgressRule.host(wildcard), EgressRule.host(bucket)), List.of());
        assertThat(named.decide(get(bucket))).isEqualTo(new Allowed(bucket));
    }

    @ParameterizedTest
    @MethodSource("mixedRows")
    void service_whoseCategoryIsDenied_isRefusedWithAllBelowIt_andOpenWithoutThatRule(Row row) {
        List<EgressRule> allow = List.of(EgressRule.host(row.host()), EgressRule.host(BELOW + row.host()));
        EgressPolicy denying = policy(allow, List.of(EgressRule.category(row.category())));
        EgressPolicy open = policy(allow, List.of());
        for (String host : List.of(row.host(), BELOW + row.host())) {
            assertThat(denying.decide(get(host)))
                    .isInstanceOfSatisfying(
                            Denied.class, denied -> assertThat(denied.reason()).isEqualTo(Reason.DENY_RULE));
            assertThat(open.decide(get(host))).isInstanceOf(Allowed.class);
        }
    }

    @ParameterizedTest
    @MethodSource("listed")
    void row_ofAList_isRefusedByItsCategory_andByNoWildcardOpened(Category category) {
        List<String> hosts = new ArrayList<>();
        for (String file : category.files()) {
            CategoryLists.resource(file)
                    .lines()
                    .map(String::strip)
                    .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                    .map(line -> line.replaceAll("^\\.", "").replaceAll("/.*", ""))
                    .forEach(hosts::add);
        }
        assertThat(hosts).hasSizeGreaterThan(5);
        EgressPolicy denying =
                policy(List.of(EgressRule.host("else.example")), List.of(EgressRule.category(category.label())));
        EgressPolicy wild = policy(topLevels(hosts), List.of());
        int decided = 0;
        for (String host : hosts) {
            for (String asked : List.of(host, BELOW + host)) {
                EgressDecision denied = denying.decide(get(asked));
                assertThat(denied).as(asked).isInstanceOf(Denied.class);
                if (((Denied) denied).reason() != Reason.MALFORMED_TARGET) {
                    assertThat(((Denied) denied).reason()).as(asked).isEqualTo(Reason.DENY_RULE);
                    decided++;
                }
                assertThat(wild.decide(get(asked))).as(asked).isInstanceOf(Denied.class);
            }
        }
        // Some lists have rows that are no host names; they are few, and refused as such.
        assertThat(decided).isGreaterThan(hosts.size());
    }

    private static List<EgressRule> topLevels(List<String> hosts) {
        return hosts.stream()
                .map(host -> host.substring(host.lastIndexOf('.') + 1))
                .filter(top -> top.matches("[a-z][a-z0-9-]*[a-z0-9]"))
                .distinct()
                .map(top -> EgressRule.host("*." + top))
                .toList();
    }
}
