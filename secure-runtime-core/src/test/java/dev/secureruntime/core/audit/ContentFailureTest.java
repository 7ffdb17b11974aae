package dev.secureruntime.core.audit;

import static dev.secureruntime.core.audit.ContentFixture.prompt;
import static dev.secureruntime.core.audit.ContentFixture.settings;
import static dev.secureruntime.core.audit.ContentFixture.store;
import static dev.secureruntime.core.audit.ContentFixture.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a content store that fails does to its log, and what it refuses. */
@Timeout(120)
class ContentFailureTest {

    private static final String PROMPT = "the prompt of user 4711";

    @TempDir
    private Path home;

    @Test
    void open_erasureThatCantBeFinished_leavesNoWriterBehind() throws IOException {
        List<String> keys = ContentFixture.write(home, "user-4711", PROMPT);
        Path mark = Files.createDirectory(home.resolve("store/keys/" + "ab".repeat(16) + ".erasing"));
        assertThatThrownBy(() -> LogFixture.open(settings(home)))
                .isInstanceOfSatisfying(
                        SecureRuntimeException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.AUDIT_UNWRITABLE));
        Files.delete(mark);
        LogFixture.open(settings(home)).close();
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void shred_markOfAnEarlierErasureThatFailed_isOverwrittenBeforeItsNameIsUsedAgain() throws IOException {
        ContentFixture.write(home, "user-4711", PROMPT);
        Path key = key();
        Path mark = key.resolveSibling(key.getFileName().toString().replace(".key", ".erasing"));
        Path blocks = home.resolve("blocks");
        Files.write(mark, utf8("a key that is not overwritten yet"));
        Files.createLink(blocks, mark);
        ContentKeys.open(store(home)).shred(key.getFileName().toString().replace(".key", ""));
        assertThat(blocks).hasBinaryContent(new byte[33]);
    }

    @Test
    void append_contentThatCantBeWritten_endsTheLog() throws Exception {
        try (HashChainedAuditLog log = LogFixture.open(settings(home))) {
            Files.move(home.resolve("store/content"), home.resolve("store/away"));
            assertThatThrownBy(() -> log.append(prompt("user-4711", PROMPT)))
                    .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.AUDIT_UNWRITABLE));
            Files.move(home.resolve("store/away"), home.resolve("store/content"));
            assertThatThrownBy(() -> log.append(LogFixture.event(1))
                            .reached(Receipt.Stage.DURABLE)
                            .toCompletableFuture()
                            .get(20, java.util.concurrent.TimeUnit.SECONDS))
                    .cause()
                    .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.AUDIT_UNWRITABLE));
        } catch (SecureRuntimeException e) {
            assertThat(e.code()).as("of close").isEqualTo(ErrorCode.AUDIT_UNWRITABLE);
        }
    }

    @Test
    void append_subjectThatIsNone_isRejectedWithACode_andNothingIsWritten() {
        try (HashChainedAuditLog log = LogFixture.open(settings(home))) {
            long before = log.size();
            AuditEvent longName = AuditEvent.of("model.call")
                    .component("c".repeat(2_000))
                    .content("prompt", utf8(PROMPT))
                    .build();
            for (AuditEvent event : List.of(prompt("", PROMPT), prompt("u".repeat(1_025), PROMPT), longName)) {
                assertThatThrownBy(() -> log.append(event))
                        .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                                .isEqualTo(ErrorCode.AUDIT_RECORD_REJECTED));
            }
            // Both would be the subject "?": erasing one would erase the other.
            assertThatThrownBy(() -> log.append(prompt("\ud800", PROMPT))).hasMessageContaining("subject");
            assertThat(log.size()).isEqualTo(before);
        }
    }

    private Path key() throws IOException {
        try (var files = Files.list(home.resolve("store/keys"))) {
            return files.toList().get(0);
        }
    }
}
