package dev.secureruntime.core.egress;

import dev.secureruntime.policy.HostList;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The names of the categories that one policy needs, as one index: a host's categories come as a set of bits
 * from one pass over it. Immutable and thread-safe.
 */
final class CategoryLists {

    /** One list whose rows name their category first. */
    private static final String MIXED = "exfil_services.guarddog.csv";

    /** Policies are reloaded, and an application has few of them: a handful of sets is all that is ever asked for. */
    private static final int MOST_KEPT = 16;

    private static final int FILTER_BITS = 16;

    private static final Map<Set<Category>, CategoryLists> READ = new ConcurrentHashMap<>();

    private final NameIndex index;
    /** A Bloom filter over the names, small enough to stay in a cache: almost every host is in no category. */
    private final long[] filter;

    private final int filterMask;

    /** By the value of a name in the index: the categories of the name itself, and of what lies below. */
    private final long[] exact;

    private final long[] below;

    private CategoryLists(Names read) {
        Map<String, Integer> names = read.values;
        index = new NameIndex(names);
        exact = read.memberships.stream().mapToLong(Membership::exact).toArray();
        below = read.memberships.stream().mapToLong(Membership::below).toArray();
        int words = Integer.highestOneBit(Math.max(1, names.size() * FILTER_BITS / Long.SIZE)) * 2;
        filter = new long[names.isEmpty() ? 1 : words];
        filterMask = filter.length * Long.SIZE - 1;
        for (String name : names.keySet()) {
            long hash = 0;
            for (int i = name.length() - 1; i >= 0; i--) {
                hash = NameIndex.step(hash, name.charAt(i));
            }
            long mixed = NameIndex.mix(hash);
            set((int) (mixed >>> 40));
            set((int) (mixed >>> 20));
        }
    }

    private void set(int bit) {
        filter[(bit & filterMask) >>> 6] |= 1L << bit;
    }

    /** False when no name has this hash, {@link NameIndex#mix mixed}; true when one may have it. */
    boolean mayHold(long mixed) {
        int first = (int) (mixed >>> 40);
        if ((filter[(first & filterMask) >>> 6] & 1L << first) == 0) {
            return false;
        }
        int second = (int) (mixed >>> 20);
        return (filter[(second & filterMask) >>> 6] & 1L << second) != 0;
    }

    /** The lists of these categories; read once for each of the first few sets that policies ask for. */
    static CategoryLists of(Set<Category> categories) {
        Set<Category> wanted = Set.copyOf(categories);
        CategoryLists known = READ.get(wanted);
        if (known != null) {
            return known;
        }
        CategoryLists lists = new CategoryLists(read(wanted));
        if (READ.size() < MOST_KEPT) {
            READ.put(wanted, lists);
        }
        return lists;
    }

    /** The same with a policy's own lists, by their bits. Not kept: a policy is compiled once. */
    static CategoryLists of(Set<Category> categories, Map<Long, HostList> own) {
        if (own.isEmpty()) {
            return of(categories);
        }
        Names names = read(Set.copyOf(categories));
        own.forEach((bit, list) -> list.forEach(pattern -> {
            if (pattern.startsWith("*.")) {
                names.add(pattern.substring(2), 0, bit);
            } else {
                names.add(pattern, bit, 0);
            }
        }));
        return new CategoryLists(names);
    }

    private static Names read(Set<Category> wanted) {
        Names names = new Names();
        for (Category category : wanted) {
            for (String file : category.files()) {
                resource(file).lines().forEach(line -> add(names, line, category));
            }
        }
        if (!wanted.isEmpty()) {
            resource(MIXED).lines().skip(1).forEach(line -> {
                int comma = line.indexOf(',');
                Category.named(line.substring(0, comma))
                        .filter(wanted::contains)
                        .ifPresent(category -> add(names, line.substring(comma + 1), category));
            });
        }
        return names;
    }

    /** The text of a resource in the folder of the categories. */
    static String resource(String file) {
        try (InputStream in = CategoryLists.class.getResourceAsStream("categories/" + file)) {
            if (in == null) {
                throw new IllegalStateException("categories/" + file + " is missing from the jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("can't read categories/" + file, e);
        }
    }

    private static void add(Names names, String line, Category category) {
        String entry = line.strip();
        if (entry.isEmpty() || entry.startsWith("#")) {
            return;
        }
        // A path says where on a host the service is; what is denied is the host, since paths have many spellings.
        int slash = entry.indexOf('/');
        String name = slash < 0 ? entry : entry.substring(0, slash);
        names.add(
                name.startsWith(".") ? name.substring(1) : name,
                category.bit(),
                category.coversSubdomains() ? category.bit() : 0);
    }

    /** The categories of a host, as {@link Category#bit bits}. */
    long of(String host) {
        long found = 0;
        long hash = 0;
        int labels = 1;
        for (int i = host.length() - 1; i >= 0; i--) {
            char c = host.charAt(i);
            if (c == '.') {
                if (index.hasNameOf(labels)) {
                    int slot = index.find(host, i + 1, NameIndex.mix(hash));
                    if (slot >= 0) {
                        found |= below[index.value(slot)];
                    }
                }
                labels++;
            }
            hash = NameIndex.step(hash, c);
        }
        int slot = index.find(host, 0, NameIndex.mix(hash));
        return slot < 0 ? found : found | exact[index.value(slot)];
    }

    /** Some of the names. */
    List<String> sample(int most) {
        List<String> names = new ArrayList<>();
        index.visit(most, slot -> names.add(index.name(slot)));
        return names;
    }

    /** The categories that a name has by itself, and those that what lies below it has, as bits. */
    private record Membership(long exact, long below) {}

    /** Names in the making. Few kinds of membership are shared by many names. */
    private static final class Names {

        private final Map<String, Integer> values = new LinkedHashMap<>();
        private final Map<Membership, Integer> known = new HashMap<>();
        private final List<Membership> memberships = new ArrayList<>();

        void add(String name, long exact, long below) {
            Integer before = values.get(name);
            Membership old = before == null ? new Membership(0, 0) : memberships.get(before);
            values.put(name, known.computeIfAbsent(new Membership(old.exact | exact, old.below | below), membership -> {
                memberships.add(membership);
                return memberships.size() - 1;
            }));
        }
    }
}
