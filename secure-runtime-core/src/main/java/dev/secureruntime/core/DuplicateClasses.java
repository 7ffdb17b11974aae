package dev.secureruntime.core;

import java.io.IOException;
import java.net.URL;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Finds classes that stand on the class path more than once: the first one wins, and two releases of one library side by
 * side are decided by the order of declaration.
 */
final class DuplicateClasses {

    private DuplicateClasses() {}

    /** The places that hold {@code resource}; empty when they can't be listed. */
    static List<String> find(String resource) {
        ClassLoader loader = DuplicateClasses.class.getClassLoader();
        if (loader == null) {
            return List.of();
        }
        try {
            List<String> places = new ArrayList<>();
            for (URL url : Collections.list(loader.getResources(resource))) {
                places.add(url.toString());
            }
            return places;
        } catch (IOException e) {
            return List.of();
        }
    }
}
