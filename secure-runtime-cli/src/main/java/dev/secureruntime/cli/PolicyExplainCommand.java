package dev.secureruntime.cli;

import dev.secureruntime.core.egress.EgressPolicy;
import dev.secureruntime.core.policy.PolicyReader;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.CategoryPolicy;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.OnManyNames;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says in words what a policy lets each component do. */
@Command(
        name = "explain",
        description = {"Says in words what a policy lets each component do, defaults spelled out.", ""},
        exitCodeOnInvalidInput = PolicyExplainCommand.USAGE,
        exitCodeOnExecutionException = PolicyExplainCommand.USAGE,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:explained", "3:wrong usage, or a policy that can't be read"})
final class PolicyExplainCommand implements Callable<Integer> {

    static final int USAGE = 3;

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "The policy, JSON or YAML.")
    private Path file = Path.of("");

    @Option(names = "--component", paramLabel = "NAME", description = "Only this component.")
    private @Nullable String only;

    @Override
    public Integer call() {
        if (spec == null) {
            throw new IllegalStateException("picocli sets the specification");
        }
        Policy policy = PolicyReader.read(file);
        if (only != null && !policy.components().containsKey(only)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "the policy has no component \"" + only + "\"; it has "
                            + String.join(", ", policy.components().keySet()));
        }
        // What the compiler of the policy refuses is not explained as if it held.
        EgressPolicy.compile(policy);
        PrintWriter out = spec.commandLine().getOut();
        policy.components().forEach((name, component) -> {
            if (only == null || only.equals(name)) {
                explain(name, component, policy, out);
            }
        });
        policy.secrets().forEach((name, secret) -> {
            boolean used = policy.components().values().stream()
                    .anyMatch(component -> component.secrets().contains(name));
            if (secret.isCanary()) {
                print(out, "canary " + name + ", " + secret.describe());
            } else if (!used) {
                print(out, "secret " + name + ", " + secret.describe() + "; no component is entitled to it");
            }
        });
        policy.categories()
                .forEach((name, category) -> out.println("category " + name + ": "
                        + (category.kind() == CategoryPolicy.Kind.ADDITION ? "also " : "") + category.hosts()));
        return 0;
    }

    private static void explain(String name, ComponentPolicy component, Policy policy, PrintWriter out) {
        print(out, name);
        if (component.allow().isEmpty()) {
            print(out, "  may send nothing");
        }
        for (EgressRule rule : component.allow()) {
            print(out, "  may send " + allowed(rule));
        }
        for (EgressRule rule : component.deny()) {
            print(out, "  never    " + denied(rule));
        }
        for (ByteBudget budget : component.budgets()) {
            print(
                    out,
                    "  at most  " + budget.bytes() + " bytes sent in any " + budget.window() + " to "
                            + budget.pattern().map(PolicyExplainCommand::hosts).orElse("everything together"));
        }
        for (BreakGlass grant : policy.breakGlass()) {
            if (grant.component().equals(name)) {
                print(
                        out,
                        "  break-glass (" + when(grant, Instant.now()) + ") " + grant.target() + " from "
                                + grant.from().orElse(grant.until()) + " until " + grant.until() + ", " + grant.person()
                                + ": "
                                + grant.reason());
            }
        }
        if (component.mode() == EnforcementMode.REPORT) {
            print(out, "  report mode: what the rules and budgets refuse is recorded and let go");
        }
        if (component.onManyNames() == OnManyNames.BLOCK) {
            print(out, "  never    new names below a domain once it asked for conspicuously many");
        }
        for (String secret : component.secrets()) {
            SecretPolicy said = policy.secrets().getOrDefault(secret, SecretPolicy.suppliedByCode());
            print(out, "  secret   " + secret + ", " + said.describe());
        }
    }

    /** One line: what a policy names could hold characters that forge others. */
    private static void print(PrintWriter out, String line) {
        out.println(VerdictText.printable(line));
    }

    static String when(BreakGlass grant, Instant now) {
        return grant.isOpenAt(now) ? "in force" : now.isBefore(grant.until()) ? "begins later" : "over";
    }

    private static String hosts(String pattern) {
        return pattern.startsWith("*.") ? "all names below " + pattern.substring(2) + " together" : pattern;
    }

    private static String allowed(EgressRule rule) {
        EgressRule.Scope scope = rule.scope();
        Collection<String> schemes = scope.schemes().isEmpty() ? Set.of("https") : scope.schemes();
        String ports = scope.ports().isEmpty()
                ? schemes.stream()
                        .sorted()
                        .map(s -> s.equals("https") ? "443" : "80")
                        .collect(Collectors.joining(", "))
                : joined(scope.ports());
        return methods(scope) + " by " + joined(schemes) + " to " + target(rule) + " on " + ports + paths(scope);
    }

    private static String denied(EgressRule rule) {
        EgressRule.Scope scope = rule.scope();
        String schemes = scope.schemes().isEmpty() ? "" : " by " + joined(scope.schemes());
        String ports = scope.ports().isEmpty() ? " on any port" : " on " + joined(scope.ports());
        return methods(scope) + schemes + " to " + target(rule) + ports + paths(scope);
    }

    private static String target(EgressRule rule) {
        if (rule instanceof EgressRule.Host host && host.pattern().startsWith("*.")) {
            return "every name below " + host.pattern().substring(2);
        }
        if (rule instanceof EgressRule.Cidr cidr) {
            return "addresses in " + cidr.block();
        }
        return rule instanceof EgressRule.Category category ? "hosts of category " + category.name() : rule.describe();
    }

    private static String methods(EgressRule.Scope scope) {
        return scope.methods().isEmpty() ? "anything" : joined(scope.methods());
    }

    private static String paths(EgressRule.Scope scope) {
        return scope.paths().isEmpty() ? "" : " under " + joined(scope.paths());
    }

    private static String joined(Collection<?> values) {
        return values.stream().map(String::valueOf).sorted().collect(Collectors.joining(", "));
    }
}
