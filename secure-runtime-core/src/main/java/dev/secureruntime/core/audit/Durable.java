package dev.secureruntime.core.audit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;

/**
 * Files that are there after a power failure, or are not: never half.
 *
 * <pre>
 *   replace:  open(temporary) write fsync close  rename(temporary, target)  fsync(directory)
 *   append:   open(file) write fsync close
 * </pre>
 */
final class Durable {

    private Durable() {}

    /** Puts {@code content} in the place of {@code target}, which may not exist yet. */
    static void replace(Path target, byte[] content, FileAttribute<?>... attributes) throws IOException {
        Path temporary = target.resolveSibling(target.getFileName() + ".tmp");
        Files.deleteIfExists(temporary);
        try (FileChannel channel = FileChannel.open(
                temporary, java.util.Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), attributes)) {
            write(channel, ByteBuffer.wrap(content));
            channel.force(true);
        }
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        forceDirectory(parent(target));
    }

    /** Appends to a file whose size must be {@code expectedSize}; 0 creates it. */
    static void append(Path file, long expectedSize, byte[] content) throws IOException {
        try (FileChannel channel = expectedSize == 0
                ? FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)
                : FileChannel.open(file, StandardOpenOption.WRITE)) {
            if (channel.size() != expectedSize) {
                throw new IOException(file + " has " + channel.size() + " bytes where the writer left " + expectedSize);
            }
            channel.position(expectedSize);
            write(channel, ByteBuffer.wrap(content));
            channel.force(true);
        }
        if (expectedSize == 0) {
            forceDirectory(parent(file));
        }
    }

    /** Cuts a file off, durably. */
    static void truncate(Path file, long size) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(size);
            channel.force(true);
        }
    }

    static void write(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Makes created and renamed entries of a directory durable. */
    static void forceDirectory(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** The file, or where it would be made, without links. */
    static Path real(Path file) throws IOException {
        Path whole = file.toAbsolutePath().normalize();
        Path there = whole;
        while (!Files.exists(there)) {
            there = parent(there);
        }
        return there.toRealPath().resolve(there.relativize(whole));
    }

    static Path parent(Path file) throws IOException {
        Path parent = file.toAbsolutePath().getParent();
        if (parent == null) {
            throw new IOException(file + " has no directory");
        }
        return parent;
    }
}
