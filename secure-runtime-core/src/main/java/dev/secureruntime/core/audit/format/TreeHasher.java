package dev.secureruntime.core.audit.format;

import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * The two hashes of RFC 6962, section 2.1: SHA-256(0x00 || leaf) and SHA-256(0x01 || left || right).
 *
 * <p>Not thread-safe: one digest is used again and again.
 */
public final class TreeHasher {

    public static final int BYTES = 32;

    private static final byte LEAF = 0;
    private static final byte NODE = 1;

    private final MessageDigest sha256 = sha256();
    private final byte[] pair = new byte[1 + 2 * BYTES];

    public TreeHasher() {
        pair[0] = NODE;
    }

    public static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    public void leaf(byte[] buffer, int from, int length, byte[] out, int at) {
        sha256.update(LEAF);
        sha256.update(buffer, from, length);
        finish(out, at);
    }

    /** The same for a leaf that has a byte before it: one call of the digest instead of two. The byte is put back. */
    public void leafInPlace(byte[] buffer, int from, int length, byte[] out, int at) {
        prefixed(LEAF, buffer, from, length);
        finish(out, at);
    }

    /** The node over the two hashes that stand at {@code from}, one behind the other, with a byte before them. */
    public void nodeInPlace(byte[] buffer, int from, byte[] out, int at) {
        prefixed(NODE, buffer, from, 2 * BYTES);
        finish(out, at);
    }

    private void prefixed(byte prefix, byte[] buffer, int from, int length) {
        byte before = buffer[from - 1];
        buffer[from - 1] = prefix;
        sha256.update(buffer, from - 1, length + 1);
        buffer[from - 1] = before;
    }

    public void node(byte[] left, byte[] right, byte[] out) {
        System.arraycopy(left, 0, pair, 1, BYTES);
        System.arraycopy(right, 0, pair, 1 + BYTES, BYTES);
        sha256.update(pair, 0, pair.length);
        finish(out, 0);
    }

    /** The plain SHA-256, which is also the root of the empty tree. */
    public byte[] plain(byte[] bytes) {
        return sha256.digest(bytes);
    }

    private void finish(byte[] out, int at) {
        try {
            sha256.digest(out, at, BYTES);
        } catch (DigestException e) {
            throw new IllegalStateException("the target has room for 32 bytes", e);
        }
    }
}
