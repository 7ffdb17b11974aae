package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.core.okhttp.BypassWorld.Ground;
import dev.secureruntime.core.okhttp.BypassWorld.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import okhttp3.Protocol;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each {@link Bypass}, on HTTP/1.1 and HTTP/2, against the guard as it is, against the guard with one of the attack's layers
 * left, and without any of them. The last shows that the attack works, and that nothing else closes the way; the one before,
 * that each layer does so by itself.
 */
class BypassTest {

    private static final String RELEASE = System.getProperty("secureruntime.test.okhttp", "4.12.0");
    private static final Map<String, Ground> GROUNDS = new HashMap<>();

    @TempDir
    static Path folder;

    @BeforeAll
    static void start() throws IOException {
        GROUNDS.put("http/1.1", new Ground(folder.resolve("1"), List.of(Protocol.HTTP_1_1)));
        GROUNDS.put("h2", new Ground(folder.resolve("2"), List.of(Protocol.HTTP_2, Protocol.HTTP_1_1)));
    }

    @AfterAll
    static void stop() throws IOException {
        for (Ground ground : GROUNDS.values()) {
            ground.close();
        }
        GROUNDS.clear();
    }

    static Stream<Arguments> bypasses() {
        List<Arguments> rows = new ArrayList<>();
        for (String protocol : List.of("http/1.1", "h2")) {
            for (Bypass bypass : Bypass.all()) {
                if (bypass.runsOn(protocol) && bypass.runsOnRelease(RELEASE)) {
                    rows.add(Arguments.of(bypass, protocol));
                }
            }
        }
        return rows.stream();
    }

    static Stream<Arguments> bypassesWithOneLayerLeft() {
        return bypasses()
                .filter(row -> ((Bypass) row.get()[0]).layers().size() > 1)
                .flatMap(row -> ((Bypass) row.get()[0])
                        .layers().stream().map(left -> Arguments.of(row.get()[0], row.get()[1], left)));
    }

    @ParameterizedTest
    @MethodSource("bypasses")
    void bypass_ofTheGuardAsItIs_doesNotArrive(Bypass bypass, String protocol) throws IOException {
        assertThat(arrives(bypass, protocol, Set.of())).isFalse();
    }

    @ParameterizedTest
    @MethodSource("bypassesWithOneLayerLeft")
    void bypass_withOneOfItsLayersLeft_doesNotArrive(Bypass bypass, String protocol, Layer left) throws IOException {
        Set<Layer> out = EnumSet.copyOf(bypass.layers());
        out.remove(left);
        assertThat(arrives(bypass, protocol, out)).isFalse();
    }

    @ParameterizedTest
    @MethodSource("bypasses")
    void bypass_withoutItsLayers_arrives(Bypass bypass, String protocol) throws IOException {
        assertThat(arrives(bypass, protocol, bypass.layers())).isTrue();
    }

    /** Two are always backed by another: the pool's connections differ in their resolver too, a redirect in its URL. */
    @Test
    void everyLayerButThePoolAndTheRedirects_aloneClosesSomeWay() {
        Set<Layer> alone = EnumSet.noneOf(Layer.class);
        for (Bypass bypass : Bypass.all()) {
            if (bypass.layers().size() == 1) {
                alone.addAll(bypass.layers());
            }
        }
        assertThat(alone)
                .containsExactlyInAnyOrderElementsOf(EnumSet.complementOf(EnumSet.of(Layer.POOL, Layer.REDIRECTS)));
    }

    static Stream<Bypass> changedRequests() {
        return Stream.of(
                CallBypass.MEDDLER_WITH_ANOTHER_PATH,
                CallBypass.DOMAIN_FRONTING_BY_A_MEDDLER,
                WebSocketBypass.MEDDLER_WITH_ANOTHER_PATH,
                WebSocketBypass.DOMAIN_FRONTING_BY_A_MEDDLER);
    }

    @ParameterizedTest
    @MethodSource("changedRequests")
    void requestThatChangedAfterItWasJudged_isRefusedWithWordsForWhoeverLooksIntoIt(Bypass bypass) throws IOException {
        try (BypassWorld world = new BypassWorld(GROUNDS.get("http/1.1"), Set.of())) {
            assertThat(bypass.arrives(world)).isFalse();
            assertThat(world.failure).isInstanceOfSatisfying(EgressDeniedException.class, refused -> {
                assertThat(refused.decision().code()).isEqualTo(ErrorCode.EGRESS_GUARD_BYPASSED);
                assertThat(refused.decision().detail()).contains("changed after it was judged");
                assertThat(refused.decision().remedy()).contains("which code");
                assertThat(refused.request().host()).isEqualTo(BypassWorld.ALLOWED);
            });
        }
    }

    private boolean arrives(Bypass bypass, String protocol, Set<Layer> out) throws IOException {
        try (BypassWorld world = new BypassWorld(GROUNDS.get(protocol), out)) {
            return bypass.arrives(world);
        }
    }
}
