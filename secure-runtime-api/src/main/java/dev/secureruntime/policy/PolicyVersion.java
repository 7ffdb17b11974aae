package dev.secureruntime.policy;

/**
 * Which policy was in force: the how-manieth of its runtime, and what it said.
 *
 * @param number 1 for the policy that the runtime started with, one more for each that followed; another runtime counts anew
 * @param sha256 SHA-256 in lower-case hex: of the file's bytes, or of a canonical form of a policy that was built in code
 */
public record PolicyVersion(long number, String sha256) {

    private static final int SHOWN = 12;

    public PolicyVersion {
        if (number < 1 || !sha256.matches("[0-9a-f]{64}")) {
            throw new IllegalArgumentException("a version is a number from 1 and a SHA-256 in lower-case hex");
        }
    }

    /** The number and the first {@value #SHOWN} digits of the hash, for example {@code 3-1a2b3c4d5e6f}. */
    @Override
    public String toString() {
        return number + "-" + sha256.substring(0, SHOWN);
    }
}
