package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.SubtreeRoots;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The tree over removed records, at every size: its subtrees, the paths in it, and the proofs that go on from it. */
class SubtreePathsTest {

    private static final int SIZE = 70;

    private final List<byte[]> leaves = new ArrayList<>();

    SubtreePathsTest() {
        for (int i = 0; i < SIZE; i++) {
            leaves.add(CompactRangeTest.leaf(line(i)));
        }
    }

    private static byte[] line(int index) {
        return new byte[] {'l', (byte) index};
    }

    private static boolean isChosen(int index) {
        return index % 5 == 0;
    }

    private RetiredHead head(SubtreePaths paths) {
        return new RetiredHead(paths.size(), 1, 1, new byte[32], new byte[32], paths.subtrees(), paths.chosen());
    }

    private RetiredHead grown(RetiredHead before, int size) {
        SubtreePaths paths = new SubtreePaths(before);
        for (int i = (int) paths.size(); i < size; i++) {
            paths.append(leaves.get(i), isChosen(i) ? line(i) : null);
        }
        return head(paths);
    }

    private void assertWhole(RetiredHead head, int size) {
        assertThat(head.tree().root()).isEqualTo(CompactRangeTest.root(leaves.subList(0, size)));
        assertThat(head.records()).hasSize((size + 4) / 5);
        for (RetiredHead.Kept kept : head.records()) {
            assertThat(kept.line()).isEqualTo(line((int) kept.index()));
            assertThat(head.holds(kept, leaves.get((int) kept.index()))).isTrue();
            assertThat(head.holds(kept, leaves.get((int) kept.index() + 1))).isFalse();
            RetiredHead.Kept moved = new RetiredHead.Kept(kept.index() ^ 1, kept.line(), kept.path());
            assertThat(moved.index() < size && head.holds(moved, leaves.get((int) kept.index())))
                    .isFalse();
        }
    }

    @Test
    void append_everySize_pathsLeadToTheirSubtrees() {
        for (int size = 1; size < SIZE; size++) {
            assertWhole(grown(null, size), size);
        }
    }

    @Test
    void append_afterAnyEarlierCut_isTheSame() {
        for (int first = 1; first < SIZE - 1; first++) {
            for (int size : new int[] {first + 1, Math.min(first + 9, SIZE - 1), SIZE - 1}) {
                RetiredHead head = grown(grown(null, first), size);
                assertWhole(head, size);
                assertThat(head.bytes()).isEqualTo(grown(null, size).bytes());
            }
        }
    }

    @Test
    void startWith_everyCut_proofsAreThoseOfTheWholeTree() {
        for (int cut = 1; cut < SIZE; cut++) {
            CompactRange removed = grown(null, cut).tree();
            for (int index = cut; index < SIZE; index++) {
                assertThat(roots(SubtreeRoots.inclusion(index, SIZE), removed))
                        .containsExactlyElementsOf(roots(SubtreeRoots.inclusion(index, SIZE), new CompactRange()));
                assertThat(roots(SubtreeRoots.consistency(index, SIZE), removed))
                        .containsExactlyElementsOf(roots(SubtreeRoots.consistency(index, SIZE), new CompactRange()));
            }
        }
    }

    private List<byte[]> roots(SubtreeRoots roots, CompactRange removed) {
        roots.startWith(removed);
        for (int i = (int) removed.size(); i < SIZE; i++) {
            roots.accept(i, leaves.get(i));
        }
        return roots.roots();
    }
}
