package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.okhttp.BypassWorld.Layer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import okhttp3.Protocol;

/** The ways around the guard by a WebSocket, for whose opening OkHttp runs no network interceptor. */
enum WebSocketBypass implements Bypass {
    HOST_THAT_IS_NOT_ALLOWED(Set.of(Layer.JUDGE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.open(world.evil("/socket"));
            return world.arrivedAt("evil");
        }
    },
    REDIRECT(Set.of(Layer.REDIRECTS, Layer.UPGRADE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.answer = request -> LoopbackServer.redirect(302, "/admin");
            world.open(world.allowed("/v1/realtime"));
            return world.arrivedWithPath("/admin");
        }
    },
    AUTHENTICATOR_WITH_ANOTHER_HOST(Set.of(Layer.AUTHENTICATORS, Layer.DNS, Layer.UPGRADE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            Bypass.challenge(world, world.evil("/steal"));
            world.open(world.allowed("/v1/realtime"));
            return world.arrivedAt("evil");
        }
    },
    AUTHENTICATOR_WITH_ANOTHER_PATH(Set.of(Layer.AUTHENTICATORS, Layer.UPGRADE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            Bypass.challenge(world, world.allowed("/admin"));
            world.open(world.allowed("/v1/realtime"));
            return world.arrivedWithPath("/admin");
        }
    },
    MEDDLER_WITH_ANOTHER_HOST(Set.of(Layer.DNS, Layer.UPGRADE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.meddler = chain -> chain.proceed(
                    chain.request().newBuilder().url(world.evil("/steal")).build());
            world.open(world.allowed("/v1/realtime"));
            return world.arrivedAt("evil");
        }
    },
    MEDDLER_WITH_ANOTHER_PATH(Set.of(Layer.UPGRADE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.meddler = chain -> chain.proceed(
                    chain.request().newBuilder().url(world.allowed("/admin")).build());
            world.open(world.allowed("/v1/realtime"));
            return world.arrivedWithPath("/admin");
        }
    },
    DOMAIN_FRONTING_BY_THE_CALLER(Set.of(Layer.JUDGE, Layer.UPGRADE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.open(BypassWorld.get(world.allowed("/v1/realtime"))
                    .newBuilder()
                    .header("Host", BypassWorld.EVIL)
                    .build());
            return world.arrivedFor(BypassWorld.EVIL);
        }
    },
    DOMAIN_FRONTING_BY_A_MEDDLER(Set.of(Layer.UPGRADE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.meddler = chain -> chain.proceed(chain.request()
                    .newBuilder()
                    .header("Host", BypassWorld.EVIL)
                    .build());
            world.open(world.allowed("/v1/realtime"));
            return world.arrivedFor(BypassWorld.EVIL);
        }
    },
    /** The same URL, so that the cookie jar sees nothing: an authenticator is the one that is asked behind the last look. */
    DOMAIN_FRONTING_BY_AN_AUTHENTICATOR(Set.of(Layer.AUTHENTICATORS)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.answer = request -> Bypass.unauthorized();
            world.authenticator = (route, response) -> response.request().header("Host") != null
                    ? null
                    : response.request()
                            .newBuilder()
                            .header("Host", BypassWorld.EVIL)
                            .build();
            world.open(world.allowed("/v1/realtime"));
            return world.arrivedFor(BypassWorld.EVIL);
        }
    },
    SWAPPED_RESOLVER(Set.of(Layer.SOCKETS, Layer.UPGRADE)) {
        @Override
        public boolean arrives(BypassWorld world) throws IOException {
            world.resolver.set(BypassWorld.REBOUND, "192.0.2.1");
            world.meddler = chain -> SwappedParts.dns(chain, host -> List.of(InetAddress.getByName("127.0.0.1")))
                    .proceed(chain.request());
            world.open("https://" + BypassWorld.REBOUND + ":" + world.inner.port() + "/");
            return world.arrivedAt("inner");
        }

        @Override
        public boolean runsOnRelease(String okHttp) {
            return SwappedParts.available();
        }
    },
    SWAPPED_SOCKET_FACTORY(Set.of(Layer.UPGRADE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.meddler = chain -> SwappedParts.socketFactory(chain, SwappedParts.leadingTo(world.evil.port()))
                    .proceed(chain.request());
            world.open(world.allowed("/v1/realtime"));
            return world.arrivedAt("evil");
        }

        @Override
        public boolean runsOnRelease(String okHttp) {
            return SwappedParts.available();
        }
    },
    SWAPPED_POOL(Set.of(Layer.UPGRADE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.meddler = chain -> SwappedParts.pool(
                            chain,
                            SwappedParts.poolWithConnectionTo(world.evil.port(), List.of(Protocol.HTTP_1_1), chain))
                    .proceed(chain.request());
            world.open(world.allowed("/v1/realtime"));
            return world.arrived.stream()
                    .anyMatch(one -> one.server().equals("evil") && one.head().contains("Sec-WebSocket-Key"));
        }

        @Override
        public boolean runsOnRelease(String okHttp) {
            return SwappedParts.available();
        }
    },
    SWAPPED_PROXY(Set.of(Layer.SOCKETS, Layer.UPGRADE)) {
        @Override
        public boolean arrives(BypassWorld world) throws IOException {
            try (TunnelProxy proxy = new TunnelProxy()) {
                Proxy swapped = new Proxy(Proxy.Type.HTTP, new InetSocketAddress("127.0.0.1", proxy.port()));
                world.meddler = chain -> SwappedParts.proxy(chain, swapped).proceed(chain.request());
                world.open(world.allowed("/v1/realtime"));
                return world.arrivedAt("allowed") && proxy.connections() > 0;
            }
        }

        @Override
        public boolean runsOnRelease(String okHttp) {
            return SwappedParts.available();
        }
    };

    private final Set<Layer> layers;

    WebSocketBypass(Set<Layer> layers) {
        this.layers = EnumSet.copyOf(layers);
    }

    @Override
    public Set<Layer> layers() {
        return layers;
    }
}
