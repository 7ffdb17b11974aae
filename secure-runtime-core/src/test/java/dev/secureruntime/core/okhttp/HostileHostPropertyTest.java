package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.core.egress.EgressPolicy;
import dev.secureruntime.core.egress.TargetUrl;
import dev.secureruntime.core.egress.TargetUrl.Parsed;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.Policy;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import okhttp3.HttpUrl;

/**
 * Hosts as attackers write them, generated. The oracle: of everything that disguises an address or another host nothing is
 * allowed, by our reading of the text and by OkHttp's; and where both read it, they read the same host and port.
 */
final class HostileHostPropertyTest {

    private static final EgressPolicy GUARD = EgressPolicy.compile(Policy.builder()
            .component(
                    "c",
                    ComponentPolicy.builder()
                            .allowHost("api.openai.com")
                            .allowHost("*.anthropic.com")
                            .build())
            .build());

    // ---- what is written

    /** One to four parts of an IPv4 address, in decimal, octal and hexadecimal, padded, and beyond their range. */
    @Provide
    Arbitrary<String> numericAddresses() {
        Arbitrary<Long> values = Arbitraries.longs()
                .between(0, 0x1_0000_0002L)
                .edgeCases(edges ->
                        edges.add(0L, 1L, 127L, 255L, 256L, 0x7f000001L, 0xa9fea9feL, 0xffffffffL, 0x100000000L));
        Arbitrary<String> part = Combinators.combine(
                        values,
                        Arbitraries.integers().between(0, 4),
                        Arbitraries.integers().between(0, 6))
                .as((value, radix, zeros) -> switch (radix) {
                    case 0 -> Long.toString(value);
                    case 1 -> "0" + "0".repeat(zeros) + Long.toOctalString(value);
                    case 2 -> "0x" + "0".repeat(zeros) + Long.toHexString(value);
                    case 3 -> "0X" + Long.toHexString(value).toUpperCase(Locale.ROOT);
                    default -> Long.toString(value % 256);
                });
        return part.list()
                .ofMinSize(1)
                .ofMaxSize(5)
                .flatMap(parts -> Arbitraries.of(String.join(".", parts), String.join(".", parts) + "."));
    }

    /** Dotted addresses in characters that some parsers fold into digits and dots. */
    @Provide
    Arbitrary<String> foldedAddresses() {
        return Combinators.combine(
                        Arbitraries.of("127.0.0.1", "169.254.169.254", "10.0.0.1", "0.0.0.0", "2130706433", "127.1"),
                        Arbitraries.of(0xFF10, 0x1D7CE, 0x1D7D8, 0x1D7F6, -1),
                        Arbitraries.of(".", "\u3002", "\uFF0E", "\uFF61"))
                .as((address, zero, dot) -> {
                    StringBuilder folded = new StringBuilder();
                    for (char c : address.toCharArray()) {
                        if (c == '.') {
                            folded.append(dot);
                        } else if (zero < 0) {
                            folded.appendCodePoint(c == '0' ? 0x24EA : 0x2460 + c - '1'); // circled
                        } else {
                            folded.appendCodePoint(zero + c - '0');
                        }
                    }
                    return folded.toString();
                });
    }

    /** IPv6 in many spellings, with an IPv4 address inside, with zones, out of form. */
    @Provide
    Arbitrary<String> ipv6() {
        Arbitrary<String> prefix = Arbitraries.of(
                "::",
                "::ffff:",
                "::ffff:0:",
                "64:ff9b::",
                "64:ff9b:1::",
                "2002:7f00:1::",
                "2001::",
                "fe80::",
                "::FFFF:",
                "0:0:0:0:0:ffff:",
                "0000:0000:0000:0000:0000:0000:",
                "fd00:ec2::",
                "fec0::",
                "1::2::",
                ":::",
                "::5efe:");
        Arbitrary<String> tail = Arbitraries.of(
                "127.0.0.1", "7f00:1", "7F00:0001", "254", "1", "0177.0.0.1", "127.1", "a9fe:a9fe", "12345", "");
        Arbitrary<String> zone = Arbitraries.of("", "", "", "%1", "%25eth0", "%lo");
        return Combinators.combine(prefix, tail, zone).as((front, back, scope) -> "[" + front + back + scope + "]");
    }

    /** A name that is allowed, changed so that it is another one, or none at all. */
    @Provide
    Arbitrary<String> disguisedNames() {
        Arbitrary<String> names = Arbitraries.of("api.openai.com", "api.anthropic.com", "x.y.anthropic.com");
        Arbitrary<String> strange = Arbitraries.of(
                "\t", "\n", "\r", "\0", " ", "\u00ad", "\u200b", "\u200d", "\u2060", "\ufeff", "\u202e", "\u2066",
                "%00", "%2e", "%09", "%0d%0a", "\u0131", "\u212a", "\u3002", "\uff0e", "\u2024", "@", "\\", ":", "..",
                "xn--", "xn--a-", "*", "|", "<", "^", "\u24d0", "\u1d5ba", "-", "_", "\u0301", "\ud800");
        Arbitrary<String> inserted = Combinators.combine(
                        names, strange, Arbitraries.integers().between(0, 17))
                .as((name, piece, at) -> {
                    int place = Math.min(at, name.length());
                    return name.substring(0, place) + piece + name.substring(place);
                });
        Arbitrary<String> wrapped = Combinators.combine(
                        names,
                        Arbitraries.of(
                                "%s.evil.example",
                                "%s@evil.example",
                                "evil.example\\@%s",
                                "evil.example#@%s",
                                "evil.example?@%s",
                                "%s\\.evil.example",
                                "%s:80@evil.example",
                                "evil.example/%s",
                                "evil%s",
                                "%s.",
                                "%s..",
                                ".%s",
                                "%s:",
                                "%s:443x",
                                "%s:0443",
                                "%s:99999",
                                "%s:-1",
                                "%s: 443",
                                "xn--%s",
                                "%s%%20",
                                "%s%%2f.evil.example"))
                .as((name, pattern) -> String.format(pattern, name));
        Arbitrary<String> long64 = names.map(name -> "a".repeat(64) + "." + name.substring(name.indexOf('.') + 1));
        Arbitrary<String> long254 = Arbitraries.just(("a".repeat(49) + ".").repeat(5) + "a." + "anthropic.com"); // 265
        Arbitrary<String> aLabels = Arbitraries.of(
                        "xn--99999999999999",
                        "xn--\u00e9",
                        "xn---",
                        "xn--a",
                        "xn--0",
                        "xn--zzzzzzzzzzzzzzzzzzzzzz",
                        "XN--BCHER-KVA9")
                .map(label -> label + ".evil.example");
        return Arbitraries.oneOf(inserted, wrapped, long64, long254, aLabels);
    }

    // ---- what is asked of it

    @Property(tries = 4000)
    void numericAddress_isNeverAllowed(@ForAll @From("numericAddresses") String host) {
        assertNeverAllowed(host);
        assertThat(GUARD.decide(ask(host))).isNotInstanceOf(Allowed.class);
    }

    @Property(tries = 2000)
    void foldedAddress_isNeverAllowed(@ForAll @From("foldedAddresses") String host) {
        assertNeverAllowed(host);
    }

    @Property(tries = 2000)
    void ipv6_isNeverAllowed_andReadAlikeOrRefused(@ForAll @From("ipv6") String host) throws Exception {
        assertNeverAllowed(host);
        if (TargetUrl.parse("https://" + host + "/") instanceof Parsed parsed) {
            // What is accepted is the address that the platform would connect to.
            assertThat(InetAddress.getByName(host).getAddress())
                    .isEqualTo(InetAddress.getByName(parsed.host()).getAddress());
        }
    }

    @Property(tries = 6000)
    void disguisedName_isAllowedOnlyWhereItIsTheNameItself(@ForAll @From("disguisedNames") String host) {
        for (String url : List.of("https://" + host, "https://" + host + "/v1", "https://u:p@" + host + "/")) {
            if (TargetUrl.parse(url) instanceof Parsed parsed && allows(parsed.request("c", "GET"))) {
                // A dash or an underscore more is another name below the wildcard, which is written plainly.
                assertThat(parsed.host()).matches("api\\.openai\\.com|[a-z0-9_.-]+\\.anthropic\\.com");
                assertThat(url).isEqualTo("https://" + parsed.host() + (url.endsWith("/v1") ? "/v1" : ""));
            }
            assertReadAlike(url);
        }
    }

    /** OkHttp reads what we refuse; what it reads, the policy is asked about, and it says the same of our text's host. */
    private static void assertNeverAllowed(String host) {
        String url = "https://" + host + "/";
        if (TargetUrl.parse(url) instanceof Parsed parsed) {
            assertThat(allows(parsed.request("c", "GET"))).as(url).isFalse();
        }
        HttpUrl read = HttpUrl.parse(url);
        if (read != null) {
            assertThat(allows(ask(read))).as(url).isFalse();
        }
        assertReadAlike(url);
    }

    private static void assertReadAlike(String url) {
        HttpUrl read = HttpUrl.parse(url);
        if (TargetUrl.parse(url) instanceof Parsed parsed && read != null) {
            assertThat(canonical(parsed.host())).as(url).isEqualTo(canonical(read.host()));
            assertThat(parsed.port()).as(url).isEqualTo(read.port());
            assertThat(parsed.scheme()).as(url).isEqualTo(read.scheme());
        }
        // What a call of OkHttp's is allowed by is a name that is written plainly, whatever it was made from.
        if (read != null && allows(ask(read))) {
            assertThat(read.host()).as(url).matches("api\\.openai\\.com|[a-z0-9_.-]+\\.anthropic\\.com");
        }
    }

    /** An address as its bytes: OkHttp writes an IPv4-mapped one as the IPv4 address that a socket would take it for. */
    private static String canonical(String host) {
        if (host.indexOf(':') < 0 && !host.matches("[0-9.]+")) {
            return host;
        }
        try {
            return Arrays.toString(InetAddress.getByName(host).getAddress());
        } catch (UnknownHostException e) {
            throw new AssertionError("neither an address nor a name: " + host, e);
        }
    }

    private static EgressRequest ask(HttpUrl url) {
        return new EgressRequest("c", "GET", url.scheme(), url.host(), url.port(), url.encodedPath(), List.of());
    }

    private static EgressRequest ask(String host) {
        return new EgressRequest("c", "GET", "https", host, 443, "/", List.of());
    }

    private static boolean allows(EgressRequest request) {
        EgressDecision decision = GUARD.decide(request);
        return decision instanceof Allowed;
    }
}
