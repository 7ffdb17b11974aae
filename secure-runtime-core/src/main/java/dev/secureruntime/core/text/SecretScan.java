package dev.secureruntime.core.text;

import java.util.Arrays;

/**
 * Looks for registered secrets in bytes that come in pieces; one that lies across pieces is found too.
 *
 * <p>It keeps as many of the last bytes as the longest pattern has, nothing while there is no pattern. A secret that is
 * registered while the scan is under way is found where it ends behind that. Not thread-safe.
 */
public final class SecretScan {

    private final SecretMatcher matcher;
    private byte[] kept = new byte[0];
    private long seen;
    private long window;
    private boolean found;

    SecretScan(SecretMatcher matcher) {
        this.matcher = matcher;
    }

    /**
     * Looks at the next piece.
     *
     * @return whether a secret was found, in this piece or before
     */
    public boolean update(byte[] bytes, int offset, int length) {
        PatternTable table = matcher.table();
        if (!found && !table.isEmpty() && !look(table, bytes, offset, length)) {
            keep(table.longest(), bytes, offset, length);
        }
        return found;
    }

    /** Looks at a piece after which no other comes. */
    boolean last(byte[] bytes) {
        PatternTable table = matcher.table();
        return !table.isEmpty() && look(table, bytes, 0, bytes.length);
    }

    private boolean look(PatternTable table, byte[] bytes, int offset, int length) {
        long last = window;
        for (int i = offset; i < offset + length; i++) {
            last = last << 8 | bytes[i] & 0xff;
            if (table.mayEnd(last)) {
                int end = i + 1;
                if (table.ends(last, wanted -> before(bytes, offset, end, wanted))) {
                    found = true;
                    return true;
                }
            }
        }
        window = last;
        return false;
    }

    /** Whether a secret was found. */
    public boolean found() {
        return found;
    }

    private byte[] before(byte[] bytes, int offset, int end, int wanted) {
        int here = end - offset;
        if (wanted <= here) {
            return Arrays.copyOfRange(bytes, end - wanted, end);
        }
        int earlier = wanted - here;
        if (earlier > Math.min(seen, kept.length)) {
            return new byte[0];
        }
        byte[] all = new byte[wanted];
        for (int i = 0; i < earlier; i++) {
            all[i] = kept[(int) ((seen - earlier + i) % kept.length)];
        }
        System.arraycopy(bytes, offset, all, earlier, here);
        return all;
    }

    private void keep(int longest, byte[] bytes, int offset, int length) {
        if (kept.length < longest) {
            grow(longest);
        }
        int from = Math.max(0, length - kept.length);
        int at = (int) ((seen + from) % kept.length);
        int straight = Math.min(length - from, kept.length - at);
        System.arraycopy(bytes, offset + from, kept, at, straight);
        System.arraycopy(bytes, offset + from + straight, kept, 0, length - from - straight);
        seen += length;
    }

    private void grow(int longest) {
        byte[] larger = new byte[longest];
        int count = (int) Math.min(seen, kept.length);
        for (int i = 0; i < count; i++) {
            larger[i] = kept[(int) ((seen - count + i) % kept.length)];
        }
        Arrays.fill(kept, (byte) 0);
        kept = larger;
        seen = count;
    }
}
