package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.core.audit.format.ConsistencyProof;
import dev.secureruntime.core.audit.format.InclusionProof;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.SubtreeRoots;
import dev.secureruntime.core.audit.format.TreeHasher;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProofTest {

    private static final int MAX = 40;

    private static List<byte[]> leaves(int count) {
        List<byte[]> leaves = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            leaves.add(CompactRangeTest.leaf(new byte[] {(byte) i}));
        }
        return leaves;
    }

    private static List<byte[]> feed(SubtreeRoots roots, List<byte[]> leaves) {
        for (int i = 0; i < leaves.size(); i++) {
            roots.accept(i, leaves.get(i));
        }
        return roots.roots();
    }

    private static InclusionProof proof(long index, List<byte[]> path) {
        return new InclusionProof(index, path, new byte[0]);
    }

    @Test
    void inclusion_everyIndexAndSize_provesThatLeafOnly() {
        for (int size = 1; size <= MAX; size++) {
            List<byte[]> leaves = leaves(size);
            byte[] root = CompactRangeTest.root(leaves);
            for (int index = 0; index < size; index++) {
                List<byte[]> path = feed(SubtreeRoots.inclusion(index, size), leaves);
                assertThat(proof(index, path).leadsTo(leaves.get(index), size, root))
                        .isTrue();
                for (int other = 0; other < size + 2; other++) {
                    if (other != index) {
                        assertThat(proof(other, path).leadsTo(leaves.get(index), size, root))
                                .isFalse();
                    }
                }
                assertThat(proof(index, path).leadsTo(leaves.get((index + 1) % size), size, root))
                        .isEqualTo(size == 1);
                assertThat(proof(index, path).leadsTo(new byte[32], size, root)).isFalse();
                List<byte[]> longer = new ArrayList<>(path);
                longer.add(new byte[32]);
                assertThat(proof(index, longer).leadsTo(leaves.get(index), size, root))
                        .isFalse();
                if (!path.isEmpty()) {
                    assertThat(proof(index, path.subList(1, path.size())).leadsTo(leaves.get(index), size, root))
                            .isFalse();
                    assertThat(proof(index, path.subList(0, path.size() - 1)).leadsTo(leaves.get(index), size, root))
                            .isFalse();
                }
            }
        }
    }

    @Test
    void consistency_everyPairOfSizes_provesThoseOnly() {
        List<byte[]> all = leaves(MAX);
        List<byte[]> roots = new ArrayList<>();
        for (int size = 0; size <= MAX; size++) {
            roots.add(CompactRangeTest.root(all.subList(0, size)));
        }
        for (int newer = 1; newer <= MAX; newer++) {
            for (int older = 1; older <= newer; older++) {
                List<byte[]> hashes = feed(SubtreeRoots.consistency(older, newer), all.subList(0, newer));
                byte[] a = roots.get(older);
                byte[] b = roots.get(newer);
                assertThat(ConsistencyProof.holds(older, a, newer, b, hashes)).isTrue();
                assertThat(ConsistencyProof.holds(older, b, newer, b, hashes)).isEqualTo(older == newer);
                assertThat(ConsistencyProof.holds(older, a, newer, new byte[32], hashes))
                        .isFalse();
                List<byte[]> longer = new ArrayList<>(hashes);
                longer.add(new byte[32]);
                assertThat(ConsistencyProof.holds(older, a, newer, b, longer)).isFalse();
                if (!hashes.isEmpty()) {
                    assertThat(ConsistencyProof.holds(older, a, newer, b, hashes.subList(1, hashes.size())))
                            .isFalse();
                }
                assertThat(ConsistencyProof.holds(0, a, newer, b, hashes)).isFalse();
                assertThat(ConsistencyProof.holds(newer + 1L, a, newer, b, hashes))
                        .isFalse();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, Long.MAX_VALUE, Long.MIN_VALUE, -1})
    void leadsTo_extremeSizesAndIndexes_endsAndRefuses(long extreme) {
        List<byte[]> path = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            path.add(new byte[32]);
            assertThat(proof(extreme, path).leadsTo(new byte[32], -1, new byte[32]))
                    .isFalse();
            assertThat(proof(0, path).leadsTo(new byte[32], extreme, new byte[32]))
                    .isFalse();
            assertThat(ConsistencyProof.holds(extreme, new byte[32], -1, new byte[32], path))
                    .isFalse();
            assertThat(ConsistencyProof.holds(1, new byte[32], extreme, new byte[32], path))
                    .isFalse();
        }
    }

    @Test
    void check_proofOfALog_provedForThatRecordOnly(@TempDir Path home) throws Exception {
        List<String> keys = LogFixture.large(home);
        List<String> records = LogFixture.records(home);
        for (int index : new int[] {0, 1, 17, records.size() - 1}) {
            byte[] proof = AuditProofs.inclusion(LogFixture.log(home), index).getBytes(StandardCharsets.UTF_8);
            byte[] line = records.get(index).getBytes(StandardCharsets.ISO_8859_1);
            assertThat(AuditProofs.check(proof, line, keys.get(0)))
                    .isEqualTo(new AuditProofs.Result.Proved(index, records.size()));
            line[20] ^= 1;
            assertThat(AuditProofs.check(proof, line, keys.get(0))).isInstanceOf(AuditProofs.Result.Refuted.class);
            line[20] ^= 1;
            assertThat(AuditProofs.check(
                            proof, line, ForgedLog.anyKey("test/x").verifier().toString()))
                    .isInstanceOf(AuditProofs.Result.Refuted.class);
            // The last line is the epoch key's signature, which a proof alone can't be checked for.
            int end = new String(proof, 0, proof.length - 1, StandardCharsets.ISO_8859_1).lastIndexOf('\n');
            for (int at = 0; at < end; at += 3) {
                byte[] bad = proof.clone();
                bad[at] ^= 2;
                assertThat(AuditProofs.check(bad, line, keys.get(0)))
                        .as("byte " + at)
                        .isInstanceOf(AuditProofs.Result.Refuted.class);
            }
        }
        assertThatThrownBy(() -> AuditProofs.inclusion(LogFixture.log(home), records.size()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> AuditProofs.consistency(LogFixture.log(home), 0, 5))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> AuditProofs.consistency(LogFixture.log(home), 5, records.size() + 1L))
                .isInstanceOf(IllegalArgumentException.class);
        Path segment = LogFixture.segments(home).get(0);
        LogFixture.write(segment, LogFixture.read(segment).replace("value 3", "value 4"));
        assertThatThrownBy(() -> AuditProofs.inclusion(LogFixture.log(home), 1)).hasMessageContaining("tampered");
    }

    /** Any C2SP checkpoint that the key signed carries a proof: with other extension lines, further signatures, 64-bit sizes. */
    @ParameterizedTest
    @CsvSource({
        "1, '', true",
        "1, 'of another kind|and two of them|', true",
        "18446744073709551615, '', true",
        "9223372036854775808, '', true",
        "18446744073709551616, '', false",
        "1, '|', false",
        "1, 'unended', false",
        "01, '', false",
        "0, '', false",
        "-1, '', false"
    })
    void check_checkpointOfOtherSoftware_provedByItsFirstThreeLines(String size, String extension, boolean proved) {
        SigningKey key = ForgedLog.anyKey("other.example/log");
        byte[] line = "any bytes".getBytes(StandardCharsets.UTF_8);
        byte[] root = CompactRangeTest.leaf(line);
        StringBuilder path = new StringBuilder();
        int bits = proved ? 64 - Long.numberOfLeadingZeros(Long.parseUnsignedLong(size) - 1) : 0;
        for (int i = 0; i < bits; i++) {
            new TreeHasher().node(root, new byte[32], root);
            path.append(Base64.getEncoder().encodeToString(new byte[32])).append('\n');
        }
        byte[] text = ("other.example/log\n" + size + "\n" + Base64.getEncoder().encodeToString(root) + "\n"
                        + extension.replace('|', '\n'))
                .getBytes(StandardCharsets.UTF_8);
        byte[] note =
                new SignedNote(text, List.of(ForgedLog.anyKey("witness.example").sign(text), key.sign(text))).bytes();
        String proof = "c2sp.org/tlog-proof@v1\nindex 0\n" + path + "\n" + new String(note, StandardCharsets.UTF_8);

        AuditProofs.Result result = AuditProofs.check(
                proof.getBytes(StandardCharsets.UTF_8), line, key.verifier().toString());

        if (proved) {
            assertThat(result).isEqualTo(new AuditProofs.Result.Proved(0, Long.parseUnsignedLong(size)));
        } else {
            assertThat(result).isInstanceOf(AuditProofs.Result.Refuted.class);
        }
    }

    @Test
    void parse_proofWithExtra_acceptedWithUnsignedIndex() {
        String text =
                "c2sp.org/tlog-proof@v1\nextra AAAA\nindex 18446744073709551615\n" + "A".repeat(43) + "=\n\nnote\n";
        InclusionProof proof = InclusionProof.parse(text.getBytes(StandardCharsets.UTF_8));
        assertThat(proof.index()).isEqualTo(-1);
        assertThat(proof.text()).isEqualTo(text.replace("extra AAAA\n", ""));
    }

    @Test
    void verify_withAnchors_provesCompletenessOrFindsTheCut(@TempDir Path home) throws Exception {
        List<String> keys = LogFixture.large(home.resolve("log1"));
        Path log = LogFixture.log(home.resolve("log1"));
        Path newest = log.resolve("checkpoint");
        AuditLogVerifier verifier = AuditLogVerifier.withKeys(keys);
        Path early = home.resolve("early");
        String first = LogFixture.read(log.resolve("checkpoints")).split("\n\ntest/")[0] + "\n";
        LogFixture.write(early, first);

        long size = LogFixture.records(home.resolve("log1")).size();
        var result = verifier.anchoredBy(List.of(newest)).verify(log);
        assertThat(result).isInstanceOf(dev.secureruntime.audit.VerificationResult.Intact.class);
        assertThat(result.provedUpTo()).hasValue(size);
        assertThat(verifier.anchoredBy(List.of(early)).verify(log).provedUpTo()).hasValue(1);
        assertThat(verifier.anchoredBy(List.of(newest, early, log.resolve("checkpoints")))
                        .verify(log)
                        .provedUpTo())
                .hasValue(size);

        Path garbage = Files.writeString(home.resolve("garbage"), "garbage");
        Path other = home.resolve("log2");
        LogFixture.large(other);
        for (Path bad :
                List.of(home.resolve("missing"), garbage, LogFixture.log(other).resolve("checkpoint"), home)) {
            assertThat(verifier.anchoredBy(List.of(bad)).verify(log))
                    .as(bad.toString())
                    .isInstanceOf(dev.secureruntime.audit.VerificationResult.Inconclusive.class);
        }

        // The log goes on: the old head is still in it.
        Path kept = Files.copy(newest, home.resolve("kept"));
        LogFixture.copy(home.resolve("log1"), home.resolve("before"));
        try (HashChainedAuditLog more = LogFixture.open(LogFixture.settings(home.resolve("log1")))) {
            LogFixture.append(more, 5);
        }
        assertThat(verifier.anchoredBy(List.of(kept)).verify(log).provedUpTo()).hasValue(size);
        // Rolled back to before: looks whole, but for the anchor.
        Path old = LogFixture.log(home.resolve("before"));
        assertThat(verifier.verify(old)).isInstanceOf(dev.secureruntime.audit.VerificationResult.Intact.class);
        var cut = verifier.anchoredBy(List.of(newest)).verify(old);
        assertThat(firstBad(cut)).isEqualTo(size);
        // Continued from there: a fork of the same log, signed with the same key.
        try (HashChainedAuditLog fork = LogFixture.open(LogFixture.settings(home.resolve("before")))) {
            LogFixture.append(fork, 5);
        }
        assertThat(verifier.verify(old)).isInstanceOf(dev.secureruntime.audit.VerificationResult.Intact.class);
        // Named is the first record that no checkpoint before the contradiction covers, one that is there.
        assertThat(firstBad(verifier.anchoredBy(List.of(newest)).verify(old)))
                .isEqualTo(size + 1)
                .isLessThan(LogFixture.records(home.resolve("before")).size());
        assertThat(firstBad(
                        verifier.anchoredBy(List.of(log.resolve("checkpoints"))).verify(old)))
                .isEqualTo(size);
        // All gone.
        assertThat(verifier.anchoredBy(List.of(newest)).verify(Files.createDirectory(home.resolve("empty"))))
                .isInstanceOf(dev.secureruntime.audit.VerificationResult.Tampered.class);
    }

    private static long firstBad(dev.secureruntime.audit.VerificationResult result) {
        return ((dev.secureruntime.audit.VerificationResult.Tampered) result)
                .firstBad()
                .seq()
                .orElseThrow();
    }
}
