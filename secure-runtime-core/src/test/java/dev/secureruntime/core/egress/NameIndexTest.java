package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NameIndexTest {

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 23, 24, 100, 4_096, 4_097, 50_000})
    void find_namesOfAnyNumberAndLength_findsThoseAndNoOthers(int number) {
        Random random = new Random(number);
        Map<String, Integer> names = new LinkedHashMap<>();
        while (names.size() < number) {
            names.put(name(random), random.nextInt());
        }
        NameIndex index = new NameIndex(names);

        Set<Integer> slots = new TreeSet<>();
        names.forEach((name, value) -> {
            int slot = find(index, name);
            assertThat(slot).isBetween(0, index.slots() - 1);
            slots.add(slot);
            if (index.value(slot) != value || !index.name(slot).equals(name)) {
                assertThat(index.name(slot) + "=" + index.value(slot)).isEqualTo(name + "=" + value);
            }
        });
        assertThat(slots).hasSameSizeAs(names.keySet());
        for (int i = 0; i < 2_000; i++) {
            String other = name(random);
            assertThat(find(index, other) >= 0).isEqualTo(names.containsKey(other));
        }
    }

    /** Names that are made by a pattern would else stand behind each other, and finding one mean looking at dozens. */
    @ParameterizedTest
    @ValueSource(strings = {"host-%03d.dept-%03d.corp.example", "a%03d-bbbbb%03d.example", "%03d%03d.example"})
    void mix_namesThatDifferInTwoNumbers_haveHashesOfTheirOwn(String pattern) {
        Set<Long> hashes = new TreeSet<>();
        for (int i = 0; i < 10_000; i++) {
            hashes.add(mixed(pattern.formatted(i / 100, i % 100)));
        }
        assertThat(hashes).hasSize(10_000);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 100, 4_096, 4_097, 9_000})
    void visit_someOrAll_visitsThemInTheirOrderOrAllOfThem(int number) {
        Map<String, Integer> names = new LinkedHashMap<>();
        for (int i = 0; i < number; i++) {
            names.put("name-" + i + ".example", i);
        }
        NameIndex index = new NameIndex(names);
        List<String> given = List.copyOf(names.keySet());
        List<String> some = new ArrayList<>();
        index.visit(50, slot -> some.add(index.name(slot)));
        List<String> all = new ArrayList<>();
        index.visit(Integer.MAX_VALUE, slot -> all.add(index.name(slot)));

        assertThat(some).isEqualTo(given.subList(0, Math.min(50, number)));
        assertThat(all).containsExactlyInAnyOrderElementsOf(given);
    }

    /** Mostly short, so that some come twice; at most 253 characters. */
    private static String name(Random random) {
        int length = 1 + (random.nextInt(4) == 0 ? random.nextInt(253) : random.nextInt(30));
        StringBuilder name = new StringBuilder();
        for (int i = 0; i < length; i++) {
            name.append("ab-.".charAt(random.nextInt(4)));
        }
        return name.toString();
    }

    private static int find(NameIndex index, String host) {
        return index.find(host, 0, mixed(host));
    }

    private static long mixed(String name) {
        long hash = 0;
        for (int i = name.length() - 1; i >= 0; i--) {
            hash = NameIndex.step(hash, name.charAt(i));
        }
        return NameIndex.mix(hash);
    }
}
