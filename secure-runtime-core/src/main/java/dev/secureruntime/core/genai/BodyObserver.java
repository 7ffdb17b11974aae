package dev.secureruntime.core.genai;

/** Watches a body pass by in pieces. It never throws, and keeps no piece. */
@FunctionalInterface
public interface BodyObserver {

    /** Watches a piece. */
    void observe(byte[] buffer, int offset, int length);
}
