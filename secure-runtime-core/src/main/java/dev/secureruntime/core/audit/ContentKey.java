package dev.secureruntime.core.audit;

import java.util.Arrays;

/** A subject's key, and the random id that entries name it by. The bytes are overwritten by {@link #destroy}. */
final class ContentKey {

    private final String id;
    private final byte[] bytes;

    ContentKey(String id, byte[] bytes) {
        this.id = id;
        this.bytes = bytes;
    }

    String id() {
        return id;
    }

    /** The key itself, not a copy. */
    byte[] bytes() {
        return bytes;
    }

    void destroy() {
        Arrays.fill(bytes, (byte) 0);
    }

    @Override
    public String toString() {
        return "ContentKey[" + id + "]";
    }
}
