package dev.secureruntime.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.error.ErrorCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ErrorCodesDocumentedTest {

    @ParameterizedTest
    @EnumSource
    void code_isExplained(ErrorCode code) throws IOException {
        assertThat(Files.readString(Path.of("..", "docs", "errors.md"))).contains("| `" + code.code() + "` | ");
    }
}
