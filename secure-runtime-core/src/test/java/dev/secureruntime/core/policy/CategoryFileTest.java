package dev.secureruntime.core.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.CategoryPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.HostList;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class CategoryFileTest {

    private static final String POLICY =
            "{\"version\": 1, \"components\": {},\n \"categories\": {\"corp\": {\"file\": \"%s\"}}}";

    @TempDir
    Path outside;

    private Path policy(String file) throws IOException {
        Path folder = Files.createDirectories(outside.resolve("policy"));
        return Files.writeString(folder.resolve("policy.json"), POLICY.formatted(file));
    }

    private HostList read(byte[] list) throws IOException {
        Path policy = policy("list.txt");
        Files.write(policy.resolveSibling("list.txt"), list);
        return PolicyReader.read(policy).categories().get("corp").hosts();
    }

    private static List<String> patterns(HostList list) {
        List<String> patterns = new ArrayList<>();
        list.forEach(patterns::add);
        return patterns;
    }

    @Test
    void read_list_holdsWhatTheFileSays() throws Exception {
        byte[] text = "# blocked\r\n\nEvil.example  # by ticket\n\t*.bad.example\t\nxn--bcher-kva.example"
                .getBytes(StandardCharsets.US_ASCII);
        HostList list = read(text);
        assertThat(patterns(list)).containsExactly("evil.example", "*.bad.example", "xn--bcher-kva.example");
        assertThat(list.size()).isEqualTo(3);
        assertThat(list.sha256())
                .isEqualTo(HexFormat.of()
                        .formatHex(MessageDigest.getInstance("SHA-256").digest(text)));
        assertThat(PolicyReader.read(policy("list.txt"))
                        .categories()
                        .get("corp")
                        .kind())
                .isEqualTo(CategoryPolicy.Kind.OWN);
    }

    @ParameterizedTest
    @CsvSource({
        "'a.example\n*.*.example\n', ':2:1: '",
        "'a.example\n  10.0.0.1', ':2:3: '",
        "'a.example\n\nb.example\nA.example', ':4:1: '",
        "'a.example b.example', ':1:1: '",
        "'https://a.example/', ':1:1: '",
        "'a.example\nb\u00fccher.example', ':2:2: '",
        "'a.example.', ':1:1: '",
        "'a.example\u0000', ':1:10: '",
        "'*', ':1:1: '"
    })
    void read_badLine_isRefusedWithItsPlace(String list, String place) {
        assertThatThrownBy(() -> read(list.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                        .isEqualTo(ErrorCode.POLICY_INVALID_VALUE))
                .hasMessageContaining("list.txt" + place);
    }

    @Test
    void read_bytesThatAreNoText_areRefused() {
        assertThatThrownBy(() -> read(new byte[] {'a', (byte) 0xed, (byte) 0xa0, (byte) 0x80}))
                .hasMessageContaining("list.txt:1:2: ")
                .hasMessageContaining("ASCII");
    }

    @Test
    void read_missingFile_isRefusedWithThePlaceInThePolicy() throws IOException {
        Path policy = policy("none.txt");
        assertThatThrownBy(() -> PolicyReader.read(policy))
                .isInstanceOfSatisfying(
                        SecureRuntimeException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.POLICY_UNREADABLE))
                .hasMessageContaining("policy.json:2:")
                .hasMessageContaining("categories.corp.file");
    }

    @Test
    void read_pathOutOfTheFolder_isRefusedAlsoByLink() throws IOException {
        Files.writeString(outside.resolve("list.txt"), "a.example\n");
        assertThatThrownBy(() -> PolicyReader.read(policy("../list.txt"))).hasMessageContaining("leads out");
        Path policy = policy("link.txt");
        Files.createSymbolicLink(policy.resolveSibling("link.txt"), outside.resolve("list.txt"));
        assertThatThrownBy(() -> PolicyReader.read(policy)).hasMessageContaining("leads out");
        Files.createSymbolicLink(policy.resolveSibling("folder"), outside);
        assertThatThrownBy(() -> PolicyReader.read(policy("folder/list.txt"))).hasMessageContaining("leads out");
        Path said = policy(outside.resolve("list.txt").toAbsolutePath().toString());
        assertThat(PolicyReader.read(said).categories().get("corp").hosts().size())
                .isEqualTo(1);
    }

    @Test
    void read_folderOrDevice_isRefused() throws IOException {
        assertThatThrownBy(() -> PolicyReader.read(policy("."))).hasMessageContaining("is no file");
        assertThatThrownBy(() -> PolicyReader.read(policy("/dev/zero"))).hasMessageContaining("SR-POLICY-001");
    }

    @Test
    void read_hugeFile_isRefusedWithoutBeingReadToTheEnd() throws IOException {
        Path policy = policy("huge.txt");
        try (RandomAccessFile sparse =
                new RandomAccessFile(policy.resolveSibling("huge.txt").toFile(), "rw")) {
            sparse.setLength(HostListFile.MAX_BYTES + 1L);
        }
        assertThatThrownBy(() -> PolicyReader.read(policy)).hasMessageContaining("larger than");
    }

    @Test
    void read_moreHostsThanAListTakes_isRefused() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i <= HostList.MAX_HOSTS; i++) {
            text.append('h').append(i).append(".example\n");
        }
        assertThatThrownBy(() -> read(text.toString().getBytes(StandardCharsets.US_ASCII)))
                .hasMessageContaining("list.txt:1000001:1: ")
                .hasMessageContaining("at most");
    }

    @Property(tries = 300)
    void hostList_anyText_isTakenAsARuleWouldTakeIt(@ForAll("texts") String text) {
        boolean rule = accepts(() -> EgressRule.host(text));
        assertThat(accepts(() -> HostList.of(List.of(text)))).as(text).isEqualTo(rule);
    }

    @Provide
    Arbitrary<String> texts() {
        return Arbitraries.of("a", "-", ".", "*", "*.", "1", "0x1", "_", "Z", "é", "a".repeat(63), ":", "b")
                .list()
                .ofMaxSize(7)
                .map(parts -> String.join("", parts));
    }

    private static boolean accepts(Runnable action) {
        try {
            action.run();
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
