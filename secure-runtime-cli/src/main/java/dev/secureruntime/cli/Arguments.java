package dev.secureruntime.cli;

import dev.secureruntime.core.audit.AuditLogVerifier;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** What a command was given, checked; what is wrong with it becomes wrong usage (exit code 3). */
final class Arguments {

    private static final int MAX_KEY_FILE = 4_096;
    private static final int MAX_CERTIFICATES = 1 << 20;

    private static final String OUTSIDE = "; it is not replaced, nor made. Choose a place outside of it";

    /** How every version of a signer's file begins. */
    private static final String SIGNER = "secure-runtime-signer/";

    private final CommandSpec spec;

    Arguments(@Nullable CommandSpec spec) {
        if (spec == null) {
            throw new IllegalStateException("picocli sets the specification");
        }
        this.spec = spec;
    }

    PrintWriter out() {
        return spec.commandLine().getOut();
    }

    PrintWriter err() {
        return spec.commandLine().getErr();
    }

    ParameterException usage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    void requireDirectory(Path directory) {
        if (!Files.isDirectory(directory)) {
            throw usage(directory + " is not a directory");
        }
    }

    /** The anchors that lie in the log's directory: who can change the log can change them. */
    List<Path> within(Path directory, List<Path> anchors) {
        try {
            Path log = directory.toRealPath();
            List<Path> within = new ArrayList<>();
            for (Path anchor : anchors) {
                if (Files.exists(anchor) && anchor.toRealPath().startsWith(log)) {
                    within.add(anchor);
                }
            }
            return within;
        } catch (IOException e) {
            throw usage("can't read " + directory + ": " + e);
        }
    }

    /**
     * Where a command may write a file: not inside {@code directory}, a log or a content store, whatever links lead there, and
     * not over a signer or one of the files that it was given to {@code read}. What is there otherwise is replaced.
     *
     * @return the file behind all links
     */
    Path requireOutput(String option, Path file, @Nullable Path directory, List<String> read) {
        try {
            requireOutsideLogs(option, file, directory);
            if (Files.isSymbolicLink(file) && !Files.exists(file)) {
                throw usage(option + ": " + file + " is a link that leads nowhere");
            }
            Path target = real(file);
            Path folder = target.getParent();
            if (folder == null || !Files.isDirectory(folder) || Files.isDirectory(target)) {
                throw usage(option + ": " + file + " is no file in an existing directory");
            }
            for (String one : read) {
                if (isSame(target, one)) {
                    throw usage(option + ": " + file + " is a file that the command reads; it is not replaced");
                }
            }
            if (Files.isRegularFile(target)
                    && new String(content(target, SIGNER.length() - 1), StandardCharsets.ISO_8859_1).equals(SIGNER)) {
                throw usage(option + ": " + file + " is the signer of a log; it is not replaced");
            }
            return target;
        } catch (IOException e) {
            throw usage(option + ": can't write " + file + ": " + e);
        }
    }

    /** Refuses what lies inside {@code directory}, a log or a content store. */
    void requireOutsideLogs(String option, Path file, @Nullable Path directory) {
        Path target;
        try {
            target = real(file);
            if (directory != null && target.startsWith(real(directory))) {
                throw usage(option + ": " + file + " lies inside the log's directory" + OUTSIDE);
            }
        } catch (IOException e) {
            throw usage(option + ": can't write " + file + ": " + e);
        }
        for (Path above = target; above != null; above = above.getParent()) {
            if (isLog(above) || isStore(above)) {
                throw usage(option + ": " + file + " lies inside " + above + ", which holds a log or a content store"
                        + OUTSIDE);
            }
        }
    }

    // By more than one name each: "log.json", and directories "store" and "content", are in many a project.
    private static boolean isLog(Path directory) {
        return Files.exists(directory.resolve("log.json")) && Files.isDirectory(directory.resolve("segments"));
    }

    private static boolean isStore(Path directory) {
        return Files.isRegularFile(directory.resolve("store"))
                && Files.isDirectory(directory.resolve("keys"))
                && Files.isDirectory(directory.resolve("content"));
    }

    private static boolean isSame(Path target, String other) throws IOException {
        Path file;
        try {
            file = Path.of(other);
        } catch (InvalidPathException e) {
            return false; // a verifier key
        }
        return Files.exists(target) && Files.exists(file) ? Files.isSameFile(target, file) : target.equals(real(file));
    }

    /** The file, or where it would be made, behind all links; what a link is followed to is not made shorter before. */
    private static Path real(Path file) throws IOException {
        Path whole = file.toAbsolutePath();
        Path above = whole.getParent();
        if (above == null) {
            return whole;
        }
        if (!Files.exists(whole)) {
            return real(above).resolve(whole.getFileName()).normalize();
        }
        try {
            return whole.toRealPath();
        } catch (NoSuchFileException e) {
            return whole; // it is there and has no name of its own: a pipe, as /dev/stdout may be one
        }
    }

    /** The lines of a key file without comments, which begin with '#', and blank lines; or the verifier key itself. */
    List<String> keys(String key) {
        if (key.isEmpty()) {
            throw usage("--key: expected a verifier key or a file, found an empty text");
        }
        // A verifier key always has two '+'; a file of such a name is still taken, because it exists.
        Path file;
        try {
            file = Path.of(key);
        } catch (InvalidPathException e) {
            return List.of(key);
        }
        if (!Files.exists(file) && key.indexOf('+') != key.lastIndexOf('+')) {
            return List.of(key);
        }
        byte[] content = content(file, MAX_KEY_FILE);
        try {
            if (content.length > MAX_KEY_FILE) {
                throw usage("--key: " + key + " is no file of verifier keys");
            }
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(content))
                    .toString()
                    .lines()
                    .map(String::strip)
                    .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                    .toList();
        } catch (CharacterCodingException e) {
            throw usage("--key: " + key + " is no file of verifier keys");
        }
    }

    /** Refuses to replace a file that holds something else than verifier keys: the signer, or a file of the log. */
    void requireReplaceableKeys(String option, Path file) {
        if (!Files.isRegularFile(file)) {
            return;
        }
        try {
            List<String> keys = keys(file.toString());
            if (!keys.isEmpty()) {
                AuditLogVerifier.withKeys(keys);
            }
        } catch (IllegalArgumentException | ParameterException e) {
            throw usage(option + ": " + file + " holds something else than verifier keys; it is not replaced");
        }
    }

    /** The content of a file that is named on the command line, up to {@code limit} bytes and one more. */
    byte[] content(Path file, int limit) {
        try (InputStream input = Files.newInputStream(file)) {
            return input.readNBytes(limit + 1);
        } catch (IOException e) {
            throw usage("can't read " + file + ": " + e);
        }
    }

    /** The verifier keys of witnesses in a file, one per line, or the key itself. */
    List<String> witnesses(String option, String given) {
        List<String> keys = keys(given);
        try {
            AuditLogVerifier.withoutKeys().witnessedBy(keys);
        } catch (IllegalArgumentException e) {
            throw usage(option + ": " + e.getMessage());
        }
        if (keys.isEmpty()) {
            throw usage(option + ": " + given + " holds no verifier key");
        }
        return keys;
    }

    /** The certificates in files, in PEM or DER. */
    List<X509Certificate> certificates(String option, List<Path> files) {
        List<X509Certificate> certificates = new ArrayList<>();
        for (Path file : files) {
            byte[] content = content(file, MAX_CERTIFICATES);
            try {
                CertificateFactory.getInstance("X.509")
                        .generateCertificates(new ByteArrayInputStream(content))
                        .forEach(certificate -> certificates.add((X509Certificate) certificate));
            } catch (CertificateException e) {
                throw usage(option + ": " + file + " holds no certificates: " + e.getMessage());
            }
        }
        if (certificates.isEmpty() && !files.isEmpty()) {
            throw usage(option + ": " + files + " holds no certificates");
        }
        return certificates;
    }
}
