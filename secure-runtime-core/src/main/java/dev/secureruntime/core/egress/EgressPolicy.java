package dev.secureruntime.core.egress;

import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.Policy;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A policy, compiled to decide on requests.
 *
 * <p>What holds: what no rule allows is refused; a rule that denies beats every rule that allows; a host in a form that
 * parsers disagree on is refused, whatever the rules; an address literal is allowed only by a {@code cidr} rule; a
 * special address (private, loopback, link-local, metadata, ...), by itself or inside an IPv6 address, is allowed only
 * by a {@code cidr} rule on its port, and cloud metadata only by one for that very address. Adding a rule that denies
 * never allows more.
 *
 * <p>What does not hold by itself: the decision is on what it is asked. The adapter has to ask about the host that the
 * client will really connect to, about every hop, and about the addresses that are really connected to.
 *
 * <p>Pure: no input, output, clock or name look-up after {@link #compile}. Never throws. Immutable and thread-safe.
 */
public final class EgressPolicy {

    private final String source;
    private final String version;
    private final Map<String, CompiledComponent> components;
    private final List<String> warnings;

    private EgressPolicy(
            String source, String version, Map<String, CompiledComponent> components, List<String> warnings) {
        this.source = source;
        this.version = version;
        this.components = components;
        this.warnings = warnings;
    }

    /**
     * Compiles a policy. Lists of categories are read from the jar only if the policy names one or allows a wildcard.
     *
     * @throws SecureRuntimeException {@code SR-POLICY-004} when a rule names a category that there is not, or allows one
     *     that can only be denied
     */
    public static EgressPolicy compile(Policy policy) {
        return compile(policy, "");
    }

    /** The same, for a policy whose decisions name its version. */
    public static EgressPolicy compile(Policy policy, String version) {
        return compile(policy, version, Refusals.MAX_COMPARED);
    }

    /** The same for answers that are only counted: refusals name no nearest name, the search for which takes most of their time. */
    static EgressPolicy compileWithoutNearest(Policy policy) {
        return compile(policy, "", 0);
    }

    private static EgressPolicy compile(Policy policy, String version, int compared) {
        Categories categories = Categories.of(policy);
        long needed = 0;
        for (Map.Entry<String, ComponentPolicy> component : policy.components().entrySet()) {
            needed |= needed(categories, policy.source(), component.getKey(), component.getValue());
        }
        CategoryLists lists = categories.lists(needed);
        Map<String, CompiledComponent> compiled = new HashMap<>();
        policy.components()
                .forEach((name, component) -> compiled.put(
                        name, new CompiledComponent(name, component, categories, lists, version, compared)));
        return new EgressPolicy(
                policy.source(), version, compiled, PolicyWarnings.of(policy, categories, lists, needed));
    }

    /**
     * Compiles a policy to judge connections that are open already, and carry any method and path: rules that allow do so
     * whatever their methods and paths, and rules that deny a name count where they name neither. An address is denied to
     * whole connections in any case.
     */
    public static EgressPolicy compileForConnections(Policy policy, String version) {
        Policy.Builder connections = Policy.builder().source(policy.source());
        policy.categories().forEach(connections::category);
        policy.components().forEach((name, component) -> {
            ComponentPolicy.Builder wide = ComponentPolicy.builder().mode(component.mode());
            component.allow().forEach(rule -> wide.allow(rule.ofAnyRequest()));
            for (EgressRule rule : component.deny()) {
                EgressRule wider = rule.ofAnyRequest();
                if (rule instanceof EgressRule.Cidr || rule.equals(wider)) {
                    wide.deny(wider);
                } else if (rule instanceof EgressRule.Category category
                        && category.name().equals(Category.CLOUD_METADATA.label())) {
                    // Its names stay as they are.
                    for (byte[] address : AddressRules.metadataAddresses()) {
                        wide.deny(EgressRule.cidr(AddressText.print(address), wider.scope()));
                    }
                }
            }
            connections.component(name, wide.build());
        });
        return compile(connections.build(), version);
    }

    /** The bits of the categories that a component's decisions depend on. */
    private static long needed(Categories categories, String source, String component, ComponentPolicy policy) {
        long needed = 0;
        for (EgressRule rule : policy.allow()) {
            if (rule instanceof EgressRule.Category category) {
                needed |= known(categories, source, component, category).bit();
                if (!Category.named(category.name()).map(Category::mayBeAllowed).orElse(true)) {
                    throw invalid(
                            source,
                            component,
                            "category \"" + category.name() + "\" can only be denied; open single addresses with cidr");
                }
            }
            if (rule instanceof EgressRule.Host host && host.pattern().startsWith("*.")) {
                needed |= categories.deniedToWildcards();
            }
        }
        for (EgressRule rule : policy.deny()) {
            if (rule instanceof EgressRule.Category category) {
                needed |= known(categories, source, component, category).bit();
            }
        }
        return needed;
    }

    private static Categories.Named known(
            Categories categories, String source, String component, EgressRule.Category rule) {
        return categories
                .find(rule.name())
                .orElseThrow(() -> invalid(source, component, categories.unknown(rule.name())));
    }

    private static SecureRuntimeException invalid(String source, String component, String why) {
        return new SecureRuntimeException(
                ErrorCode.POLICY_INVALID_VALUE, source + ": components." + component + ".egress: " + why);
    }

    /** The names of the built-in categories, as policies write them. */
    public static List<String> categories() {
        return Arrays.stream(Category.values()).map(Category::label).toList();
    }

    /** Where the policy came from, as it is named to people. */
    public String source() {
        return source;
    }

    /** What is allowed by the policy and probably not meant, in words for its author. */
    public List<String> warnings() {
        return warnings;
    }

    /** Decides on a request before its host is looked up. */
    public EgressDecision decide(EgressRequest request) {
        CompiledComponent component = components.get(request.component());
        return component == null ? Refusals.unknownComponent(request).under(version) : component.decide(request);
    }

    /**
     * Decides on a request once its host's addresses are known: all of them, in one call. The answer covers
     * {@link #decide} too. When special addresses are among public ones, the whole answer is refused unless rules open
     * all of the special ones: picking the good ones would let the client move on to the next.
     */
    public EgressDecision decideAddresses(EgressRequest request, List<InetAddress> addresses) {
        CompiledComponent component = components.get(request.component());
        EgressDecision decision =
                component == null ? Refusals.unknownComponent(request) : component.decideAddresses(request, addresses);
        return decision instanceof EgressDecision.Denied denied ? denied.under(version) : decision;
    }

    /**
     * Why a component may not open a connection to these addresses of a host; empty when it may. Asked beneath the request:
     * the rules for names, methods and paths were asked before, and a connection may carry many requests.
     */
    public Optional<EgressDecision.Denied> deniedConnection(EgressRequest request, List<InetAddress> addresses) {
        CompiledComponent component = components.get(request.component());
        EgressDecision.Denied denied =
                component == null ? Refusals.unknownComponent(request) : component.deniedConnection(request, addresses);
        return denied == null ? Optional.empty() : Optional.of(denied.under(version));
    }

    /** The bytes that a component's compiled host rules take; 0 for a component that there is not. */
    public long bytes(String component) {
        CompiledComponent compiled = components.get(component);
        return compiled == null ? 0 : compiled.bytes();
    }
}
