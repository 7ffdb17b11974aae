package dev.secureruntime.core.egress;

import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One component's egress policy, ready to decide. In this order: a host that is not clean is refused; a rule that denies
 * beats all; an exact name in {@code allow} opens; a wildcard opens what no default denial holds; a category opens what
 * is listed; the rest is refused. Immutable and thread-safe.
 */
final class CompiledComponent {

    private final HostRules hosts;
    private final AddressRules addresses;
    private final List<CategoryRule> allowedCategories = new ArrayList<>();
    private final List<CategoryRule> deniedCategories = new ArrayList<>();
    private final CategoryLists lists;
    private final long deniedToWildcards;
    private final Refusals refusals;
    private final String version;

    CompiledComponent(
            String name,
            ComponentPolicy component,
            Categories categories,
            CategoryLists lists,
            String version,
            int compared) {
        this.version = version;
        this.hosts = new HostRules(component, lists, version);
        this.addresses = new AddressRules(component, version);
        this.lists = lists;
        this.deniedToWildcards = categories.deniedToWildcards();
        for (EgressRule rule : component.allow()) {
            if (rule instanceof EgressRule.Category category) {
                allowedCategories.add(
                        CategoryRule.of(category, categories, CompiledScope.ofAllow(category.scope()), version));
            }
        }
        for (EgressRule rule : component.deny()) {
            if (rule instanceof EgressRule.Category category) {
                deniedCategories.add(
                        CategoryRule.of(category, categories, CompiledScope.ofDeny(category.scope()), version));
            }
        }
        this.refusals = new Refusals(name, hosts, allowedCategories, categories, compared);
    }

    EgressDecision decide(EgressRequest request) {
        long match = hosts.match(request);
        // Most answers end here, without a look at the answer: it would be one more that memory is waited for.
        if (match >= 0 && (match & HostRules.MAY_HAVE_CATEGORY) == 0 && isPort(request.port())) {
            return hosts.answer(match);
        }
        EgressDecision decision;
        if (!isPort(request.port())) {
            decision = refusals.malformed(request, "the port is not from 1 to 65535");
        } else {
            decision = match == HostRules.NO_NAME ? decideNoName(request) : decideName(request, match);
        }
        return decision instanceof EgressDecision.Denied denied ? denied.under(version) : decision;
    }

    private static boolean isPort(int port) {
        return port >= 1 && port <= 65_535;
    }

    private EgressDecision decideNoName(EgressRequest request) {
        if (HostForm.of(request.host()) == HostForm.LITERAL) {
            byte[] address = AddressText.parseCanonical(request.host());
            return address == null
                    ? refusals.malformed(request, "the host looks like an address, and is none in canonical form")
                    : decideLiteral(request, address);
        }
        return refusals.malformed(
                request, "the host is neither a lower-case ASCII name nor an address in canonical form");
    }

    private EgressDecision decideName(EgressRequest request, long match) {
        if (match == HostRules.DENIED) {
            return refusals.deniedByHost(request);
        }
        boolean none = match < 0;
        boolean mayHaveCategory = (match & HostRules.MAY_HAVE_CATEGORY) != 0;
        long rule = match & ~HostRules.MAY_HAVE_CATEGORY;
        if (!mayHaveCategory) {
            return none ? refusals.notAllowed(request, 0) : hosts.answer(rule);
        }
        boolean exact = !none && !hosts.isWildcard(rule);
        long categories = lists.of(request.host());
        CategoryRule denying = first(deniedCategories, categories, request);
        if (denying != null) {
            return refusals.deniedByCategory(request, denying.category().label());
        }
        if (exact || (!none && (categories & deniedToWildcards) == 0)) {
            return hosts.answer(rule);
        }
        CategoryRule allowing = first(allowedCategories, categories, request);
        if (allowing != null) {
            return allowing.allowed();
        }
        return none
                ? refusals.notAllowed(request, categories)
                : refusals.deniedToWildcard(request, hosts.pattern(rule), categories & deniedToWildcards);
    }

    private EgressDecision decideLiteral(EgressRequest request, byte[] address) {
        // What its connection would be refused for, said before it is opened.
        EgressDecision.Denied denied = deniedAddress(request, address, scope -> scope.coversConnection(request));
        if (denied != null) {
            return denied;
        }
        long form = Category.RAW_IP.bit() | lists.of(request.host());
        CategoryRule category = first(deniedCategories, form, request);
        if (category != null) {
            return refusals.deniedByCategory(request, category.category().label());
        }
        List<AddressRules.Rule> covering = addresses.allowing(address);
        AddressRules.Closed closed = addresses.closed(address, request);
        for (AddressRules.Rule rule : covering) {
            if (rule.scope().matches(request)) {
                return closed == null ? rule.allowed() : refusals.specialAddress(request, closed);
            }
        }
        return refusals.literalNotAllowed(request, covering, address, closed);
    }

    private EgressDecision.@Nullable Denied deniedAddress(
            EgressRequest request, byte[] address, Predicate<CompiledScope> counts) {
        AddressRules.Rule rule = addresses.denying(address, counts);
        if (rule != null) {
            return refusals.deniedAddress(request, rule.allowed().rule());
        }
        for (byte[] face : AddressRules.faces(address)) {
            if (AddressRules.isMetadata(face)) {
                CategoryRule category = first(deniedCategories, Category.CLOUD_METADATA.bit(), counts);
                if (category != null) {
                    return refusals.deniedAddress(
                            request, "category " + category.category().label());
                }
            }
        }
        return null;
    }

    EgressDecision decideAddresses(EgressRequest request, List<InetAddress> resolved) {
        EgressDecision byName = decide(request);
        if (!(byName instanceof Allowed)) {
            return byName;
        }
        EgressDecision.Denied denied = deniedConnection(request, resolved);
        return denied == null ? byName : denied;
    }

    /** Why a connection may not be opened to these addresses, whatever is sent over it; null when it may. */
    EgressDecision.@Nullable Denied deniedConnection(EgressRequest request, List<InetAddress> resolved) {
        if (resolved.isEmpty()) {
            return refusals.noAddress(request);
        }
        boolean anyPublic = false;
        AddressRules.Closed firstClosed = null;
        for (InetAddress each : resolved) {
            byte[] address = each.getAddress();
            EgressDecision.Denied denied = deniedAddress(request, address, scope -> scope.coversConnection(request));
            if (denied != null) {
                return denied;
            }
            anyPublic |= !AddressRules.isSpecial(address);
            AddressRules.Closed closed = addresses.closed(address, request);
            firstClosed = firstClosed == null ? closed : firstClosed;
        }
        if (firstClosed == null) {
            return null;
        }
        return anyPublic
                ? refusals.mixedAddresses(request, firstClosed)
                : refusals.specialAddress(request, firstClosed);
    }

    private static @Nullable CategoryRule first(
            List<CategoryRule> rules, long categories, Predicate<CompiledScope> counts) {
        for (CategoryRule rule : rules) {
            if ((rule.category().bit() & categories) != 0 && counts.test(rule.scope())) {
                return rule;
            }
        }
        return null;
    }

    private static @Nullable CategoryRule first(List<CategoryRule> rules, long categories, EgressRequest request) {
        for (int i = 0; i < rules.size(); i++) {
            CategoryRule rule = rules.get(i);
            if ((rule.category().bit() & categories) != 0 && rule.scope().matches(request)) {
                return rule;
            }
        }
        return null;
    }

    /** The bytes that the compiled host rules take. */
    long bytes() {
        return hosts.bytes();
    }

    /** A compiled rule for a category, with the answer that it gives when it allows. */
    record CategoryRule(Categories.Named category, CompiledScope scope, Allowed allowed) {
        static CategoryRule of(EgressRule.Category rule, Categories categories, CompiledScope scope, String version) {
            return new CategoryRule(categories.get(rule.name()), scope, new Allowed(rule.describe(), version));
        }
    }
}
