package dev.secureruntime.core.egress;

import dev.secureruntime.core.text.NearestName;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds the words for a refusal: the precise reason, the nearest allowed name, the remedy. Off the fast path, and bounded:
 * at most {@value #MAX_COMPARED} names are compared, so that a flood of refusals stays cheap under a large policy.
 */
final class Refusals {

    static final int MAX_COMPARED = 4096;

    private final String place;
    private final String denyPlace;
    private final HostRules hosts;
    private final List<CompiledComponent.CategoryRule> categories;
    private final Categories known;
    private final int compared;

    /** Compares so many names for the nearest one; none where nobody reads which it is. */
    Refusals(
            String component,
            HostRules hosts,
            List<CompiledComponent.CategoryRule> categories,
            Categories known,
            int compared) {
        this.place = "components." + component + ".egress.allow";
        this.denyPlace = "components." + component + ".egress.deny";
        this.hosts = hosts;
        this.categories = categories;
        this.known = known;
        this.compared = compared;
    }

    static Denied unknownComponent(EgressRequest request) {
        return new Denied(
                ErrorCode.EGRESS_DENIED,
                Reason.HOST_NOT_ALLOWED,
                "the policy has no component of this name" + redirect(request),
                null,
                "add the component under components");
    }

    Denied malformed(EgressRequest request, String why) {
        return new Denied(
                ErrorCode.EGRESS_MALFORMED_TARGET,
                Reason.MALFORMED_TARGET,
                why + "; parsers disagree on it" + redirect(request),
                null,
                "write the host as a lower-case ASCII name without a trailing dot");
    }

    Denied deniedByHost(EgressRequest request) {
        String rule = hosts.covering(request.host()).stream()
                .filter(number -> hosts.isDeny(number) && hosts.scope(number).matches(request))
                .map(hosts::pattern)
                .findFirst()
                .orElse(request.host());
        return denyRule(request, ErrorCode.EGRESS_DENIED, "\"" + rule + "\"");
    }

    Denied deniedByCategory(EgressRequest request, String category) {
        return denyRule(request, ErrorCode.EGRESS_DENIED, "category " + category);
    }

    Denied deniedAddress(EgressRequest request, String rule) {
        return denyRule(request, ErrorCode.EGRESS_ADDRESS_DENIED, rule);
    }

    private Denied denyRule(EgressRequest request, ErrorCode code, String rule) {
        return new Denied(
                        code,
                        Reason.DENY_RULE,
                        "denied by " + rule + " in " + denyPlace + redirect(request),
                        null,
                        "take " + rule + " out of " + denyPlace
                                + ", or narrow it; a rule that denies beats all that allow")
                .by(rule);
    }

    Denied deniedToWildcard(EgressRequest request, String pattern, long bits) {
        return new Denied(
                ErrorCode.EGRESS_DENIED,
                Reason.HOST_NOT_ALLOWED,
                "the host is in category " + String.join(", ", known.labels(bits)) + ", which the wildcard \"" + pattern
                        + "\" does not open" + redirect(request),
                null,
                "allow \"" + request.host() + "\" by its exact name under " + place);
    }

    /** No rule matches in full; the one that comes closest says what is missing. */
    Denied notAllowed(EgressRequest request, long bits) {
        Denied nearMiss = null;
        for (long rule : hosts.covering(request.host())) {
            if (!hosts.isDeny(rule)) {
                nearMiss = better(nearMiss, outOfScope(request, hosts.scope(rule), "\"" + hosts.pattern(rule) + "\""));
            }
        }
        for (CompiledComponent.CategoryRule rule : categories) {
            if ((rule.category().bit() & bits) != 0) {
                nearMiss = better(
                        nearMiss,
                        outOfScope(request, rule.scope(), rule.allowed().rule()));
            }
        }
        if (nearMiss != null) {
            return nearMiss;
        }
        return new Denied(
                ErrorCode.EGRESS_DENIED,
                Reason.HOST_NOT_ALLOWED,
                "host not allowed" + redirect(request),
                nearest(request),
                "allow " + rule(request) + " under " + place);
    }

    /** Of two near misses, the one that got further: scheme, port, method and path are compared in this order. */
    private static Denied better(@Nullable Denied before, Denied now) {
        return before == null || now.reason().ordinal() > before.reason().ordinal() ? now : before;
    }

    private Denied outOfScope(EgressRequest request, CompiledScope scope, String rule) {
        Reason reason = scope.mismatch(request);
        String target = rule.replace("\"", "");
        if (reason == Reason.PATH_NOT_ALLOWED
                && PathForm.isAmbiguous(request.path().isEmpty() ? "/" : request.path())) {
            return new Denied(
                    ErrorCode.EGRESS_MALFORMED_TARGET,
                    Reason.MALFORMED_TARGET,
                    "the path is written in a form that servers read differently, and " + rule + " names paths"
                            + redirect(request),
                    target,
                    "write the path without dot segments, empty segments, \";\" and escapes of plain characters");
        }
        if (reason == null || reason == Reason.SCHEME_NOT_ALLOWED) {
            return scoped(request, Reason.SCHEME_NOT_ALLOWED, "scheme", quoted(request.scheme()), "schemes", rule);
        }
        if (reason == Reason.PORT_NOT_ALLOWED) {
            return scoped(request, reason, "port", String.valueOf(request.port()), "ports", rule);
        }
        if (reason == Reason.METHOD_NOT_ALLOWED) {
            return scoped(request, reason, "method", quoted(request.method()), "methods", rule);
        }
        return new Denied(
                ErrorCode.EGRESS_DENIED,
                reason,
                rule + " is allowed, but not under this path" + redirect(request),
                target,
                "add a pattern to the \"paths\" of " + rule + " under " + place);
    }

    private Denied scoped(EgressRequest request, Reason reason, String what, String value, String member, String rule) {
        return new Denied(
                ErrorCode.EGRESS_DENIED,
                reason,
                rule + " is allowed, but not with " + what + " " + value + redirect(request),
                rule.replace("\"", ""),
                "add " + value + " to the \"" + member + "\" of " + rule + " under " + place);
    }

    /** An address that stays closed is refused as one, also where a rule comes near: report mode lets no special one go. */
    Denied literalNotAllowed(
            EgressRequest request,
            List<AddressRules.Rule> covering,
            byte[] address,
            AddressRules.@Nullable Closed closed) {
        Denied nearMiss = null;
        for (AddressRules.Rule rule : covering) {
            nearMiss = better(
                    nearMiss, outOfScope(request, rule.scope(), rule.allowed().rule()));
        }
        if (nearMiss != null) {
            return closed == null
                    ? nearMiss
                    : new Denied(
                            ErrorCode.EGRESS_ADDRESS_DENIED,
                            nearMiss.reason(),
                            nearMiss.detail(),
                            nearMiss.nearestName(),
                            nearMiss.remedy());
        }
        if (closed != null) {
            return specialAddress(request, closed);
        }
        return new Denied(
                ErrorCode.EGRESS_DENIED,
                Reason.HOST_NOT_ALLOWED,
                "the host is an address, and only a cidr rule allows one" + redirect(request),
                null,
                "call the service by a name that is allowed, or allow " + cidr(address, request) + " under " + place);
    }

    Denied specialAddress(EgressRequest request, AddressRules.Closed closed) {
        return special(request, closed, "");
    }

    Denied mixedAddresses(EgressRequest request, AddressRules.Closed closed) {
        return special(request, closed, "; the name also has public addresses, and is refused as a whole");
    }

    Denied noAddress(EgressRequest request) {
        return new Denied(
                ErrorCode.EGRESS_ADDRESS_DENIED,
                Reason.SPECIAL_ADDRESS,
                "the name has no address" + redirect(request),
                null,
                "check the name and its resolver");
    }

    private Denied special(EgressRequest request, AddressRules.Closed closed, String more) {
        String remedy = closed.metadata()
                ? "leave it closed: it gives out the machine's credentials. Only a cidr rule for this very address"
                        + " opens it, " + cidr(closed.address(), request) + " under " + place
                : "allow " + cidr(closed.address(), request) + " under " + place;
        return new Denied(
                ErrorCode.EGRESS_ADDRESS_DENIED,
                Reason.SPECIAL_ADDRESS,
                "the address " + AddressText.print(closed.address()) + " is special (" + closed.purpose()
                        + "), and no cidr rule opens it" + more + redirect(request),
                null,
                remedy);
    }

    /** The rule that would allow the host; a bare string says https on 443. */
    private static String rule(EgressRequest request) {
        String host = "\"" + request.host() + "\"";
        boolean https = request.scheme().equals("https");
        if (https && request.port() == 443) {
            return host;
        }
        return "{\"host\": " + host + (https ? "" : ", \"schemes\": [\"http\"]") + ", \"ports\": [" + request.port()
                + "]}";
    }

    private static String cidr(byte[] address, EgressRequest request) {
        return "{\"cidr\": \"" + AddressText.print(address) + (address.length == 4 ? "/32" : "/128")
                + "\", \"ports\": [" + request.port() + "]}";
    }

    /** The allowed name that was probably meant; failing that, the one that redirected here. */
    private @Nullable String nearest(EgressRequest request) {
        List<String> allowed = hosts.allowedPatterns(compared);
        String near = NearestName.of(request.host(), allowed).orElse(null);
        if (near != null) {
            return near;
        }
        String best = null;
        int mostShared = 1;
        for (String name : allowed) {
            int shared = sharedLabels(name, request.host());
            if (shared > mostShared) {
                best = name;
                mostShared = shared;
            }
        }
        if (best == null && !request.redirectedFrom().isEmpty()) {
            String from = request.redirectedFrom().get(request.redirectedFrom().size() - 1);
            best = HostForm.of(from) == HostForm.NAME && !hosts.covering(from).isEmpty() ? from : null;
        }
        return best;
    }

    private static int sharedLabels(String a, String b) {
        int i = a.length() - 1;
        int j = b.length() - 1;
        int labels = 0;
        while (i >= 0 && j >= 0 && a.charAt(i) == b.charAt(j)) {
            if (a.charAt(i) == '.') {
                labels++;
            }
            i--;
            j--;
        }
        boolean whole = (i < 0 || a.charAt(i) == '.') && (j < 0 || b.charAt(j) == '.');
        return whole ? labels + 1 : labels;
    }

    private static String redirect(EgressRequest request) {
        if (request.redirectedFrom().isEmpty()) {
            return "";
        }
        String from = request.redirectedFrom().get(request.redirectedFrom().size() - 1);
        return "; reached by redirect from " + (HostForm.of(from) == HostForm.MALFORMED ? "another host" : from);
    }

    /** Schemes and methods are printed only where they look like some. */
    private static String quoted(String token) {
        return token.matches("[A-Za-z][A-Za-z0-9+.-]{0,31}") ? "\"" + token + "\"" : "of this kind";
    }
}
