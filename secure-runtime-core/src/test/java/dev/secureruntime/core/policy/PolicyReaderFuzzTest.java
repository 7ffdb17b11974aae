package dev.secureruntime.core.policy;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.secureruntime.error.SecureRuntimeException;
import java.nio.file.Path;

/** Fuzzes the reader; in the normal build it only runs over the inputs that are kept beside it. */
final class PolicyReaderFuzzTest {

    @FuzzTest(maxDuration = "1m")
    void read_json(byte[] bytes) {
        parse("policy.json", bytes);
    }

    @FuzzTest(maxDuration = "1m")
    void read_yaml(byte[] bytes) {
        parse("policy.yaml", bytes);
    }

    private static void parse(String name, byte[] bytes) {
        try {
            PolicyReader.parse(name, bytes, Path.of("/etc/policy"));
        } catch (SecureRuntimeException refused) {
            if (!refused.code().code().startsWith("SR-POLICY-")) {
                throw refused;
            }
        }
    }
}
