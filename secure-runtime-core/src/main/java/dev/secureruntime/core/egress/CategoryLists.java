package dev.secureruntime.core.egress;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The names of the built-in categories that one policy needs, as one index: a host's categories come as a set of bits
 * from one pass over it. Immutable and thread-safe.
 */
final class CategoryLists {

    /** One list whose rows name their category first. */
    private static final String MIXED = "exfil_services.guarddog.csv";

    /** Policies are reloaded, and an application has few of them: a handful of sets is all that is ever asked for. */
    private static final int MOST_KEPT = 16;

    private static final int FILTER_BITS = 16;

    private static final Map<Set<Category>, CategoryLists> READ = new ConcurrentHashMap<>();
    private static final int SUBTREE = subtreeBits();

    private final NameIndex index;
    /** A Bloom filter over the names, small enough to stay in a cache: almost every host is in no category. */
    private final long[] filter;

    private final int filterMask;

    private CategoryLists(Map<String, Integer> names) {
        index = new NameIndex(names);
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

    private static int subtreeBits() {
        int bits = 0;
        for (Category category : Category.values()) {
            bits |= category.coversSubdomains() ? category.bit() : 0;
        }
        return bits;
    }

    /** The lists of these categories; read once for each of the first few sets that policies ask for. */
    static CategoryLists of(Set<Category> categories) {
        Set<Category> wanted = Set.copyOf(categories);
        CategoryLists known = READ.get(wanted);
        if (known != null) {
            return known;
        }
        CategoryLists lists = read(wanted);
        if (READ.size() < MOST_KEPT) {
            READ.put(wanted, lists);
        }
        return lists;
    }

    private static CategoryLists read(Set<Category> wanted) {
        Map<String, Integer> names = new LinkedHashMap<>();
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
        return new CategoryLists(names);
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

    private static void add(Map<String, Integer> names, String line, Category category) {
        String entry = line.strip();
        if (entry.isEmpty() || entry.startsWith("#")) {
            return;
        }
        // A path says where on a host the service is; what is denied is the host, since paths have many spellings.
        int slash = entry.indexOf('/');
        String name = slash < 0 ? entry : entry.substring(0, slash);
        names.merge(name.startsWith(".") ? name.substring(1) : name, category.bit(), (a, b) -> a | b);
    }

    /** The categories of a host, as {@link Category#bit bits}. */
    int of(String host) {
        int found = 0;
        long hash = 0;
        int labels = 1;
        for (int i = host.length() - 1; i >= 0; i--) {
            char c = host.charAt(i);
            if (c == '.') {
                if (index.hasNameOf(labels)) {
                    int record = index.find(host, i + 1, NameIndex.mix(hash));
                    if (record >= 0) {
                        found |= index.value(record) & SUBTREE;
                    }
                }
                labels++;
            }
            hash = NameIndex.step(hash, c);
        }
        int record = index.find(host, 0, NameIndex.mix(hash));
        return record < 0 ? found : found | index.value(record);
    }

    /** Some of the names. */
    List<String> sample(int most) {
        List<String> names = new ArrayList<>();
        index.visit(most, record -> names.add(index.name(record)));
        return names;
    }
}
