package dev.secureruntime.cli;

import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.secureruntime.core.egress.EgressPolicy;
import dev.secureruntime.core.egress.GrantRules;
import dev.secureruntime.core.egress.MethodForm;
import dev.secureruntime.core.egress.TargetUrl;
import dev.secureruntime.core.policy.PolicyReader;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.egress.HostResolver;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.OnManyNames;
import dev.secureruntime.policy.Policy;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Judges URLs by a policy, one line each. */
@Command(
        name = "check",
        description = {
            "Says for each URL whether a component may send a request there, and if not, why.",
            "Nothing is looked up and nothing is connected to, unless --resolve is given.",
            ""
        },
        exitCodeOnInvalidInput = EgressCheckCommand.USAGE,
        exitCodeOnExecutionException = EgressCheckCommand.USAGE,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:all URLs are allowed",
            "1:some URL is denied",
            "3:wrong usage, or a policy that can't be read"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  secure-runtime egress check --policy policy.json --component chat https://api.openai.com/v1/models",
            "  secure-runtime egress check --policy policy.json --component chat --method POST - < urls.txt",
            "",
            "Prints 'ALLOW url' or 'DENY url CODE reason', in the order of the input. A URL that parsers read differently",
            "is denied, and so is all under a method that guarded HTTP never sends, such as CONNECT. Characters that could forge a line are shown as \\uXXXX. Break-glass grants that are in force now count;",
            "byte budgets don't, since the command doesn't know what was sent; nor do secrets in a request, whose text it doesn't have."
        })
final class EgressCheckCommand implements Callable<Integer> {

    static final int USAGE = 3;
    private static final int MAX_LINE = 65_536;
    /** Left as they are, line separators and a terminal's control characters beyond ASCII could forge a line. */
    private static final ObjectMapper JSON =
            JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

    private final HostResolver resolver = HostResolver.SYSTEM;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--policy", required = true, paramLabel = "FILE", description = "The policy, JSON or YAML.")
    private Path policyFile = Path.of("");

    @Option(names = "--component", required = true, paramLabel = "NAME", description = "The component that would send.")
    private String component = "";

    @Option(names = "--method", paramLabel = "M", description = "The method; GET when left out.")
    private String method = "GET";

    @Option(
            names = "--resolve",
            description = "Also look allowed names up, and judge their addresses. Asks the system's resolver.")
    private boolean resolve;

    @Option(names = "--json", description = "Print one JSON object per URL.")
    private boolean json;

    /** Those in force when the command began. */
    private List<GrantRules> grants = List.of();

    @Parameters(paramLabel = "URL", description = "URLs; - or none to read one per line from standard input.")
    private List<String> urls = List.of();

    @Override
    public Integer call() throws IOException {
        Policy policy = PolicyReader.read(policyFile);
        if (!policy.components().containsKey(component)) {
            throw new ParameterException(
                    spec().commandLine(),
                    "the policy has no component \"" + component + "\"; it has "
                            + String.join(", ", policy.components().keySet()));
        }
        if (!MethodForm.isWord(method)) {
            throw new ParameterException(spec().commandLine(), "--method: expected a plain word such as GET or POST");
        }
        if (urls.contains("-") && urls.size() > 1) {
            throw new ParameterException(spec().commandLine(), "expected URLs, or - alone for standard input");
        }
        EgressPolicy egress = EgressPolicy.compile(policy);
        grants = policy.breakGlass().stream()
                .filter(grant -> grant.isOpenAt(Instant.now()))
                .map(grant -> GrantRules.compile(grant, grant.digest()))
                .toList();
        notes(policy.components().get(component)).forEach(spec().commandLine().getErr()::println);
        PrintWriter out = spec().commandLine().getOut();
        boolean allAllowed = true;
        if (urls.isEmpty() || urls.equals(List.of("-"))) {
            if (urls.isEmpty() && System.console() != null) {
                spec().commandLine().getErr().println("note: reading URLs from standard input");
            }
            BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = nextLine(lines); line != null; line = nextLine(lines)) {
                if (!line.isEmpty()) {
                    allAllowed &= check(egress, line, out);
                }
            }
        } else {
            for (String url : urls) {
                allAllowed &= check(egress, url, out);
            }
        }
        out.flush();
        return allAllowed ? 0 : 1;
    }

    /** What the component's policy says and the verdicts don't. */
    private static List<String> notes(@Nullable ComponentPolicy rules) {
        List<String> notes = new ArrayList<>();
        if (rules != null && rules.mode() == EnforcementMode.REPORT) {
            notes.add("warning: the component is in report mode: what is denied by rules is recorded and let go");
        }
        if (rules != null && !rules.budgets().isEmpty()) {
            notes.add("warning: byte budgets are not asked: what is allowed may be refused with "
                    + ErrorCode.EGRESS_BUDGET_SPENT);
        }
        if (rules != null && rules.onManyNames() == OnManyNames.BLOCK) {
            notes.add("warning: names are not counted: a new name below a wildcard may be refused (MANY_NAMES)");
        }
        return notes;
    }

    /** The next line up to a line feed; a lone carriage return belongs to the URL, and makes it a refused one. */
    private @Nullable String nextLine(BufferedReader input) throws IOException {
        StringBuilder line = new StringBuilder();
        int c = input.read();
        if (c < 0) {
            return null;
        }
        while (c >= 0 && c != '\n') {
            if (line.length() <= MAX_LINE) {
                line.append((char) c); // one more than a URL may have: it is denied, and gets its line like any other
            }
            c = input.read();
        }
        int last = line.length() - 1;
        return last >= 0 && line.charAt(last) == '\r' ? line.substring(0, last) : line.toString();
    }

    private boolean check(EgressPolicy egress, String url, PrintWriter out) throws IOException {
        if (url.length() > MAX_LINE) {
            return denied(url.substring(0, MAX_LINE), malformed("it has more than " + MAX_LINE + " characters"), out);
        }
        TargetUrl target = TargetUrl.parse(url);
        if (target instanceof TargetUrl.Refused refused) {
            return denied(url, malformed(refused.why()), out);
        }
        Denied neverSent = MethodForm.refusal(method);
        if (neverSent != null) {
            return denied(url, neverSent, out);
        }
        EgressRequest request = ((TargetUrl.Parsed) target).request(component, method.toUpperCase(Locale.ROOT));
        EgressDecision decision = decide(egress, request);
        if (decision instanceof Denied refusal) {
            return denied(url, refusal, out);
        }
        if (json) {
            ObjectNode line = JSON.createObjectNode().put("verdict", "ALLOW").put("url", url);
            out.println(text(line.put("rule", ((EgressDecision.Allowed) decision).rule())));
        } else {
            out.println("ALLOW " + printable(url));
        }
        return true;
    }

    private static Denied malformed(String why) {
        return new Denied(
                ErrorCode.EGRESS_MALFORMED_TARGET,
                EgressDecision.Reason.MALFORMED_TARGET,
                why,
                null,
                "write the URL as scheme://host:port/path with a lower-case ASCII host");
    }

    private EgressDecision decide(EgressPolicy egress, EgressRequest request) {
        EgressDecision byPolicy = egress.decide(request);
        EgressDecision decision = byPolicy instanceof Denied refusal
                ? GrantRules.opening(grants, request, refusal)
                        .<EgressDecision>map(allowed -> allowed)
                        .orElse(refusal)
                : byPolicy;
        if (!resolve || decision instanceof Denied) {
            return decision;
        }
        List<InetAddress> addresses = addresses(request.host());
        List<InetAddress> judged = addresses.stream()
                .filter(address -> grants.stream().noneMatch(grant -> grant.opensAddress(request, address)))
                .toList();
        if (judged.isEmpty() && !addresses.isEmpty()) {
            return decision;
        }
        return egress.deniedConnection(request, judged)
                .<EgressDecision>map(denied -> denied.at(Layer.LOOKUP))
                .orElse(decision);
    }

    private List<InetAddress> addresses(String host) {
        try {
            return resolver.resolve(host);
        } catch (UnknownHostException e) {
            return List.of(); // no address, no connection: the decision on an empty answer says so
        }
    }

    private boolean denied(String url, Denied refusal, PrintWriter out) throws IOException {
        if (json) {
            ObjectNode line = JSON.createObjectNode()
                    .put("verdict", "DENY")
                    .put("url", url)
                    .put("code", refusal.code().code())
                    .put("reason", refusal.reason().name())
                    .put("detail", refusal.detail());
            refusal.rule().ifPresent(rule -> line.put("rule", rule));
            line.put("layer", refusal.layer().name().toLowerCase(Locale.ROOT));
            refusal.nearest().ifPresent(nearest -> line.put("nearest", nearest));
            out.println(text(line.put("remedy", refusal.remedy())));
        } else {
            String nearest =
                    refusal.nearest().map(name -> "; nearest allowed: " + name).orElse("");
            out.println("DENY " + printable(url) + " " + refusal.code() + " " + refusal.detail() + nearest);
        }
        return false;
    }

    private static String text(ObjectNode line) throws IOException {
        return JSON.writeValueAsString(line).replace("\u007f", "\\u007F");
    }

    private static String printable(String url) {
        StringBuilder text = new StringBuilder(url.length());
        for (int i = 0; i < url.length(); i++) {
            char c = url.charAt(i);
            boolean forges = Character.isISOControl(c) || Character.getType(c) == Character.FORMAT || c == '\u2028';
            if (forges || c == '\u2029') {
                text.append(String.format("\\u%04X", (int) c));
            } else {
                text.append(c);
            }
        }
        return text.toString();
    }

    private CommandSpec spec() {
        if (spec == null) {
            throw new IllegalStateException("picocli sets the specification");
        }
        return spec;
    }
}
