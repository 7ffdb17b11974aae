package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.TreeHasher;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class CompactRangeTest {

    private static final TreeHasher HASHER = new TreeHasher();

    /** RFC 6962, section 2.1, word by word. */
    static byte[] root(List<byte[]> leaves) {
        if (leaves.isEmpty()) {
            return HASHER.plain(new byte[0]);
        }
        if (leaves.size() == 1) {
            return leaves.get(0);
        }
        int k = Integer.highestOneBit(leaves.size() - 1);
        byte[] root = new byte[32];
        HASHER.node(root(leaves.subList(0, k)), root(leaves.subList(k, leaves.size())), root);
        return root;
    }

    static byte[] leaf(byte[] bytes) {
        byte[] leaf = new byte[32];
        HASHER.leaf(bytes, 0, bytes.length, leaf, 0);
        return leaf;
    }

    @Test
    void root_publishedVectors_match() {
        // The eight leaves and roots that Certificate Transparency implementations share.
        String[] leaves = {
            "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"
        };
        String[] roots = {
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
        };
        CompactRange range = new CompactRange();
        assertThat(range.root())
                .asHexString()
                .isEqualToIgnoringCase("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for (int i = 0; i < leaves.length; i++) {
            range.append(leaf(HexFormat.of().parseHex(leaves[i])), 0);
            assertThat(range.root()).asHexString().isEqualToIgnoringCase(roots[i]);
        }
    }

    @Test
    void root_everySizeTo300_isTheDefinition() {
        CompactRange range = new CompactRange();
        List<byte[]> leaves = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            leaves.add(leaf(new byte[] {(byte) i, (byte) (i >> 8)}));
            range.append(leaves.get(i), 0);
            assertThat(range.root()).isEqualTo(root(leaves));
            assertThat(range.size()).isEqualTo(i + 1);
        }
    }
}
