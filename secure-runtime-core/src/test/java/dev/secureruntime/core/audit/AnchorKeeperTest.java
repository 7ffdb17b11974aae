package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.SealedCheckpoint;
import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.SignedNote;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The calls of one anchor, where the threads for them come late or not at all. */
@Timeout(30)
class AnchorKeeperTest {

    private static final AnchorTimes SHORT = new AnchorTimes(1, TimeUnit.MILLISECONDS.toNanos(20), 1, 1, 1);

    private final FakeAnchor anchor = new FakeAnchor();
    private final ArrayDeque<Runnable> late = new ArrayDeque<>();
    private Executor threads = late::add;

    private final AnchorKeeper keeper = new AnchorKeeper("fake", anchor, null, task -> threads.execute(task), SHORT);
    private final StoredCheckpoint checkpoint = checkpoint();

    private static StoredCheckpoint checkpoint() {
        byte[] text = new Checkpoint("test", 1, new byte[32], new byte[32]).text();
        byte[] note = new SignedNote(text, List.of(ForgedLog.anyKey("test").sign(text))).bytes();
        return new StoredCheckpoint(new LogFiles(Path.of("none")), note, new CompactRange(), new TreeMap<>());
    }

    @Test
    void call_givenUpBeforeItsThreadBegan_leavesTheAnchorFreeWhenItDoes() throws Exception {
        assertThatThrownBy(() -> keeper.call(checkpoint))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no answer within");
        assertThatThrownBy(() -> keeper.call(checkpoint))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the call before has not ended");

        assertThat(late).hasSize(1);
        late.remove().run();
        threads = Runnable::run;

        assertThat(anchor.asked).as("a call that was given up").isEmpty();
        assertThat(keeper.call(checkpoint)).isNotNull();
        assertThat(anchor.given).containsExactly((SealedCheckpoint) checkpoint);
    }

    @Test
    void call_withoutAThread_failsAndIsPossibleLater() throws Exception {
        threads = task -> {
            throw new OutOfMemoryError("unable to create native thread");
        };
        assertThatThrownBy(() -> keeper.call(checkpoint))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no thread");
        threads = Runnable::run;
        assertThat(keeper.call(checkpoint)).isNotNull();
    }
}
