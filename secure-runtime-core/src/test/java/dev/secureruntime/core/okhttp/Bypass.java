package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.okhttp.BypassWorld.Layer;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import okhttp3.mockwebserver.MockResponse;

/**
 * A way around a guard in OkHttp, with the layers that close it: any one of them alone, and nothing else. An attack
 * runs against real servers and says whether its bytes arrived.
 */
interface Bypass {

    /** All there are. */
    static List<Bypass> all() {
        return Stream.<Bypass[]>of(CallBypass.values(), WebSocketBypass.values())
                .flatMap(Stream::of)
                .toList();
    }

    /** The layers of which each alone closes this way; without all of them it is open. */
    Set<Layer> layers();

    /** Whether the attack exists on connections of this protocol. */
    default boolean runsOn(String protocol) {
        return true;
    }

    /** Whether the attack exists in the release of OkHttp that is on the class path. */
    default boolean runsOnRelease(String okHttp) {
        return true;
    }

    /** Runs the attack; true when its bytes arrived where they may not. */
    boolean arrives(BypassWorld world) throws IOException;

    static MockResponse unauthorized() {
        return new MockResponse().setResponseCode(401).setHeader("WWW-Authenticate", "Basic realm=\"r\"");
    }

    /** A server that asks for a login, and an authenticator that answers with a request to {@code url}. */
    static void challenge(BypassWorld world, String url) {
        AtomicInteger asked = new AtomicInteger();
        world.answer = request -> unauthorized();
        world.authenticator = (route, response) -> asked.incrementAndGet() > 1
                ? null
                : response.request().newBuilder().url(url).build();
    }
}
