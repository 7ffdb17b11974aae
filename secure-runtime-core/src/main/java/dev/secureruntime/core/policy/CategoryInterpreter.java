package dev.secureruntime.core.policy;

import dev.secureruntime.policy.CategoryPolicy;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Reads the categories that a policy defines or adds to. A relative path must stay inside the policy's folder, links
 * followed: whoever may edit the policy alone must not make the runtime read files elsewhere by a name that hides it.
 */
final class CategoryInterpreter {

    private static final List<String> CATEGORY = List.of("file", "extends");

    private final Reading reading;
    private final Path folder;

    CategoryInterpreter(Reading reading, Path folder) {
        this.reading = reading;
        this.folder = folder;
    }

    CategoryPolicy category(String name, Node node, String path) {
        Map<String, Node> members = reading.known(node, path, CATEGORY);
        Node extended = members.get("extends");
        if (extended != null && !reading.text(extended, path + ".extends").equals(name)) {
            throw reading.errors()
                    .invalid(
                            extended.at(),
                            "expected the category's own name at " + path + ".extends: a built-in category"
                                    + " is added to under its own name");
        }
        Node fileNode = members.get("file");
        if (fileNode == null) {
            throw reading.errors().invalid(node.at(), "expected a member \"file\" in " + path);
        }
        Path file = file(fileNode, path + ".file");
        var hosts = HostListFile.read(file, fileNode.at(), reading.errors());
        return extended == null ? CategoryPolicy.own(hosts) : CategoryPolicy.addition(hosts);
    }

    private Path file(Node node, String path) {
        String text = reading.text(node, path);
        if (text.isEmpty() || text.codePointCount(0, text.length()) > 4096) {
            throw reading.errors().invalid(node.at(), "expected a path at " + path);
        }
        try {
            Path given = Path.of(text);
            Path real = folder.resolve(given).toRealPath();
            if (!given.isAbsolute() && !real.startsWith(folder.toRealPath())) {
                throw reading.errors()
                        .invalid(
                                node.at(),
                                path + " leads out of the policy's folder; write an absolute path if that is"
                                        + " meant");
            }
            return real;
        } catch (InvalidPathException e) {
            throw reading.errors().invalid(node.at(), "expected a path at " + path);
        } catch (IOException e) {
            throw reading.errors().unreadable(node.at(), path + ": no such file, or not to be read");
        }
    }
}
