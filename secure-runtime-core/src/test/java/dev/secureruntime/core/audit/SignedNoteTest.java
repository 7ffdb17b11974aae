package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.VerifierKey;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class SignedNoteTest {

    // The example key and note of Go's golang.org/x/mod/sumdb/note documentation.
    private static final String GO_SIGNER =
            "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    private static final String GO_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    private static final String GO_NOTE = "If you think cryptography is the answer to your problem,\n"
            + "then you don't know what your problem is.\n"
            + "\n"
            + "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    private static final SigningKey KEY = SigningKey.generate("log/1", new SecureRandom());
    private static final Checkpoint CHECKPOINT = new Checkpoint("log/1", 42, new byte[32], new byte[32]);

    @Test
    void verify_noteOfGo_accepted() {
        SignedNote note = SignedNote.parse(GO_NOTE.getBytes(StandardCharsets.UTF_8));
        VerifierKey key = VerifierKey.parse(GO_VERIFIER);

        assertThat(key.signed(note.text(), note.signatures().get(0))).isTrue();
        assertThat(SigningKey.parse(GO_SIGNER).verifier()).isEqualTo(key);
        assertThat(SigningKey.parse(GO_SIGNER).sign(note.text()).bytes())
                .isEqualTo(note.signatures().get(0).bytes());
        assertThat(note.bytes()).isEqualTo(GO_NOTE.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void toString_signingKey_showsNoSecret() {
        SigningKey key = SigningKey.parse(GO_SIGNER);
        assertThat(key.toString()).doesNotContain("PRIVATE").doesNotContain("AYEKFALV");
        assertThatThrownBy(() -> SigningKey.parse(GO_SIGNER.replace("c74f", "c74e")))
                .hasMessageNotContaining("AYEKFALV");
    }

    @Test
    void destroy_signingKey_signsNoMore() {
        SigningKey key = SigningKey.generate("k", new SecureRandom());
        byte[] text = CHECKPOINT.text();
        assertThat(key.verifier().signed(text, key.sign(text))).isTrue();
        key.destroy();
        assertThat(key.verifier().signed(text, key.sign(text))).isFalse();
    }

    @Property(tries = 1_000)
    void parse_anyBitFlipped_refusedOrNotSigned(
            @ForAll @IntRange(min = 0) int place, @ForAll @IntRange(max = 7) int bit) {
        byte[] text = CHECKPOINT.text();
        byte[] note = new SignedNote(text, List.of(KEY.sign(text))).bytes();
        note[place % note.length] ^= (byte) (1 << bit);
        try {
            SignedNote parsed = SignedNote.parse(note);
            assertThat(parsed.bytes()).isEqualTo(note);
            assertThat(KEY.verifier().signed(parsed.text(), parsed.signatures().get(0)))
                    .isFalse();
        } catch (IllegalArgumentException e) {
            assertThat(e.getMessage()).isNotEmpty();
        }
    }

    @Test
    void parse_goodCheckpoint_printsBack() {
        assertThat(Checkpoint.parse(CHECKPOINT.text()).text()).isEqualTo(CHECKPOINT.text());
        assertThat(Checkpoint.parse(CHECKPOINT.text()).size()).isEqualTo(42);
    }
}
