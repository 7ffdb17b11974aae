package dev.secureruntime.core.policy;

import dev.secureruntime.policy.Policy;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A policy file's content, read once: its hash and its policy are of the same bytes, whatever happens to the file
 * meanwhile.
 */
public final class PolicyFile {

    private final Path file;
    private final byte[] bytes;

    private PolicyFile(Path file, byte[] bytes) {
        this.file = file;
        this.bytes = bytes;
    }

    /**
     * Reads a file.
     *
     * @throws dev.secureruntime.error.SecureRuntimeException {@code SR-POLICY-001} when it can't be read
     */
    public static PolicyFile read(Path file) {
        return new PolicyFile(file, PolicyReader.bytes(file, new PolicyErrors(file.toString())));
    }

    /** SHA-256 of the content, in lower-case hex. */
    public String sha256() {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** The policy that the content says; errors as from {@link PolicyReader#read}. */
    public Policy parse() {
        return PolicyReader.parse(file, bytes);
    }
}
