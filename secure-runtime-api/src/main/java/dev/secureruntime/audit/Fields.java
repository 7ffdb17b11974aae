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
 * An event's attributes in the order in which they were given. Events are made for every call and have few of them: an
 * array costs a fraction of a hash table, and looking at each name to find one costs little. Immutable.
 */
final class Fields extends AbstractMap<String, Attribute> {

    /** Name, value, name, value, ... */
    private final Object[] fields;

    private Fields(Object[] fields) {
        this.fields = fields;
    }

    @Override
    public int size() {
        return fields.length / 2;
    }

    @Override
    public boolean containsKey(@Nullable Object name) {
        return get(name) != null;
    }

    @Override
    public @Nullable Attribute get(@Nullable Object name) {
        for (int i = 0; i < fields.length; i += 2) {
            if (fields[i].equals(name)) {
                return (Attribute) fields[i + 1];
            }
        }
        return null;
    }

    @Override
    public void forEach(BiConsumer<? super String, ? super Attribute> action) {
        for (int i = 0; i < fields.length; i += 2) {
            action.accept((String) fields[i], (Attribute) fields[i + 1]);
        }
    }

    @Override
    public Set<Map.Entry<String, Attribute>> entrySet() {
        return new AbstractSet<>() {
            @Override
            public int size() {
                return fields.length / 2;
            }

            @Override
            public Iterator<Map.Entry<String, Attribute>> iterator() {
                return new Iterator<>() {
                    private int next;

                    @Override
                    public boolean hasNext() {
                        return next < fields.length;
                    }

                    @Override
                    public Map.Entry<String, Attribute> next() {
                        if (next == fields.length) {
                            throw new NoSuchElementException();
                        }
                        next += 2;
                        return Map.entry((String) fields[next - 2], (Attribute) fields[next - 1]);
                    }
                };
            }
        };
    }

    /** Collects fields; not thread-safe. */
    static final class Draft {

        /** From so many on, names are found through a table, so that many fields don't take the square of the time. */
        private static final int MANY = 16;

        private Object[] fields = new Object[16];
        private int size;
        private @Nullable Map<String, Integer> places;

        /** Adds a field, or gives the one of that name another value. */
        void put(String name, Attribute value) {
            int place = place(name);
            if (place == size) {
                if (size == fields.length) {
                    fields = Arrays.copyOf(fields, 2 * size);
                }
                fields[size] = name;
                size += 2;
            }
            fields[place + 1] = value;
        }

        private int place(String name) {
            if (size >= 2 * MANY) {
                Map<String, Integer> table = places;
                if (table == null) {
                    table = new HashMap<>();
                    for (int i = 0; i < size; i += 2) {
                        table.put((String) fields[i], i);
                    }
                    places = table;
                }
                Integer known = table.putIfAbsent(name, size);
                return known == null ? size : known;
            }
            int place = 0;
            while (place < size && !name.equals(fields[place])) {
                place += 2;
            }
            return place;
        }

        Fields finished() {
            return new Fields(Arrays.copyOf(fields, size));
        }
    }
}
