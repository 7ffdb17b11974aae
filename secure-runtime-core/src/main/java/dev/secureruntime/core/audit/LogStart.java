package dev.secureruntime.core.audit;

import dev.secureruntime.audit.Anchor;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.TreeHasher;
import dev.secureruntime.core.audit.format.VerifierKey;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Opens a log for writing: makes a new one, or checks the one that is there, repairs what an interrupted writer left above
 * the newest checkpoint, and starts the next epoch.
 *
 * <p>A log that is wrong anywhere below is not continued: a signature of this writer would vouch for it.
 */
final class LogStart {

    private final AuditSettings settings;
    private final Clock clock;
    private final LongSupplier ticker;
    private final StorageDevice device;
    private final LogFiles files;

    /** What the log runs on once it is open. */
    record Started(LogFiles files, AppendQueue queue, LogWriter writer, SignerFile signer, Anchoring anchoring) {}

    LogStart(AuditSettings settings, Clock clock, LongSupplier ticker, StorageDevice device, LogFiles files) {
        this.settings = settings;
        this.clock = clock;
        this.ticker = ticker;
        this.device = device;
        this.files = files;
    }

    /** Refuses settings that no log can be kept by. Makes nothing. */
    void requireFit() throws IOException {
        for (Anchor anchor : settings.anchors().values()) {
            if (anchor instanceof FileAnchor file) {
                requireOutside(
                        "The anchor",
                        file.file(),
                        "whoever can cut back the log could cut it back too. Choose a place elsewhere");
            }
        }
        if (settings.content().isPresent()) {
            requireOutside(
                    "The content store",
                    settings.content().get().store(),
                    "whoever gets the log must not get the content with it");
        }
        requireOutside("The signer", settings.signer(), "whoever can change the log must not have its keys");
        requireDirectory("The log's directory", files.directory(), LinkOption.NOFOLLOW_LINKS);
        // Links are followed: one may lead to the log's directory, which is there when this is asked again, and is
        // refused then.
        requireDirectory("The signer's directory", Durable.parent(settings.signer()));
        if (settings.content().isPresent()) {
            requireDirectory("The content store", settings.content().get().store(), LinkOption.NOFOLLOW_LINKS);
        }
        if (!Files.exists(settings.signer())) {
            SignerFile.requireName(settings.name());
        }
    }

    private void requireOutside(String what, Path file, String why) throws IOException {
        if (Durable.real(file).startsWith(Durable.real(files.directory()))) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED, what + " " + file + " lies inside the log's directory; " + why);
        }
    }

    /** Refuses a place where something else stands, there or above. */
    private static void requireDirectory(String what, Path directory, LinkOption... links) throws IOException {
        Path there = directory.toAbsolutePath();
        while (!Files.exists(there, links)) {
            there = Durable.parent(there);
        }
        if (!Files.isDirectory(there)) {
            throw new SecureRuntimeException(
                    ErrorCode.AUDIT_UNWRITABLE,
                    what + " " + directory + " can't be made: " + there
                            + " is no directory. Move it away, or choose another place");
        }
    }

    Started start() throws IOException {
        requireFit(); // again: what was made since may be where a link leads
        Path signerFile = Durable.real(settings.signer());
        SignerFile signer;
        if (Files.exists(signerFile)) {
            signer = SignerFile.read(signerFile, settings);
        } else if (Files.exists(files.description()) || Files.exists(files.checkpoints())) {
            throw inconsistent("the log's signer " + signerFile
                    + " is missing; without it the log can't be continued. Start a new log in another directory");
        } else {
            signer = SignerFile.create(signerFile, settings);
        }
        try {
            boolean there = signer.isStarted() || Files.exists(files.segments()) && hasSegments();
            return there ? resume(signer) : create(signer);
        } catch (IOException | RuntimeException e) {
            signer.destroy();
            throw e;
        }
    }

    private boolean hasSegments() throws IOException {
        try (DirectoryStream<Path> segments = Files.newDirectoryStream(files.segments(), "*" + LogFiles.SUFFIX)) {
            return segments.iterator().hasNext();
        }
    }

    private static SecureRuntimeException inconsistent(String reason) {
        return new SecureRuntimeException(
                ErrorCode.AUDIT_LOG_INCONSISTENT, "The audit log is not continued: " + reason);
    }

    private Started create(SignerFile signer) throws IOException {
        Files.createDirectories(files.segments());
        if (!Files.isDirectory(files.segments(), LinkOption.NOFOLLOW_LINKS)) {
            throw inconsistent(
                    files.segments() + " is a link, which no reader of the log follows. Make it a directory, or"
                            + " keep the whole log elsewhere");
        }
        Durable.forceDirectory(files.directory());
        Durable.forceDirectory(Durable.parent(files.directory()));
        Durable.replace(files.description(), LogDescription.of(signer).bytes());
        AppendQueue queue = new AppendQueue(clock, new LogRecords(signer), settings.segmentBytes());
        LogWriter writer = writer(queue, signer, LogState.empty());
        writer.drain();
        return new Started(files, queue, writer, signer, writer.anchoring());
    }

    private LogWriter writer(AppendQueue queue, SignerFile signer, LogState state) throws IOException {
        Anchoring anchoring = new Anchoring(settings, files, queue, ticker);
        return new LogWriter(files, queue, signer, state, ticker, device, settings, anchoring);
    }

    private Started resume(SignerFile signer) throws IOException {
        LogScan scan = new LogScan(files, signer.logKey(), signer.firstEpochKey());
        scan.pin(signer.mlDsaKey());
        try {
            scan.run();
        } catch (LogFault e) {
            boolean other = e.firstBad().file().equals(LogFiles.DESCRIPTION);
            throw inconsistent("it was tampered with" + (other ? ", or the signer is another log's" : "")
                    + ". First bad: record "
                    + e.firstBad().seq().orElse(0) + ", " + e.firstBad().file() + " at byte "
                    + e.firstBad().offset() + ": " + e.firstBad().reason());
        }
        LogState state = scan.state();
        if (state.size() == 0) {
            throw inconsistent("the signer belongs to the log " + signer.origin() + ", whose records are not in "
                    + files.directory());
        }
        new Retention(files, signer.logKey()).finish(scan.first());
        AppendQueue queue = new AppendQueue(
                clock,
                new LogRecords(signer),
                settings.segmentBytes(),
                state.size(),
                state.segmentNumber(),
                state.segmentSize());
        boolean midEpoch = requireEpoch(scan, signer);
        if (state.size() > state.signed()) {
            queue.appendOwn(LogRecords.adopted(state.size() - state.signed()));
        }
        repair(scan, state, queue);
        LogWriter writer = writer(queue, signer, state);
        writer.segmentIs(age(state.segmentFirst()));
        if (midEpoch) {
            // The key that the tail announces starts with the checkpoint after the one that covers the tail.
            writer.drain();
            signer.promoteNext();
        }
        writer.announceEpoch();
        writer.drain();
        return new Started(files, queue, writer, signer, writer.anchoring());
    }

    /** How long ago the segment was started that begins with this record, by the clock; a clock that went back says never. */
    private Duration age(long first) {
        List<Instant> started = new ArrayList<>();
        AuditRecords.read(files.directory(), first, first, (record, line) -> started.add(record.time()));
        Duration age = Duration.between(started.get(0), clock.instant());
        return age.isNegative() ? Duration.ZERO : age;
    }

    /** Whether an announced epoch has yet to start; finishes one whose start was interrupted. */
    private static boolean requireEpoch(LogScan scan, SignerFile signer) throws IOException {
        VerifierKey reached = scan.epochKey();
        VerifierKey announced = scan.announced();
        VerifierKey next = signer.nextKey();
        if (reached == null) {
            throw inconsistent("it names no keys");
        }
        if (announced == null && next != null && next.equals(reached)) {
            signer.promoteNext();
            return false;
        }
        boolean current = signer.epochKey().equals(reached);
        boolean known = announced == null || next != null && announced.equals(next);
        if (!current || !known) {
            throw inconsistent(
                    "its newest epoch is not the signer's. The log was rolled back, or the signer is an older copy");
        }
        return announced != null;
    }

    /** Cuts off what an interrupted writer left, once it is kept, with its length and hash. */
    private void repair(LogScan scan, LogState state, AppendQueue queue) throws IOException {
        Path next = files.segment(state.size());
        if (Files.exists(next, LinkOption.NOFOLLOW_LINKS)) {
            // A segment without a whole record: left there, the log would go on in the segment before and not verify.
            cut(next, 0, queue);
            Files.delete(next);
            Durable.forceDirectory(files.segments());
        } else if (scan.hasTornRecord()) {
            cut(files.segment(state.segmentFirst()), state.segmentSize(), queue);
        }
        if (scan.hasTornNote()) {
            cut(files.checkpoints(), state.checkpointsSize(), queue);
        }
        byte[] newest = scan.newestNote();
        if (newest != null) {
            Durable.replace(files.checkpoint(), newest);
        }
    }

    private void cut(Path file, long size, AppendQueue queue) throws IOException {
        MessageDigest sha256 = TreeHasher.sha256();
        long length;
        byte[] start;
        try (FileChannel channel = LineReader.openRegular(file)) {
            length = channel.size() - size;
            InputStream rest = Channels.newInputStream(channel.position(size));
            start = rest.readNBytes(Fragment.MAX_BYTES);
            sha256.update(start);
            byte[] buffer = new byte[8_192];
            for (int read = rest.read(buffer); read > 0; read = rest.read(buffer)) {
                sha256.update(buffer, 0, read);
            }
        }
        String name = files.directory().relativize(file).toString().replace('\\', '/');
        byte[] hash = sha256.digest();
        String fragment = new Fragment(files, name, size, hash).keep(start);
        queue.appendOwn(LogRecords.recovered(name, length, Hex.text(hash), fragment, start.length));
        Durable.truncate(file, size);
    }
}
