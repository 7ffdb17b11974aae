package dev.secureruntime.core.policy;

import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Reads a policy file into the model of {@code dev.secureruntime.policy}: JSON (RFC 8259), or YAML when the file's name
 * ends in {@code .yaml} or {@code .yml} and {@code jackson-dataformat-yaml} is on the class path.
 *
 * <p>Strict: UTF-8 only, no member twice, no unknown member (names that start with {@code x-} are the user's own and
 * skipped), nothing after the end. Bounded: {@value #MAX_BYTES} bytes, and depth and number of values. A policy that is
 * read is whole; there is no partial result.
 *
 * <p>Errors name file, line, column, member and what was expected: {@code SR-POLICY-001} when the file can't be read,
 * {@code -002} when it is not well-formed, {@code -003} for an unknown member, {@code -004} for a value that is not
 * allowed. Values under {@code secrets} are never quoted, and the messages of parser libraries never passed on.
 *
 * <p>Thread-safe: without state.
 */
public final class PolicyReader {

    /** The size that a policy file may have, in bytes. */
    public static final int MAX_BYTES = 16 * 1024 * 1024;

    private PolicyReader() {}

    /**
     * Reads a policy. Relative paths of secret files are taken from the policy file's folder.
     *
     * @throws SecureRuntimeException as described above, and nothing else
     */
    public static Policy read(Path file) {
        return parse(file, bytes(file, new PolicyErrors(file.toString())));
    }

    /** The policy that a file with these bytes holds. */
    static Policy parse(Path file, byte[] bytes) {
        PolicyErrors errors = new PolicyErrors(file.toString());
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null) {
            throw errors.unreadable("expected a file, not a file system's root");
        }
        Path nameOnly = file.getFileName();
        String name = nameOnly == null ? file.toString() : nameOnly.toString();
        return parse(name, bytes, folder, errors);
    }

    /** The same for bytes that are already there; {@code name} says which syntax they have. */
    static Policy parse(String name, byte[] bytes, Path folder) {
        return parse(name, bytes, folder, new PolicyErrors(name));
    }

    private static Policy parse(String name, byte[] bytes, Path folder, PolicyErrors errors) {
        String text = decode(bytes, errors);
        Node root;
        try {
            root = isYaml(name) ? yaml(text, errors) : NodeReader.readJson(text, errors);
        } catch (IOException e) {
            // The text is in memory: only a parser that gives up without a place gets here.
            throw errors.malformed(Node.Place.START, "not well-formed");
        }
        return new PolicyInterpreter(errors, folder).policy(name, root);
    }

    static byte[] bytes(Path file, PolicyErrors errors) {
        if (Files.isDirectory(file)) {
            throw errors.unreadable("is a folder; expected a policy file");
        }
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES) {
                throw errors.unreadable("is larger than " + MAX_BYTES + " bytes");
            }
            return bytes;
        } catch (NoSuchFileException e) {
            throw errors.unreadable("no such file; expected a policy");
        } catch (IOException e) {
            throw errors.unreadable("can't be read (" + e.getClass().getSimpleName() + ")");
        }
    }

    private static String decode(byte[] bytes, PolicyErrors errors) {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            return text.startsWith("\uFEFF") ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            throw errors.malformed(Node.Place.START, "the file is not UTF-8");
        }
    }

    private static boolean isYaml(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.endsWith(".yaml") || lower.endsWith(".yml");
    }

    private static Node yaml(String text, PolicyErrors errors) throws IOException {
        try {
            return YamlSyntax.read(text, errors);
        } catch (NoClassDefFoundError e) {
            throw errors.unreadable("a YAML policy needs com.fasterxml.jackson.dataformat:jackson-dataformat-yaml"
                    + " on the class path; add it, or write the policy as JSON");
        }
    }
}
