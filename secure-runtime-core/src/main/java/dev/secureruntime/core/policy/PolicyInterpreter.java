package dev.secureruntime.core.policy;

import dev.secureruntime.policy.CategoryPolicy;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns the tree of a policy file into the model. */
final class PolicyInterpreter {

    private static final List<String> TOP =
            List.of("version", "components", "secrets", "categories", "breakGlass", "$schema");
    private static final int MAX_CATEGORIES = 32;
    private static final List<String> COMPONENT = List.of("egress", "secrets");

    private final Reading reading;
    private final EgressInterpreter egress;
    private final SecretInterpreter secrets;
    private final CategoryInterpreter categories;
    private final BreakGlassInterpreter breakGlass;

    PolicyInterpreter(PolicyErrors errors, Path folder) {
        this.reading = new Reading(errors);
        this.egress = new EgressInterpreter(reading);
        this.secrets = new SecretInterpreter(reading, folder);
        this.breakGlass = new BreakGlassInterpreter(reading);
        this.categories = new CategoryInterpreter(reading, folder);
    }

    Policy policy(String source, Node root) {
        Map<String, Node> members = reading.known(root, "the policy", TOP);
        version(root, members);
        Node schema = members.get("$schema");
        if (schema != null) {
            reading.text(schema, "$schema");
        }
        Node components = members.get("components");
        if (components == null) {
            throw reading.errors().invalid(root.at(), "expected a member \"components\" in the policy");
        }
        Policy.Builder policy = Policy.builder().source(source);
        reading.named(components, "components").forEach((name, member) -> {
            String path = "components." + PolicyErrors.shown(name);
            ComponentPolicy component = component(member.value(), path);
            reading.checked(member.value(), path, () -> policy.component(name, component));
        });
        Node secretsNode = members.get("secrets");
        if (secretsNode != null) {
            reading.named(secretsNode, "secrets").forEach((name, member) -> {
                String path = "secrets." + PolicyErrors.shown(name);
                SecretPolicy secret = secrets.secret(member.value(), path);
                reading.checked(member.value(), path, () -> policy.secret(name, secret));
            });
        }
        categories(members.get("categories"), policy);
        for (Node grant : reading.items(members.get("breakGlass"), "breakGlass", "grants")) {
            reading.checked(grant, "breakGlass", () -> policy.breakGlass(breakGlass.grant(grant, "breakGlass")));
        }
        return reading.checked(components, "components", policy::build);
    }

    private void categories(@Nullable Node node, Policy.Builder policy) {
        if (node == null) {
            return;
        }
        Map<String, Node.Member> members = reading.named(node, "categories");
        if (members.size() > MAX_CATEGORIES) {
            throw reading.errors().invalid(node.at(), "categories has more than " + MAX_CATEGORIES + " members");
        }
        members.forEach((name, member) -> {
            String path = "categories." + PolicyErrors.shown(name);
            reading.checked(member.value(), path, () -> EgressRule.category(name));
            CategoryPolicy category = categories.category(name, member.value(), path);
            reading.checked(member.value(), path, () -> policy.category(name, category));
        });
    }

    private void version(Node root, Map<String, Node> members) {
        Node version = members.get("version");
        if (version == null) {
            throw reading.errors().invalid(root.at(), "expected a member \"version\" with the value 1 in the policy");
        }
        if (!(version instanceof Node.Whole number) || number.value() != 1) {
            throw reading.errors().invalid(version.at(), "version must be 1, the only one that this reader knows");
        }
    }

    private ComponentPolicy component(Node node, String path) {
        Map<String, Node> members = reading.known(node, path, COMPONENT);
        ComponentPolicy.Builder component = ComponentPolicy.builder();
        Node egressNode = members.get("egress");
        if (egressNode != null) {
            egress.rules(egressNode, path + ".egress", component);
        }
        String secretsPath = path + ".secrets";
        for (Node name : reading.items(members.get("secrets"), secretsPath, "names of secrets")) {
            component.secret(secrets.name(name, secretsPath));
        }
        return reading.checked(node, path, component::build);
    }
}
