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

    private static final Map<Set<Category>, CategoryLists> READ = new ConcurrentHashMap<>();
    private static final int SUBTREE = subtreeBits();

    private final NameIndex index;
    private final int[] bits;

    private CategoryLists(Map<String, Integer> names) {
        index = new NameIndex(names.keySet());
        bits = names.values().stream().mapToInt(Integer::intValue).toArray();
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
        int hash = 0;
        int labels = 1;
        for (int i = host.length() - 1; i >= 0; i--) {
            char c = host.charAt(i);
            if (c == '.') {
                if (index.hasNameOf(labels)) {
                    int number = index.find(host, i + 1, hash);
                    if (number >= 0) {
                        found |= bits[number] & SUBTREE;
                    }
                }
                labels++;
            }
            hash = NameIndex.step(hash, c);
        }
        int number = index.find(host, 0, hash);
        return number < 0 ? found : found | bits[number];
    }

    /** Some of the names. */
    List<String> sample(int most) {
        List<String> names = new ArrayList<>();
        for (int number = 0; number < Math.min(most, index.size()); number++) {
            names.add(index.name(number));
        }
        return names;
    }
}
