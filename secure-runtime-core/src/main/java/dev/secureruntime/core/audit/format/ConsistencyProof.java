package dev.secureruntime.core.audit.format;

import java.util.Arrays;
import java.util.List;

/** The check of a consistency proof: RFC 9162, section 2.1.4.2, with unsigned arithmetic. */
public final class ConsistencyProof {

    private ConsistencyProof() {}

    /** Whether the hashes prove that the newer tree continues the older one. An older tree of no leaves is refused. */
    public static boolean holds(long older, byte[] olderRoot, long newer, byte[] newerRoot, List<byte[]> hashes) {
        if (older == 0 || Long.compareUnsigned(older, newer) > 0) {
            return false;
        }
        if (older == newer) {
            return hashes.isEmpty() && Arrays.equals(olderRoot, newerRoot);
        }
        if (hashes.isEmpty()) {
            return false;
        }
        boolean perfect = Long.bitCount(older) == 1;
        byte[] first = perfect ? olderRoot : hashes.get(0);
        return climbs(
                older - 1, newer - 1, first, hashes.subList(perfect ? 0 : 1, hashes.size()), olderRoot, newerRoot);
    }

    private static boolean climbs(
            long olderLast, long newerLast, byte[] first, List<byte[]> hashes, byte[] olderRoot, byte[] newerRoot) {
        TreeHasher hasher = new TreeHasher();
        long node = olderLast;
        long last = newerLast;
        while ((node & 1) == 1) {
            node >>>= 1;
            last >>>= 1;
        }
        byte[] inOlder = first.clone();
        byte[] inNewer = first.clone();
        for (byte[] hash : hashes) {
            if (last == 0) {
                return false;
            }
            if ((node & 1) == 1 || node == last) {
                hasher.node(hash, inOlder, inOlder);
                hasher.node(hash, inNewer, inNewer);
                while ((node & 1) == 0 && node != 0) {
                    node >>>= 1;
                    last >>>= 1;
                }
            } else {
                hasher.node(inNewer, hash, inNewer);
            }
            node >>>= 1;
            last >>>= 1;
        }
        return last == 0 && Arrays.equals(inOlder, olderRoot) && Arrays.equals(inNewer, newerRoot);
    }
}
