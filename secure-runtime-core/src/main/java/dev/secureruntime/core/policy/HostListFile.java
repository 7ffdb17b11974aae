package dev.secureruntime.core.policy;

import dev.secureruntime.core.policy.Node.Place;
import dev.secureruntime.policy.HostList;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads a file of hosts: one host or {@code *.suffix} a line, what follows {@code #} is a comment, blank lines are skipped.
 * Printable ASCII and tabs alone; anything else, a bad host or one that was there before is an error with its line.
 */
final class HostListFile {

    static final int MAX_BYTES = 64 * 1024 * 1024;

    private static final int MAX_LINE = 1024;

    private final byte[] bytes;
    private final PolicyErrors errors;
    private final HostList.Builder hosts = HostList.builder();

    private HostListFile(byte[] bytes, PolicyErrors errors) {
        this.bytes = bytes;
        this.errors = errors;
    }

    /** The hosts of a file that the policy names at {@code at}. */
    static HostList read(Path file, Place at, PolicyErrors policy) {
        // Pipes and devices could keep the reader for ever.
        if (!Files.isRegularFile(file)) {
            throw policy.unreadable(at, file + " is no file");
        }
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES) {
                throw policy.unreadable(at, file + " is larger than " + MAX_BYTES + " bytes");
            }
            return new HostListFile(bytes, new PolicyErrors(file.toString())).hosts();
        } catch (IOException e) {
            throw policy.unreadable(at, file + " can't be read (" + e.getClass().getSimpleName() + ")");
        }
    }

    private HostList hosts() {
        int line = 1;
        int start = 0;
        while (start < bytes.length) {
            int end = start;
            while (end < bytes.length && bytes[end] != '\n') {
                end++;
            }
            line(line, start, end > start && bytes[end - 1] == '\r' ? end - 1 : end);
            start = end + 1;
            line++;
        }
        return hosts.build(bytes);
    }

    private void line(int number, int start, int end) {
        if (end - start > MAX_LINE) {
            throw errors.invalid(new Place(number, 1), "the line has more than " + MAX_LINE + " characters");
        }
        int stop = start;
        while (stop < end && bytes[stop] != '#') {
            stop++;
        }
        for (int i = start; i < stop; i++) {
            if (bytes[i] != '\t' && (bytes[i] < ' ' || bytes[i] == 0x7f)) {
                throw errors.invalid(
                        new Place(number, i - start + 1),
                        "a host is written in ASCII, an international one in its xn-- form");
            }
        }
        int first = start;
        while (first < stop && isBlank(bytes[first])) {
            first++;
        }
        while (stop > first && isBlank(bytes[stop - 1])) {
            stop--;
        }
        if (first == stop) {
            return;
        }
        try {
            hosts.add(new String(bytes, first, stop - first, StandardCharsets.US_ASCII));
        } catch (IllegalArgumentException e) {
            throw errors.invalid(new Place(number, first - start + 1), PolicyErrors.shownMessage(e));
        }
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b == '\t';
    }
}
