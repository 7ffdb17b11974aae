package dev.secureruntime.core.egress;

import dev.secureruntime.core.text.NearestName;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.CategoryPolicy;
import dev.secureruntime.policy.HostList;
import dev.secureruntime.policy.Policy;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The categories that the rules of one policy can name: those that are built in, with what the policy adds to them, and the
 * policy's own. Each is a bit. Immutable and thread-safe.
 */
final class Categories {

    /** Bits of a {@code long}, less room for more that are built in. */
    static final int MOST_OWN = 32;

    private final Map<String, Named> named = new LinkedHashMap<>();
    private final Map<Long, HostList> lists = new LinkedHashMap<>();

    private Categories(Policy policy) {
        for (Category category : Category.values()) {
            named.put(category.label(), new Named(category.label(), category.bit()));
        }
        policy.categories().forEach((label, category) -> {
            Named known = named.get(label);
            if (category.kind() == CategoryPolicy.Kind.OWN) {
                if (known != null) {
                    throw invalid(policy, label + " is built in; write \"extends\": \"" + label + "\" to add to it");
                }
                if (named.size() - Category.values().length == MOST_OWN) {
                    throw invalid(policy, "more than " + MOST_OWN + " categories of its own");
                }
                known = new Named(label, 1L << named.size());
                named.put(label, known);
            } else if (known == null || Category.named(label).isEmpty() || known.bit() == Category.RAW_IP.bit()) {
                String why = known == null ? " is not built in" : " is a form of hosts and has no list";
                throw invalid(policy, label + why + ": leave \"extends\" out and choose a name of your own");
            }
            lists.put(known.bit(), category.hosts());
        });
    }

    /** A category and its bit. */
    record Named(String label, long bit) {}

    /**
     * The categories of a policy.
     *
     * @throws SecureRuntimeException {@code SR-POLICY-004} when it redefines one, or adds to one that there is not
     */
    static Categories of(Policy policy) {
        return new Categories(policy);
    }

    private static SecureRuntimeException invalid(Policy policy, String why) {
        return new SecureRuntimeException(ErrorCode.POLICY_INVALID_VALUE, policy.source() + ": categories: " + why);
    }

    Optional<Named> find(String label) {
        return Optional.ofNullable(named.get(label));
    }

    /** A category that the policy was already checked to have. */
    Named get(String label) {
        return find(label).orElseThrow(() -> new IllegalStateException("an unknown category passed the check"));
    }

    /** What is unknown about a name, in words. */
    String unknown(String label) {
        String nearest = NearestName.of(label, named.keySet())
                .map(near -> "; did you mean \"" + near + "\"?")
                .orElse("");
        return "unknown category \"" + label + "\"; expected one of " + String.join(", ", named.keySet()) + nearest;
    }

    /** The labels of all categories in a set of bits. */
    List<String> labels(long bits) {
        return named.values().stream()
                .filter(category -> (bits & category.bit()) != 0)
                .map(Named::label)
                .toList();
    }

    /** The bits of all categories that a wildcard does not open; the policy's own are among them. */
    long deniedToWildcards() {
        long bits = 0;
        for (Named category : named.values()) {
            boolean denied = Category.named(category.label())
                    .map(Category::isDeniedToWildcards)
                    .orElse(true);
            bits |= denied ? category.bit() : 0;
        }
        return bits;
    }

    /** The lists of the categories in a set of bits, as one index. */
    CategoryLists lists(long bits) {
        Set<Category> builtIn = EnumSet.noneOf(Category.class);
        for (Category category : Category.values()) {
            if ((bits & category.bit()) != 0) {
                builtIn.add(category);
            }
        }
        Map<Long, HostList> own = new LinkedHashMap<>(lists);
        own.keySet().removeIf(bit -> (bits & bit) == 0);
        return CategoryLists.of(builtIn, own);
    }

    /**
     * Visits what a category holds, as rules would write it: exact names, {@code *.suffix}, and addresses where the list has
     * some.
     */
    void forEachPattern(String label, Consumer<String> visitor) {
        Category.named(label).ifPresent(category -> CategoryLists.of(Set.of(category))
                .sample(Integer.MAX_VALUE)
                .forEach(name -> {
                    visitor.accept(name);
                    if (category.coversSubdomains() && AddressText.parseCanonical(name) == null) {
                        visitor.accept("*." + name);
                    }
                }));
        HostList added = lists.get(get(label).bit());
        if (added != null) {
            added.forEach(visitor);
        }
    }

    /** The policy's own categories and additions that no bit of {@code used} stands for. */
    List<String> unused(long used) {
        return named.values().stream()
                .filter(category -> lists.containsKey(category.bit()) && (used & category.bit()) == 0)
                .map(Named::label)
                .toList();
    }
}
