package dev.secureruntime.audit;

import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * An event's attributes in the order in which they were given. Events are made for every call and have few of them: two
 * arrays cost a fraction of a hash table, and looking at each name to find one costs little. Immutable.
 */
final class Fields extends AbstractMap<String, Attribute> {

    private final String[] names;
    private final Attribute[] values;

    private Fields(String[] names, Attribute[] values) {
        this.names = names;
        this.values = values;
    }

    @Override
    public int size() {
        return names.length;
    }

    @Override
    public boolean containsKey(@Nullable Object name) {
        return get(name) != null;
    }

    @Override
    public @Nullable Attribute get(@Nullable Object name) {
        for (int i = 0; i < names.length; i++) {
            if (names[i].equals(name)) {
                return values[i];
            }
        }
        return null;
    }

    @Override
    public void forEach(BiConsumer<? super String, ? super Attribute> action) {
        for (int i = 0; i < names.length; i++) {
            action.accept(names[i], values[i]);
        }
    }

    @Override
    public Set<Map.Entry<String, Attribute>> entrySet() {
        return new AbstractSet<>() {
            @Override
            public int size() {
                return names.length;
            }

            @Override
            public Iterator<Map.Entry<String, Attribute>> iterator() {
                return new Iterator<>() {
                    private int next;

                    @Override
                    public boolean hasNext() {
                        return next < names.length;
                    }

                    @Override
                    public Map.Entry<String, Attribute> next() {
                        if (next == names.length) {
                            throw new NoSuchElementException();
                        }
                        return Map.entry(names[next], values[next++]);
                    }
                };
            }
        };
    }

    /** Collects fields; not thread-safe. */
    static final class Draft {

        /** From so many on, names are found through a table, so that many fields don't take the square of the time. */
        private static final int MANY = 16;

        private String[] names = new String[8];
        private Attribute[] values = new Attribute[8];
        private int size;
        private @Nullable Map<String, Integer> places;

        /** Adds a field, or gives the one of that name another value. */
        void put(String name, Attribute value) {
            int place = place(name);
            if (place == size) {
                if (size == names.length) {
                    names = Arrays.copyOf(names, 2 * size);
                    values = Arrays.copyOf(values, 2 * size);
                }
                names[size++] = name;
            }
            values[place] = value;
        }

        private int place(String name) {
            if (size >= MANY) {
                Map<String, Integer> table = places;
                if (table == null) {
                    table = new HashMap<>();
                    for (int i = 0; i < size; i++) {
                        table.put(names[i], i);
                    }
                    places = table;
                }
                Integer known = table.putIfAbsent(name, size);
                return known == null ? size : known;
            }
            int place = 0;
            while (place < size && !names[place].equals(name)) {
                place++;
            }
            return place;
        }

        Fields finished() {
            return new Fields(Arrays.copyOf(names, size), Arrays.copyOf(values, size));
        }
    }
}
