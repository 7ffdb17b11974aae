package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.SignedNote;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The checkpoints in a file in the form of {@code checkpoints}, with any number of signatures each. Of a large file only the
 * last {@value #MAX_BYTES} bytes are read, from the beginning of a note on: as each checkpoint names the hash of the one
 * before, the newest one stands for all before it. Immutable.
 *
 * @param notes the whole notes, oldest first
 * @param end where the last of them ends in the file
 * @param size of the file; more than {@code end} when the writing of a note was interrupted
 */
record KeptNotes(List<SignedNote> notes, long end, long size) {

    static final int MAX_BYTES = 1 << 20;

    /** Reads what stands in a file; throws {@link IllegalArgumentException} for anything else than notes. */
    static KeptNotes read(FileChannel file) throws IOException {
        long size = file.size();
        long from = Math.max(0, size - MAX_BYTES);
        ByteBuffer bytes = ByteBuffer.allocate((int) (size - from));
        while (bytes.hasRemaining() && file.read(bytes, from + bytes.position()) > 0) {
            // Until everything is there.
        }
        // In ISO 8859-1 every byte is one character, so that places in the text are places in the file.
        String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.ISO_8859_1);
        int at = from == 0 ? 0 : firstWhole(file, text);
        List<SignedNote> notes = new ArrayList<>();
        int end = 0;
        while (at < text.length()) {
            int gap = text.indexOf("\n\n", at);
            int close = gap < 0 ? -1 : text.indexOf("\n\n", gap + 2);
            boolean last = close < 0;
            if (gap < 0 || gap + 2 == text.length() || last && !text.endsWith("\n")) {
                break;
            }
            int stop = last ? text.length() : close + 1;
            notes.add(SignedNote.parse(text.substring(at, stop).getBytes(StandardCharsets.ISO_8859_1)));
            end = stop;
            at = stop + 1;
        }
        return new KeptNotes(notes, from + end, size);
    }

    /** Where a note starts behind the cut: with the same origin as the file's first line, behind an empty one. */
    private static int firstWhole(FileChannel file, String text) throws IOException {
        ByteBuffer head = ByteBuffer.allocate(SignedNote.MAX_BYTES);
        file.read(head, 0);
        String first = new String(head.array(), 0, head.position(), StandardCharsets.ISO_8859_1);
        String start = "\n\n" + first.substring(0, first.indexOf('\n') + 1);
        int found = text.indexOf(start);
        if (first.indexOf('\n') < 0 || found < 0) {
            throw new IllegalArgumentException("expected checkpoints, separated by empty lines");
        }
        return found + 2;
    }
}
