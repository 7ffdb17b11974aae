package dev.secureruntime.core.egress;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.IDN;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The suffixes below which anybody may get a name: the Public Suffix List, read from {@code public_suffix_list.dat}
 * (MPL-2.0, a file of its own) when the first wildcard is compiled. Immutable and thread-safe.
 */
final class PublicSuffixes {

    private static final String LIST = "public_suffix_list.dat";

    private final Set<String> rules = new HashSet<>();
    private final Set<String> wildcards = new HashSet<>();
    private final Set<String> exceptions = new HashSet<>();
    /** All suffixes backwards, so that those below a name stand together. */
    private final NavigableSet<String> backwards = new TreeSet<>();

    private PublicSuffixes() {
        try (InputStream in = PublicSuffixes.class.getResourceAsStream(LIST)) {
            if (in == null) {
                throw new IllegalStateException(LIST + " is missing from the jar");
            }
            new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(line -> line.strip().split("\\s", 2)[0])
                    .filter(rule -> !rule.isEmpty() && !rule.startsWith("//"))
                    .forEach(this::add);
        } catch (IOException e) {
            throw new UncheckedIOException("can't read " + LIST, e);
        }
    }

    private void add(String rule) {
        if (rule.startsWith("!")) {
            exceptions.add(ascii(rule.substring(1)));
            return;
        }
        boolean wildcard = rule.startsWith("*.");
        String suffix = ascii(wildcard ? rule.substring(2) : rule);
        (wildcard ? wildcards : rules).add(suffix);
        backwards.add(backwards(suffix));
    }

    private static String backwards(String name) {
        return new StringBuilder(name).reverse().toString();
    }

    private static String ascii(String name) {
        return IDN.toASCII(name, IDN.ALLOW_UNASSIGNED);
    }

    static PublicSuffixes list() {
        return Lazy.LIST;
    }

    /** Whether the list names this suffix; a top-level name that it does not know is somebody's own. */
    boolean contains(String name) {
        if (exceptions.contains(name)) {
            return false;
        }
        int dot = name.indexOf('.');
        return rules.contains(name) || (dot > 0 && wildcards.contains(name.substring(dot + 1)));
    }

    /** Whether anybody may get a name below this one, at once or one level further down. */
    boolean isOpenBelow(String name) {
        return contains(name) || wildcards.contains(name);
    }

    /** The suffixes that lie below a name. */
    Stream<String> below(String name) {
        String key = backwards(name) + ".";
        return backwards.tailSet(key).stream()
                .takeWhile(suffix -> suffix.startsWith(key))
                .map(PublicSuffixes::backwards);
    }

    /** The public suffix with one more label, of a lower-case ASCII name; unknown top-level names count as suffixes. */
    Optional<String> registrableDomain(String name) {
        String below = "";
        String rest = name;
        while (true) {
            int dot = rest.indexOf('.');
            if (exceptions.contains(rest)) {
                return Optional.of(rest);
            }
            if (contains(rest) || dot < 0) {
                return below.isEmpty() ? Optional.empty() : Optional.of(below);
            }
            below = rest;
            rest = rest.substring(dot + 1);
        }
    }

    private static final class Lazy {
        private static final PublicSuffixes LIST = new PublicSuffixes();
    }
}
