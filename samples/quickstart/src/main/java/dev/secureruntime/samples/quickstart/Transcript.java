package dev.secureruntime.samples.quickstart;

/** Prints what happens, and fails the run at the first thing that was claimed and not seen. */
final class Transcript {

    private int step;

    void step(String title) {
        step++;
        System.out.println();
        System.out.println(step + ". " + title);
    }

    void say(String text) {
        System.out.println("   " + text);
    }

    /** Something that must be so. */
    void observe(boolean seen, String what) {
        if (!seen) {
            throw new IllegalStateException("not observed: " + what);
        }
        System.out.println("   ok  " + what);
    }
}
