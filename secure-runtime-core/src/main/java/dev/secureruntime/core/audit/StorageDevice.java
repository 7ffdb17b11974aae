package dev.secureruntime.core.audit;

import java.io.IOException;
import java.nio.channels.FileChannel;

/**
 * Forces a segment's bytes to the storage device. A seam of its own, because what happens when the device refuses has to be
 * shown. Called by the writer's thread alone.
 */
@FunctionalInterface
interface StorageDevice {

    /** {@code fsync} without the file's times: its size is forced where it changed. */
    StorageDevice SYSTEM = channel -> channel.force(false);

    /**
     * Returns when the bytes are on the device.
     *
     * @throws IOException when they may not be; the log is not written any further then, because a later call that succeeds
     *     says nothing about the bytes that this one lost
     */
    void force(FileChannel channel) throws IOException;
}
