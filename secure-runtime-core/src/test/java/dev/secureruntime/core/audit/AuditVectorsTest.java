package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.InclusionProof;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.VerifierKey;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The texts under {@code vectors/audit}: what stands before the first hyphen of a file's name is the expected verdict.
 * Notes are {@code signed}, {@code unsigned} (by {@code notes/KEY}) or {@code malformed}; the others {@code parsed} or
 * {@code malformed}.
 */
class AuditVectorsTest {

    static List<Path> vectors() throws IOException, URISyntaxException {
        Path root = Path.of(
                AuditVectorsTest.class.getResource("/vectors/audit/notes/KEY").toURI());
        try (Stream<Path> files = Files.walk(root.getParent().getParent(), 2)) {
            return files.filter(file -> file.getFileName().toString().contains("-"))
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("vectors")
    void read_vector_expectedVerdict(Path file) throws Exception {
        String name = file.getFileName().toString();
        assertThat(verdict(file)).isEqualTo(name.substring(0, name.indexOf('-')));
    }

    private static String verdict(Path file) throws IOException {
        byte[] content = Files.readAllBytes(file);
        try {
            switch (file.getParent().getFileName().toString()) {
                case "notes":
                    return isSigned(file, SignedNote.parse(content)) ? "signed" : "unsigned";
                case "checkpoints":
                    assertThat(Checkpoint.parse(content).text()).isEqualTo(content);
                    return "parsed";
                case "proofs":
                    InclusionProof.parse(content);
                    return "parsed";
                default:
                    String text = new String(content, StandardCharsets.UTF_8);
                    assertThat(VerifierKey.parse(text).toString()).isEqualTo(text);
                    return "parsed";
            }
        } catch (IllegalArgumentException e) {
            return "malformed";
        }
    }

    private static boolean isSigned(Path file, SignedNote note) throws IOException {
        VerifierKey key =
                VerifierKey.parse(Files.readString(file.resolveSibling("KEY")).strip());
        return note.signatures().stream().anyMatch(signature -> key.signed(note.text(), signature));
    }
}
