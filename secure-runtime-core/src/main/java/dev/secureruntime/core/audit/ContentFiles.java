package dev.secureruntime.core.audit;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The files of sealed values in a content store. Each start of a writer begins a new one, so that nothing is ever written
 * behind a torn entry. What follows the last whole entry of a file is ignored.
 */
final class ContentFiles {

    private static final String SUFFIX = ".sealed";

    private ContentFiles() {}

    /** Told of each entry in order. */
    @FunctionalInterface
    interface Visitor {
        /** Whether to go on. */
        boolean visit(ContentEntry entry) throws IOException;
    }

    static List<Path> all(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.getFileName().toString().matches("[0-9]{20}\\.sealed"))
                    .sorted()
                    .toList();
        }
    }

    /** The file behind the last one. */
    static Path next(Path directory) throws IOException {
        List<Path> files = all(directory);
        long number = 0;
        if (!files.isEmpty()) {
            String last = files.get(files.size() - 1).getFileName().toString();
            number = Long.parseLong(last.substring(0, last.length() - SUFFIX.length())) + 1;
        }
        String digits = Long.toString(number);
        return directory.resolve("0".repeat(20 - digits.length()) + digits + SUFFIX);
    }

    /**
     * Reads a file's entries.
     *
     * @return the number of bytes that are no whole entry, at its end
     */
    static long read(Path file, Visitor visitor) throws IOException {
        try (FileChannel channel = LineReader.openRegular(file);
                DataInputStream in =
                        new DataInputStream(new BufferedInputStream(Channels.newInputStream(channel), 1 << 16))) {
            long left = channel.size();
            while (left >= Integer.BYTES) {
                int length = ContentEntry.length(in.readInt());
                if (length < 0 || length > left - Integer.BYTES) {
                    return left;
                }
                ContentEntry entry = ContentEntry.parse(in.readNBytes(length));
                if (entry == null) {
                    return left;
                }
                if (!visitor.visit(entry)) {
                    return 0;
                }
                left -= Integer.BYTES + length;
            }
            return left;
        }
    }
}
