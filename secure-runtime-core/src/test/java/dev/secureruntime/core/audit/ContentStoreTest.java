package dev.secureruntime.core.audit;

import static dev.secureruntime.core.audit.ContentFixture.disclosed;
import static dev.secureruntime.core.audit.ContentFixture.everything;
import static dev.secureruntime.core.audit.ContentFixture.prompt;
import static dev.secureruntime.core.audit.ContentFixture.settings;
import static dev.secureruntime.core.audit.ContentFixture.store;
import static dev.secureruntime.core.audit.ContentFixture.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.ContentSettings;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Content beside the log: kept, disclosed, erased. */
@Timeout(120)
class ContentStoreTest {

    private static final String PROMPT = "the prompt of user 4711, \u00e9\u20ac";

    @TempDir
    private Path home;

    private void assertIntact(List<String> keys) {
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
    }

    private void assertGone(long index) {
        assertThatThrownBy(() -> disclosed(home, index))
                .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                        .isEqualTo(ErrorCode.CONTENT_UNAVAILABLE))
                .hasMessageContaining("erased");
    }

    @Test
    void append_withContent_keepsItEncryptedAndDisclosesIt() {
        List<String> keys = ContentFixture.write(home, "user-4711", PROMPT, "", "x".repeat(1 << 20));
        assertThat(everything(LogFixture.log(home))).doesNotContain("user 4711").doesNotContain("user-4711");
        assertThat(everything(home.resolve("store")))
                .doesNotContain("user 4711")
                .doesNotContain("user-4711");
        assertThat(disclosed(home, 1)).isEqualTo(PROMPT);
        assertThat(disclosed(home, 2)).isEmpty();
        assertThat(disclosed(home, 3)).hasSize(1 << 20);
        assertIntact(keys);
    }

    /** What the store is for, with it left out: the commitment alone opens nothing. */
    @Test
    void append_withContentAndNoStore_keepsTheCommitmentAlone() {
        try (HashChainedAuditLog log = LogFixture.open(LogFixture.settings(home))) {
            log.append(prompt("user-4711", PROMPT));
            assertThatThrownBy(() -> log.erase("user-4711")).hasMessageContaining("keeps no content");
        }
        assertThat(LogFixture.records(home).get(1)).contains("\"commitments\":{\"prompt\":{\"bytes\":");
        assertThatThrownBy(() -> disclosed(home, 1)).hasMessageContaining("is no content store");
    }

    @Test
    void store_isForItsOwnerAlone() throws IOException {
        ContentFixture.write(home, "u", PROMPT);
        Assumptions.assumeTrue(Files.getFileStore(home).supportsFileAttributeView("posix"), "skipped: not POSIX");
        try (var files = Files.walk(home.resolve("store"))) {
            for (Path file : files.toList()) {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                        .as(file.toString())
                        .endsWith("------");
            }
        }
        Path key = home.resolve("store/store");
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));
        assertThatThrownBy(() -> disclosed(home, 1)).hasMessageContaining("by others");
    }

    // ---- erasing

    @Test
    void erase_destroysTheKey_recordsIt_andLeavesEverythingProvable() throws IOException {
        List<String> keys;
        Disclosure before;
        try (HashChainedAuditLog log = LogFixture.open(settings(home))) {
            keys = log.verifierKeys();
            log.append(prompt("user-4711", PROMPT));
            log.append(prompt("user-4712", "another one's"));
            log.checkpoint();
            before = ContentDisclosures.make(LogFixture.log(home), 1, "prompt", store(home));
            Receipt receipt = log.erase("user-4711");
            assertThat(receipt.index()).isEqualTo(3);
            // The subject may come back, and begins anew.
            log.append(prompt("user-4711", "a new beginning"));
        }
        assertIntact(keys);
        assertGone(1);
        assertThat(disclosed(home, 2)).isEqualTo("another one's");
        assertThat(disclosed(home, 4)).isEqualTo("a new beginning");
        assertThat(Disclosure.check(before.bytes(), keys.get(0))).isInstanceOf(Disclosure.Result.Proved.class);
        String record = LogFixture.records(home).get(3);
        assertThat(record)
                .contains("\"type\":\"content.erased\"")
                .containsPattern("\"secure_runtime.content.subject\":\"[0-9a-f]{32}\"")
                .contains("\"secure_runtime.content.keys\":1")
                .doesNotContain("user-4711");

        ContentSweep.Swept swept = ContentSweep.run(LogFixture.log(home), store(home));
        assertThat(swept).isEqualTo(new ContentSweep.Swept(2, 1, 0, 0));
        assertGone(1);
        assertThat(disclosed(home, 2)).isEqualTo("another one's");
        assertIntact(keys);
    }

    /** Every key that is left, tried on every ciphertext that was there: none opens what was erased. */
    @Test
    void erase_nothingThatIsLeftDecrypts_butABackupWithItsKeysDoes() throws IOException {
        ContentFixture.write(home, "user-4711", PROMPT);
        Path backup = home.resolve("backup");
        LogFixture.copy(home.resolve("store"), backup);
        try (HashChainedAuditLog log = LogFixture.open(settings(home))) {
            log.append(prompt("user-4712", "another one's"));
            log.erase("user-4711");
        }
        // The ciphertext as it was before, with everything else that is left.
        assertThat(opened(ContentSettings.in(home.resolve("store")), backup)).isEmpty();
        // What does not hold: a copy that has the key. That is the attack that erasing can't reach.
        assertThat(opened(ContentSettings.in(backup), backup)).containsExactly(PROMPT);
    }

    private static List<String> opened(ContentSettings keysFrom, Path ciphertexts) throws IOException {
        List<String> opened = new ArrayList<>();
        ContentKeys keys = ContentKeys.open(keysFrom);
        for (Path file : ContentFiles.all(ciphertexts.resolve("content"))) {
            ContentFiles.read(file, entry -> {
                for (ContentKey key : keys.all().values()) {
                    ContentEntry.Opened value = entry.open(key, keys.origin());
                    if (value != null) {
                        opened.add(new String(value.value(), java.nio.charset.StandardCharsets.UTF_8));
                    }
                }
                return true;
            });
        }
        return opened;
    }

    @Test
    void erase_unknownSubject_isRecordedAsSuch() {
        try (HashChainedAuditLog log = LogFixture.open(settings(home))) {
            log.erase("nobody");
            assertThatThrownBy(() -> log.erase("")).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(LogFixture.records(home).get(1)).contains("\"secure_runtime.content.keys\":0");
    }

    @Test
    void erase_cutOffAtAnyStep_isFinishedAndRecordedByTheNextStart() throws IOException {
        List<String> keys = ContentFixture.write(home, "user-4711", PROMPT);
        Path key = onlyKey();
        byte[] content = Files.readAllBytes(key);
        Path mark = key.resolveSibling(key.getFileName().toString().replace(".key", ".erasing"));
        // Cut off behind the renaming, in the middle of the overwriting, and behind it.
        for (int overwritten : new int[] {0, 20, content.length}) {
            Files.deleteIfExists(key);
            byte[] left = content.clone();
            java.util.Arrays.fill(left, 0, overwritten, (byte) 0);
            Files.write(mark, left);
            LogFixture.open(settings(home)).close();
            assertThat(mark).doesNotExist();
            assertGone(1);
            assertIntact(keys);
        }
        assertThat(LogFixture.records(home).stream()
                        .filter(line -> line.contains("content.erased"))
                        .count())
                .isEqualTo(3);
    }

    private Path onlyKey() throws IOException {
        try (var files = Files.list(home.resolve("store/keys"))) {
            return files.toList().get(0);
        }
    }

    @Test
    void append_recordOfAnErasureThatNeverWas_isRefused() {
        try (HashChainedAuditLog log = LogFixture.open(settings(home))) {
            assertThatThrownBy(() -> log.append(AuditEvent.of("content.erased").build()))
                    .hasMessageContaining("by the log alone");
        }
    }

    // ---- callers that were cancelled

    @Test
    void append_onAnInterruptedThread_keepsTheContentAndTheLogGoesOn() throws Exception {
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(settings(home))) {
            keys = log.verifierKeys();
            for (int i = 0; i < 3; i++) {
                // The first time store file and key are made, then both are there, then another key is made.
                Thread.currentThread().interrupt();
                log.append(prompt(i < 2 ? "user-4711" : "user-4712", "value " + i));
                assertThat(Thread.interrupted()).as("passed on").isTrue();
            }
            log.checkpoint();
            Thread.currentThread().interrupt();
            log.erase("user-4712");
            assertThat(Thread.interrupted()).isTrue();
            log.append(prompt("user-4711", "value 4"));
            Thread.currentThread().interrupt();
        }
        assertThat(Thread.interrupted()).isTrue();
        assertThat(disclosed(home, 1)).isEqualTo("value 0");
        assertThat(disclosed(home, 2)).isEqualTo("value 1");
        assertGone(3);
        assertThat(LogFixture.records(home).get(4)).contains("\"secure_runtime.content.keys\":1");
        assertThat(disclosed(home, 5)).isEqualTo("value 4");
        assertIntact(keys);
    }

    // ---- what is not kept

    @Test
    void append_contentTooLong_isCommittedToAndNotKept_andTheRecordSaysSo() {
        List<String> keys;
        try (HashChainedAuditLog log =
                LogFixture.open(LogFixture.settings(home).content(store(home).maxFieldBytes(10)))) {
            keys = log.verifierKeys();
            log.append(prompt("u", "0123456789"));
            log.append(prompt("u", "0123456789a"));
        }
        assertThat(disclosed(home, 1)).isEqualTo("0123456789");
        assertThat(LogFixture.records(home).get(2))
                .contains("\"bytes\":11")
                .contains("\"secure_runtime.content.not_stored\":[\"prompt: too_long\"]");
        assertGone(2);
        assertIntact(keys);
    }

    @Test
    void append_contentWithRegisteredSecret_isNotKept_andTheRecordSaysSo() {
        SecretCheck check = new SecretCheck() {
            @Override
            public boolean occursIn(AuditEvent event) {
                return false;
            }

            @Override
            public boolean occursIn(byte[] content) {
                return new String(content, java.nio.charset.StandardCharsets.UTF_8).contains("hunter22");
            }
        };
        try (HashChainedAuditLog log = HashChainedAuditLog.open(settings(home), Clock.systemUTC(), check)) {
            log.append(prompt("u", "my key is hunter22"));
        }
        assertThat(LogFixture.records(home).get(1)).contains("[\"prompt: registered_secret\"]");
        assertThat(ContentFixture.sealedFiles(home)).isEmpty();
        assertGone(1);
    }

    // ---- keys

    @Test
    void open_storeInsideTheLogOrOfAnotherLog_isRefused() {
        assertThatThrownBy(() -> LogFixture.open(LogFixture.settings(home)
                        .content(ContentSettings.in(LogFixture.log(home).resolve("content")))))
                .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                        .isEqualTo(ErrorCode.RUNTIME_MISCONFIGURED));
        Path other = home.resolve("other");
        ContentFixture.write(other, "u", PROMPT);
        assertThatThrownBy(() -> LogFixture.open(LogFixture.settings(home).content(store(other))))
                .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                        .isEqualTo(ErrorCode.CONTENT_STORE_UNUSABLE));
    }

    // ---- leaks, and many callers

    @Test
    void toString_showsNeitherSubjectNorSaltNorValue() {
        AuditEvent event = prompt("user-4711", PROMPT);
        assertThat(event.toString() + event.openings() + event.toBuilder().build())
                .doesNotContain("user-4711")
                .contains("prompt");
        assertThat(new ContentKey("id", utf8("key-bytes"))).hasToString("ContentKey[id]");
        assertThat(new ContentEntry.Opened(new byte[16], utf8("value"))).hasToString("Opened[5 bytes]");
        assertThat(new Disclosure("f", new byte[16], utf8("value"), new byte[0], new byte[0]))
                .hasToString("Disclosure[f, 5 bytes]");
    }

    @Test
    void append_from64Threads_whileSubjectsAreErased_everyOtherValueIsThere() throws Exception {
        Map<Long, String> written = new ConcurrentHashMap<>();
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(settings(home).segmentBytes(20_000))) {
            keys = log.verifierKeys();
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 64; t++) {
                int number = t;
                Thread thread = new Thread(() -> {
                    for (int i = 0; i < 10; i++) {
                        String value = "value " + number + " " + i;
                        Receipt receipt = log.append(prompt("subject " + number % 8, value));
                        written.put(receipt.index(), value);
                        if (number % 8 == 7 && i == 9) {
                            log.erase("subject 7");
                        }
                    }
                });
                threads.add(thread);
                thread.start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            log.erase("subject 7");
        }
        assertThat(written).hasSize(640);
        assertIntact(keys);
        int stay = 0;
        for (Map.Entry<Long, String> entry : new java.util.TreeMap<>(written).entrySet()) {
            if (entry.getKey() % 40 != 0) {
                continue;
            }
            if (Integer.parseInt(entry.getValue().split(" ")[1]) % 8 == 7) {
                assertGone(entry.getKey());
            } else {
                assertThat(disclosed(home, entry.getKey())).isEqualTo(entry.getValue());
                stay++;
            }
        }
        assertThat(stay).isPositive();
        assertThat(ContentSweep.run(LogFixture.log(home), store(home)))
                .isEqualTo(new ContentSweep.Swept(560, 80, 0, 0));
    }

    @Test
    void erase_ofOneSubjectFromManyThreads_isRecordedForEachAndDisturbsNone() throws Exception {
        int threads = 8;
        int erasures = 25;
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(settings(home))) {
            keys = log.verifierKeys();
            List<CompletableFuture<Void>> running = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                running.add(CompletableFuture.runAsync(
                        () -> {
                            for (int i = 0; i < erasures; i++) {
                                log.append(prompt("u", PROMPT));
                                log.erase("u");
                            }
                        },
                        task -> new Thread(task).start()));
            }
            for (CompletableFuture<Void> one : running) {
                one.get(60, TimeUnit.SECONDS);
            }
        }
        assertIntact(keys);
        assertThat(LogFixture.records(home).stream().filter(line -> line.contains("content.erased")))
                .hasSize(threads * erasures);
        assertThat(ContentSweep.run(LogFixture.log(home), store(home)).kept()).isZero();
    }
}
