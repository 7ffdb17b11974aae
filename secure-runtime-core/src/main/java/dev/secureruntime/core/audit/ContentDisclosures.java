package dev.secureruntime.core.audit;

import dev.secureruntime.audit.Commitment;
import dev.secureruntime.audit.ContentSettings;
import dev.secureruntime.audit.Opening;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Makes disclosures from a log and its content store. Reads both, changes neither; a writer may be at work. Thread-safe. */
public final class ContentDisclosures {

    private ContentDisclosures() {}

    /**
     * Discloses a field of a record that is under the newest checkpoint.
     *
     * @throws IllegalArgumentException when no signed record has that index, or it commits to no such field
     * @throws SecureRuntimeException {@code SR-CONTENT-001} when the store doesn't have the value (any more), {@code
     *     SR-CONTENT-002} when the store can't be used, {@code SR-AUDIT-004} when the log was tampered with
     */
    public static Disclosure make(Path directory, long index, String field, ContentSettings settings) {
        byte[] proof = AuditProofs.inclusion(directory, index).getBytes(StandardCharsets.UTF_8);
        AtomicReference<@Nullable Commitment> committed = new AtomicReference<>();
        List<String> stored = new ArrayList<>();
        AuditRecords.read(directory, index, index, (record, line) -> {
            committed.set(record.commitments().get(field));
            stored.add(line);
        });
        Commitment commitment = committed.get();
        if (commitment == null) {
            throw new IllegalArgumentException("record " + index + " commits to no field \"" + field + "\"");
        }
        try {
            ContentEntry.Opened opened = open(settings, commitment, field);
            byte[] line = stored.get(0).getBytes(StandardCharsets.UTF_8);
            return new Disclosure(field, opened.salt(), opened.value(), line, proof);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ContentEntry.Opened open(ContentSettings settings, Commitment commitment, String field)
            throws IOException {
        ContentKeys store = ContentKeys.open(settings);
        ContentEntry entry = find(settings.store(), commitment, field);
        if (entry == null) {
            throw unavailable(
                    field, "is not in the store: it was never kept, or was swept after its subject was erased");
        }
        Map<String, ContentKey> keys = store.all();
        try {
            ContentKey key = keys.get(entry.keyId());
            if (key == null) {
                throw unavailable(field, "can't be decrypted any more: its subject was erased");
            }
            ContentEntry.Opened opened = entry.open(key, store.origin());
            if (opened == null || !Opening.opens(commitment, field, opened.salt(), opened.value())) {
                throw ContentKeys.unusable(
                        settings.store(),
                        "is damaged: what it holds for field \"" + field + "\" doesn't open the record");
            }
            return opened;
        } finally {
            keys.values().forEach(ContentKey::destroy);
            store.destroy();
        }
    }

    private static @Nullable ContentEntry find(Path store, Commitment commitment, String field) throws IOException {
        AtomicReference<@Nullable ContentEntry> found = new AtomicReference<>();
        for (Path file : ContentFiles.all(store.resolve("content"))) {
            ContentFiles.read(file, entry -> {
                if (entry.commitment().equals(commitment.sha256())
                        && entry.name().equals(field)) {
                    found.set(entry);
                }
                return found.get() == null;
            });
        }
        return found.get();
    }

    private static SecureRuntimeException unavailable(String field, String why) {
        return new SecureRuntimeException(
                ErrorCode.CONTENT_UNAVAILABLE,
                "The value of field \"" + field + "\" " + why + ". The record, and every proof of it, stands");
    }
}
