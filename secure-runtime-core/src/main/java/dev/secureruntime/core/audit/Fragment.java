package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Hex;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * What an interrupted write left behind, kept as evidence before it is cut off: {@code recovered/FILE.OFFSET.HASH.fragment}.
 *
 * <p>Place and content give the name, so a start that is interrupted between keeping and cutting finds the same file again,
 * and another fragment at the same place gets another. It holds what a record or a checkpoint holds, and nothing more.
 */
record Fragment(LogFiles files, String file, long offset, byte[] sha256) {

    /** A torn record is shorter; only blocks of zeros that were never written can go on beyond. */
    static final int MAX_BYTES = 64 * 1024;

    private static final int HASH_DIGITS = 16;

    /** Stores the fragment's first bytes durably; returns the file's path relative to the log's directory. */
    String keep(byte[] start) throws IOException {
        Path directory = files.recovered();
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            Files.createDirectory(directory);
            Durable.forceDirectory(files.directory());
        }
        Path target = directory.resolve(file.substring(file.lastIndexOf('/') + 1) + "." + offset + "."
                + Hex.text(sha256).substring(0, HASH_DIGITS) + ".fragment");
        Durable.replace(target, start);
        return directory.getFileName() + "/" + target.getFileName();
    }
}
