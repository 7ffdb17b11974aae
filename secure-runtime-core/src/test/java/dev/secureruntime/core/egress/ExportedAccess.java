package dev.secureruntime.core.egress;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/**
 * What exported files mean to the tools that they are for, interpreted from those tools' documentation and independently of
 * the exports.
 */
final class ExportedAccess {

    private ExportedAccess() {}

    static List<Map<String, Object>> documents(String yaml) {
        LoaderOptions options = new LoaderOptions();
        options.setCodePointLimit(64 * 1024 * 1024);
        options.setAllowDuplicateKeys(false);
        List<Map<String, Object>> documents = new java.util.ArrayList<>();
        new Yaml(new SafeConstructor(options)).loadAll(yaml).forEach(document -> documents.add(map(document)));
        return documents;
    }

    /**
     * Smokescreen: the service's own domains first, then what is denied to all, then what is allowed to all, then the
     * service's action. A glob stands for all names below it and not for its own.
     */
    static boolean smokescreenAllows(Map<String, Object> acl, String service, String host) {
        Map<String, Object> rule = list(acl.get("services")).stream()
                .map(ExportedAccess::map)
                .filter(each -> service.equals(each.get("name")))
                .findFirst()
                .orElseGet(() -> map(acl.get("default")));
        if (matches(list(rule.get("allowed_domains")), host)) {
            return true;
        }
        if (matches(list(acl.get("global_deny_list")), host)) {
            return false;
        }
        return matches(list(acl.get("global_allow_list")), host) || !"enforce".equals(rule.get("action"));
    }

    private static boolean matches(List<?> globs, String host) {
        return globs.stream()
                .map(String::valueOf)
                .anyMatch(glob -> glob.startsWith("*.") ? host.endsWith(glob.substring(1)) : glob.equals(host));
    }

    /** A network policy: a packet passes when any egress rule has both its address and its port. */
    static boolean networkPolicyAllows(Map<String, Object> policy, byte[] address, int port) {
        Map<String, Object> spec = map(policy.get("spec"));
        return list(spec.get("egress")).stream()
                .map(ExportedAccess::map)
                .anyMatch(rule -> hasPort(rule, port)
                        && list(rule.get("to")).stream()
                                .map(peer -> map(peer).get("ipBlock"))
                                .filter(Objects::nonNull)
                                .anyMatch(block -> isIn(map(block), address)));
    }

    private static boolean hasPort(Map<String, Object> rule, int port) {
        return list(rule.get("ports")).stream()
                .map(ExportedAccess::map)
                .anyMatch(each -> "TCP".equals(each.get("protocol"))
                        && Integer.valueOf(port).equals(each.get("port")));
    }

    private static boolean isIn(Map<String, Object> block, byte[] address) {
        return covers(String.valueOf(block.get("cidr")), address)
                && list(block.get("except")).stream().noneMatch(hole -> covers(String.valueOf(hole), address));
    }

    static boolean covers(String cidr, byte[] address) {
        return dev.secureruntime.policy.CidrBlock.parse(cidr).contains(address);
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> map(Object value) {
        return (Map<String, Object>) value;
    }

    static List<?> list(Object value) {
        return value == null ? List.of() : (List<?>) value;
    }
}
