package dev.secureruntime.core.audit;

import static dev.secureruntime.core.audit.ContentFixture.disclosed;
import static dev.secureruntime.core.audit.ContentFixture.prompt;
import static dev.secureruntime.core.audit.ContentFixture.store;
import static dev.secureruntime.core.audit.ContentFixture.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.ContentSettings;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Keys of subjects that are sealed under a wrapping key, which is kept apart from the store. */
@Timeout(120)
class ContentWrappingKeyTest {

    @TempDir
    private Path home;

    @Test
    void wrappingKey_withoutIt_theStoreAloneOpensNothing() {
        ContentSettings wrapped = store(home).wrappingKey(home.resolve("kek/content.key"));
        try (HashChainedAuditLog log = LogFixture.open(LogFixture.settings(home).content(wrapped))) {
            log.append(prompt("u", "the prompt"));
        }
        assertThat(ContentDisclosures.make(LogFixture.log(home), 1, "prompt", wrapped)
                        .value())
                .isEqualTo(utf8("the prompt"));
        assertThatThrownBy(() -> disclosed(home, 1)).hasMessageContaining("needs the wrapping key");
        LogFixture.write(home.resolve("kek/content.key"), "0".repeat(32));
        assertThatThrownBy(() -> ContentDisclosures.make(LogFixture.log(home), 1, "prompt", wrapped))
                .hasMessageContaining("needs the wrapping key");
    }

    @Test
    void wrappingKey_thatIsLost_isRefused_andNoOtherIsMadeInItsPlace() throws IOException {
        Path file = home.resolve("wrapping");
        AuditSettings settings = LogFixture.settings(home).content(store(home).wrappingKey(file));
        try (HashChainedAuditLog log = LogFixture.open(settings)) {
            log.append(prompt("u", "the value"));
        }
        Files.move(file, home.resolve("elsewhere"));
        assertThatThrownBy(() -> LogFixture.open(settings))
                .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                        .isEqualTo(ErrorCode.CONTENT_STORE_UNUSABLE))
                .hasMessageContaining(file.toString())
                .hasMessageContaining("put it back");
        assertThat(file).doesNotExist();
        Files.move(home.resolve("elsewhere"), file);
        LogFixture.open(settings).close();
    }

    /** Where the setting got lost, new subjects' keys would lie in the store in plain text. */
    @Test
    void wrappingKey_thatIsNotGivenAnyMore_orIsAnother_isRefused_beforeTheNextSubjectComes() throws IOException {
        Path file = home.resolve("wrapping");
        AuditSettings settings = LogFixture.settings(home).content(store(home).wrappingKey(file));
        try (HashChainedAuditLog log = LogFixture.open(settings)) {
            log.append(prompt("u", "the value"));
        }
        Files.copy(file, home.resolve("other"), StandardCopyOption.COPY_ATTRIBUTES);
        LogFixture.write(home.resolve("other"), "0".repeat(32));
        for (ContentSettings wrong : List.of(store(home), store(home).wrappingKey(home.resolve("other")))) {
            assertThatThrownBy(() -> LogFixture.open(LogFixture.settings(home).content(wrong)))
                    .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.CONTENT_STORE_UNUSABLE))
                    .hasMessageContaining("needs the wrapping key");
        }
        LogFixture.open(settings).close();
    }

    @Test
    void wrappingKey_forAStoreThatHadNone_isMade() throws IOException {
        ContentFixture.write(home, "u", "the value");
        Path file = home.resolve("wrapping");
        LogFixture.open(LogFixture.settings(home).content(store(home).wrappingKey(file)))
                .close();
        assertThat(file).exists();
        assertThat(disclosed(home, 1)).isEqualTo("the value");
    }
}
