package dev.secureruntime.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.secureruntime.audit.Attribute;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.AuditLogVerifier;
import dev.secureruntime.core.audit.AuditRecords;
import dev.secureruntime.core.audit.format.StoredRecord;
import dev.secureruntime.core.egress.PolicyLearner;
import dev.secureruntime.core.egress.PolicyLearner.Learned;
import dev.secureruntime.core.egress.PolicyLearner.Outcome;
import dev.secureruntime.core.policy.PolicyReader;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.Policy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Proposes an allow-list from the calls in an audit log. */
@Command(
        name = "learn",
        description = {
            "Proposes a policy that allows the calls in an audit log, refused ones included, and nothing else.",
            "It is a proposal: whoever made a component call a host put that host into it. Read it before it is used.",
            ""
        },
        exitCodeOnInvalidInput = PolicyLearnCommand.USAGE,
        exitCodeOnExecutionException = 2,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:a policy was proposed on standard output",
            "1:the log was tampered with; nothing was proposed",
            "2:the log or the current policy can't be read",
            "3:wrong usage"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  secure-runtime policy learn --from ./audit --key audit.pin --policy policy.json > proposal.json",
            "",
            "Each rule is one host, scheme and port with the methods seen; x-seen has the counts. Wildcards, addresses, hosts",
            "that the current policy denies, hosts of closed categories, what a rule in deny refused, one of too many names, and",
            "what only a break-glass grant opened or a secret was found on its way to, are never proposed: x-left-out names them,",
            "and hosts that only redirected on. x-not-proposed names what else the current policy says. The audit log holds no",
            "paths, so that none are proposed."
        })
final class PolicyLearnCommand implements Callable<Integer> {

    static final int USAGE = 3;
    private static final int TAMPERED = 1;
    private static final int MAX_LEFT_OUT = 1000;
    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--from", required = true, paramLabel = "DIR", description = "The audit log's directory.")
    private Path directory = Path.of("");

    @Option(
            names = "--key",
            paramLabel = "VKEY|FILE",
            description = "The verifier key to trust, or a file of one to three lines, as for 'audit verify'.")
    private @Nullable String key;

    @Option(
            names = "--component",
            paramLabel = "NAME",
            description = "Only the calls of this component; may be repeated.")
    private List<String> components = List.of();

    @Option(
            names = "--policy",
            paramLabel = "FILE",
            description = "The policy in force: its denials hold, and its own categories count.")
    private @Nullable Path current;

    @Option(
            names = "--even-if-tampered",
            description = "Learn from a log that was tampered with, as far as it can be read.")
    private boolean evenIfTampered;

    @Override
    public Integer call() throws JsonProcessingException {
        Arguments arguments = new Arguments(spec);
        arguments.requireDirectory(directory);
        if (!Files.exists(directory.resolve("segments")) && !Files.exists(directory.resolve("log.json"))) {
            throw arguments.usage(directory + " holds no log");
        }
        Optional<Policy> inForce = Optional.ofNullable(current).map(PolicyReader::read);
        PolicyLearner learner = inForce.map(PolicyLearner::under).orElseGet(PolicyLearner::fromNothing);
        VerificationResult result = verifier(arguments).verify(directory);
        if (!(result instanceof VerificationResult.Intact)) {
            arguments
                    .err()
                    .println((result instanceof VerificationResult.Tampered ? "error: " : "warning: ")
                            + VerdictText.words(directory.toString(), result));
        }
        if (result instanceof VerificationResult.Tampered && !evenIfTampered) {
            return TAMPERED;
        }
        try {
            if (result.size() > 0) {
                AuditRecords.read(directory, 0, result.size() - 1, (record, line) -> learn(record, learner));
            }
        } catch (IllegalArgumentException e) {
            arguments.err().println(SecureRuntimeCommand.error(e));
            return 2;
        }
        print(learner.propose(), inForce.map(PolicyLearner::notProposed).orElse(List.of()), arguments);
        return 0;
    }

    private AuditLogVerifier verifier(Arguments arguments) {
        try {
            return key == null ? AuditLogVerifier.withoutKeys() : AuditLogVerifier.withKeys(arguments.keys(key));
        } catch (IllegalArgumentException e) {
            throw arguments.usage("--key: " + e.getMessage());
        }
    }

    private void learn(StoredRecord record, PolicyLearner learner) {
        String component = record.component().orElse("");
        if (!record.type().equals("egress.call") || !(components.isEmpty() || components.contains(component))) {
            return;
        }
        long port = record.attributes().get("server.port") instanceof Attribute.Whole whole ? whole.value() : 0;
        EgressRequest request = new EgressRequest(
                component,
                text(record, "http.request.method"),
                text(record, "url.scheme"),
                text(record, "server.address"),
                port > 0 && port < 65_536 ? (int) port : 0,
                "/",
                List.of());
        Outcome outcome = outcome(record);
        learner.saw(request, outcome);
        if (record.attributes().get("secure_runtime.redirected_from") instanceof Attribute.Texts hosts) {
            hosts.values().forEach(host -> learner.redirected(component, host, outcome));
        }
    }

    private static Outcome outcome(StoredRecord record) {
        if (record.attributes().containsKey("secure_runtime.break_glass")) {
            return Outcome.BREAK_GLASS;
        }
        if (text(record, "secure_runtime.verdict").equals("allow")) {
            return Outcome.ALLOWED;
        }
        if (text(record, "error.type").equals(ErrorCode.EGRESS_SECRET_LEAVING.code())) {
            return Outcome.SECRET_FOUND;
        }
        return switch (text(record, "secure_runtime.reason")) {
            case "deny_rule" -> Outcome.DENIED;
            case "many_names" -> Outcome.ONE_OF_MANY_NAMES;
            default -> Outcome.REFUSED;
        };
    }

    private static String text(StoredRecord record, String name) {
        return record.attributes().get(name) instanceof Attribute.Text text ? text.value() : "";
    }

    private static void print(PolicyLearner.Proposal proposal, List<String> notProposed, Arguments arguments)
            throws JsonProcessingException {
        ObjectNode policy = JSON.createObjectNode().put("version", 1);
        ObjectNode components = policy.putObject("components");
        long refused = 0;
        for (var component : proposal.rules().entrySet()) {
            ArrayNode allow =
                    components.putObject(component.getKey()).putObject("egress").putArray("allow");
            for (Learned learned : component.getValue()) {
                add(learned, allow.addObject());
                refused += learned.allowed() == 0 ? 1 : 0;
            }
        }
        ArrayNode leftOut = policy.putArray("x-left-out");
        proposal.leftOut().entrySet().stream().limit(MAX_LEFT_OUT).forEach(each -> leftOut.addObject()
                .put("component", each.getKey().component())
                .put("target", each.getKey().target())
                .put("why", each.getKey().why())
                .put("seen", each.getValue()));
        if (!notProposed.isEmpty()) {
            notProposed.forEach(policy.putArray("x-not-proposed")::add);
            arguments
                    .err()
                    .println("warning: the proposal holds rules that allow, and nothing else of the current policy"
                            + " (x-not-proposed); carry the rest over");
        }
        arguments.out().println(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(policy));
        arguments.out().flush();
        if (refused > 0) {
            arguments.err().println("warning: " + refused + " of the rules open what was only ever refused (x-seen)");
        }
        if (!proposal.leftOut().isEmpty()) {
            arguments.err().println("warning: " + proposal.leftOut().size() + " targets are left out (x-left-out)");
        }
    }

    private static void add(Learned learned, ObjectNode rule) {
        rule.put("host", learned.rule().pattern());
        learned.rule().scope().ports().forEach(rule.putArray("ports")::add);
        learned.rule().scope().schemes().forEach(rule.putArray("schemes")::add);
        learned.rule().scope().methods().stream().sorted().forEach(rule.putArray("methods")::add);
        rule.putObject("x-seen").put("allowed", learned.allowed()).put("refused", learned.refused());
    }
}
