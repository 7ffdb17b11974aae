package dev.secureruntime.core.audit;

import java.io.IOException;
import java.nio.channels.FileChannel;
import org.jspecify.annotations.Nullable;

/** Forces the content store before each segment, so that no durable record lacks its content. */
final class ContentFirst implements StorageDevice {

    private final StorageDevice segments;
    private volatile @Nullable ContentStore store;

    ContentFirst(StorageDevice segments) {
        this.segments = segments;
    }

    void store(ContentStore opened) {
        store = opened;
    }

    @Override
    public void force(FileChannel segment) throws IOException {
        ContentStore content = store;
        if (content != null) {
            content.force();
        }
        segments.force(segment);
    }
}
