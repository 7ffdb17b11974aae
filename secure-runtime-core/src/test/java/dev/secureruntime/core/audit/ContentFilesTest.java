package dev.secureruntime.core.audit;

import static dev.secureruntime.core.audit.ContentFixture.disclosed;
import static dev.secureruntime.core.audit.ContentFixture.prompt;
import static dev.secureruntime.core.audit.ContentFixture.sealedFiles;
import static dev.secureruntime.core.audit.ContentFixture.settings;
import static dev.secureruntime.core.audit.ContentFixture.store;
import static dev.secureruntime.core.audit.ContentFixture.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The store's files: damaged, cut off, swapped, orphaned. */
@Timeout(120)
class ContentFilesTest {

    private static final ContentKey KEY = new ContentKey("ab".repeat(16), new byte[32]);
    private static final String HASH = "cd".repeat(32);

    @TempDir
    private Path home;

    private static List<ContentEntry> read(Path file) throws IOException {
        List<ContentEntry> entries = new ArrayList<>();
        ContentFiles.read(file, entry -> {
            entries.add(entry);
            return true;
        });
        return entries;
    }

    // ---- the parser

    @Property(tries = 200)
    void entry_writtenAndRead_isTheSame(
            @ForAll @Size(max = 50) byte[] value,
            @ForAll @Size(value = 16) byte[] salt,
            @ForAll @IntRange(min = 1, max = 255) int name) {
        ContentEntry entry = ContentEntry.seal(KEY, "o", HASH, "n".repeat(name), salt, value);
        byte[] bytes = entry.bytes();
        ContentEntry parsed = ContentEntry.parse(Arrays.copyOfRange(bytes, 4, bytes.length));
        assertThat(parsed).isNotNull();
        assertThat(parsed.bytes()).isEqualTo(bytes);
        assertThat(parsed.open(KEY, "o").value()).isEqualTo(value);
        assertThat(parsed.open(KEY, "o").salt()).isEqualTo(salt);
        assertThat(parsed.open(KEY, "other origin")).isNull();
    }

    @Property(tries = 300)
    void parse_anyBytes_isNoEntryOrPrintsBack(@ForAll @Size(max = 200) byte[] bytes) {
        ContentEntry entry = ContentEntry.parse(bytes);
        if (entry != null) {
            assertThat(Arrays.copyOfRange(entry.bytes(), 4, bytes.length + 4)).isEqualTo(bytes);
        }
    }

    @Test
    void open_anyBitChanged_opensNothing() {
        byte[] bytes = ContentEntry.seal(KEY, "o", HASH, "name", new byte[16], utf8("value"))
                .bytes();
        for (int bit = 8 * Integer.BYTES; bit < 8 * bytes.length; bit++) {
            byte[] changed = bytes.clone();
            changed[bit / 8] ^= (byte) (1 << bit % 8);
            ContentEntry entry = ContentEntry.parse(Arrays.copyOfRange(changed, 4, changed.length));
            assertThat(entry == null || entry.open(KEY, "o") == null)
                    .as("bit " + bit)
                    .isTrue();
        }
    }

    @Test
    void seal_sameKey_everyEntryHasKeyAndNonceOfItsOwn() {
        byte[] value = new byte[64];
        byte[] one =
                ContentEntry.seal(KEY, "o", HASH, "name", new byte[16], value).sealed();
        byte[] other = ContentEntry.seal(KEY, "o", "ce".repeat(32), "name", new byte[16], value)
                .sealed();
        // Under one key and nonce the same texts would give the same bytes, but for the tag.
        assertThat(Arrays.copyOf(one, 64)).isNotEqualTo(Arrays.copyOf(other, 64));
    }

    // ---- files

    @Test
    void disclose_entriesSwappedBetweenRecords_isRefused() throws IOException {
        ContentFixture.write(home, "u", "first value", "other value");
        Path file = sealedFiles(home).get(0);
        List<ContentEntry> entries = read(file);
        assertThat(disclosed(home, 1)).isEqualTo("first value");
        // Each ciphertext under the other's commitment: without the AAD, record 1 would show the other's value.
        ContentEntry one = entries.get(0);
        ContentEntry two = entries.get(1);
        ContentEntry forged = new ContentEntry(one.keyId(), one.commitment(), one.name(), two.sealed());
        Files.write(file, forged.bytes());
        assertThatThrownBy(() -> disclosed(home, 1)).hasMessageContaining("damaged");
    }

    @Test
    void file_cutOffAtEveryByte_losesOnlyWhatIsBehind_andTheLogGoesOn() throws IOException {
        List<String> keys = ContentFixture.write(home, "u", "first value", "other value");
        Path file = sealedFiles(home).get(0);
        byte[] whole = Files.readAllBytes(file);
        int first = read(file).get(0).bytes().length;
        for (int length = 0; length < whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThat(read(file)).hasSize(length < first ? 0 : 1);
        }
        // The next writer doesn't write behind the torn entry, and the verdict has nothing to do with the store.
        try (HashChainedAuditLog log = LogFixture.open(settings(home))) {
            log.append(prompt("u", "third value"));
        }
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
        assertThat(disclosed(home, 1)).isEqualTo("first value");
        assertThat(disclosed(home, LogFixture.records(home).size() - 1)).isEqualTo("third value");
        assertThatThrownBy(() -> disclosed(home, 2)).isInstanceOf(SecureRuntimeException.class);
        // No interrupted write: what a durable record commits to was durable before it.
        assertSweepRefused(ErrorCode.CONTENT_STORE_UNUSABLE, "at byte " + first);
        Files.write(file, Arrays.copyOf(whole, first + 20));
        assertThat(ContentSweep.run(LogFixture.log(home), store(home))).isEqualTo(new ContentSweep.Swept(2, 0, 0, 20));
        assertThat(disclosed(home, 1)).isEqualTo("first value");
    }

    @Test
    void sweep_aLengthIsDamaged_isRefused_andNothingBehindItIsLost() throws IOException {
        ContentFixture.write(home, "u", "first value", "other value", "third value");
        Path file = sealedFiles(home).get(0);
        byte[] whole = Files.readAllBytes(file);
        int first = read(file).get(0).bytes().length;
        for (int at = first; at < first + 4; at++) {
            byte[] damaged = whole.clone();
            damaged[at] ^= 0x40;
            Files.write(file, damaged);
            // Read from the front, all that follows looks like a torn end.
            assertThat(read(file)).hasSize(1);
            assertSweepRefused(ErrorCode.CONTENT_STORE_UNUSABLE, "at byte " + first);
            assertThat(Files.readAllBytes(file)).isEqualTo(damaged);
        }
        Files.write(file, whole);
        assertThat(ContentSweep.run(LogFixture.log(home), store(home))).isEqualTo(new ContentSweep.Swept(3, 0, 0, 0));
    }

    @Test
    void sweep_damageInOneFile_leavesTheOthersAsTheyAreToo() throws IOException {
        ContentFixture.write(home, "u", "first value");
        ContentFixture.write(home, "u", "other value");
        Path erased = sealedFiles(home).get(0);
        Path damaged = sealedFiles(home).get(1);
        byte[] torn = Arrays.copyOf(Files.readAllBytes(erased), (int) Files.size(erased) + 10);
        Files.write(erased, torn);
        byte[] bytes = Files.readAllBytes(damaged);
        bytes[1] ^= 1;
        Files.write(damaged, bytes);
        assertSweepRefused(ErrorCode.CONTENT_STORE_UNUSABLE, damaged + " at byte 0");
        assertThat(Files.readAllBytes(erased)).isEqualTo(torn);
    }

    @Test
    void sweep_aDamagedFileOfManyMegabytes_isSearchedToItsEnd() throws IOException {
        ContentFixture.write(home, "u", "first value");
        Path file = sealedFiles(home).get(0);
        byte[] entry = Files.readAllBytes(file);
        for (int zeros : new int[] {(1 << 16) - 50, (1 << 16) - 20, 3 << 20}) {
            byte[] damaged = new byte[zeros + entry.length];
            System.arraycopy(entry, 0, damaged, zeros, entry.length);
            Files.write(file, damaged);
            assertSweepRefused(ErrorCode.CONTENT_STORE_UNUSABLE, "at byte 0");
        }
    }

    @Test
    void sweep_aLogWithoutItsRecords_isRefused() throws IOException {
        ContentFixture.write(home, "u", "first value");
        Path file = sealedFiles(home).get(0);
        byte[] whole = Files.readAllBytes(file);
        LogFixture.delete(LogFixture.log(home).resolve("checkpoint"));
        LogFixture.delete(LogFixture.log(home).resolve("checkpoints"));
        LogFixture.segments(home).forEach(LogFixture::delete);
        // Nothing is wrong with it, and no record commits to anything.
        assertThat(AuditLogVerifier.withoutKeys().verify(LogFixture.log(home)))
                .isInstanceOf(VerificationResult.Inconclusive.class);
        assertSweepRefused(ErrorCode.AUDIT_LOG_INCONSISTENT, "nothing was recorded yet");
        assertThat(Files.readAllBytes(file)).isEqualTo(whole);
    }

    private void assertSweepRefused(ErrorCode code, String names) {
        assertThatThrownBy(() -> ContentSweep.run(LogFixture.log(home), store(home)))
                .isInstanceOfSatisfying(
                        SecureRuntimeException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining("Nothing was swept")
                .hasMessageContaining(names);
    }

    @Test
    void keyFile_cutOffAtEveryByte_isReportedAndNeverAnEmptyKey() throws IOException {
        ContentFixture.write(home, "u", "first value");
        Path key;
        try (var files = Files.list(home.resolve("store/keys"))) {
            key = files.toList().get(0);
        }
        byte[] whole = Files.readAllBytes(key);
        for (int length = 0; length < whole.length; length++) {
            Files.write(key, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> disclosed(home, 1)).hasMessageContaining("damaged key file");
        }
    }

    @Test
    void store_deleted_verdictStays() throws IOException {
        List<String> keys = ContentFixture.write(home, "u", "first value");
        LogFixture.delete(home.resolve("store/store"));
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void sweep_removesWhatHasNoRecord_andNothingElse() throws IOException {
        List<String> keys = ContentFixture.write(home, "u", "first value");
        // What a crash leaves between content and record: an entry whose commitment stands nowhere.
        ContentKey key = ContentKeys.open(store(home)).all().values().iterator().next();
        Path orphan = ContentFiles.next(home.resolve("store/content"));
        Files.write(
                orphan,
                ContentEntry.seal(key, "o", HASH, "prompt", new byte[16], utf8("lost"))
                        .bytes());
        assertThat(ContentSweep.run(LogFixture.log(home), store(home))).isEqualTo(new ContentSweep.Swept(1, 0, 1, 0));
        assertThat(orphan).doesNotExist();
        assertThat(disclosed(home, 1)).isEqualTo("first value");
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void sweep_besideAWriterOrOnATamperedLog_touchesNothing() {
        ContentFixture.write(home, "u", "first value");
        try (HashChainedAuditLog log = LogFixture.open(settings(home))) {
            assertThat(log.size()).isPositive();
            assertThatThrownBy(() -> ContentSweep.run(LogFixture.log(home), store(home)))
                    .hasMessageContaining("is open for writing");
        }
        Path segment = LogFixture.segments(home).get(0);
        LogFixture.write(segment, LogFixture.read(segment).replace("model.call", "other.call"));
        assertThatThrownBy(() -> ContentSweep.run(LogFixture.log(home), store(home)))
                .hasMessageContaining("Nothing was swept");
        assertThat(read0()).isEqualTo(1);
    }

    @Test
    void sweep_withTheStoreOfAnotherLog_touchesNothing() throws IOException {
        Path other = home.resolve("other");
        ContentFixture.write(other, "u", "other value");
        ContentFixture.write(home, "u", "first value");
        assertThatThrownBy(() -> ContentSweep.run(LogFixture.log(home), store(other)))
                .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                        .isEqualTo(ErrorCode.CONTENT_STORE_UNUSABLE));
        assertThat(disclosed(other, 1)).isEqualTo("other value");
    }

    private int read0() {
        try {
            return read(sealedFiles(home).get(0)).size();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
