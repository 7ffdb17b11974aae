package dev.secureruntime.core.okhttp;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.Proxy;
import java.net.ProxySelector;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import javax.net.SocketFactory;
import javax.net.ssl.HostnameVerifier;
import javax.net.ssl.SSLSocketFactory;
import okhttp3.Authenticator;
import okhttp3.ConnectionPool;
import okhttp3.Dns;
import okhttp3.Interceptor.Chain;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a client that an interceptor can swap for one call, since OkHttp 5.4. They are found by name, because older
 * releases, which this is compiled against, have no such methods - and nothing that could be swapped.
 */
final class ChainParts {

    /** A part, how a chain tells it, and how a client does. */
    private record Part(String name, MethodHandle of, Function<OkHttpClient, @Nullable Object> expected) {}

    private static final List<Part> SWAPPABLE = find();

    private ChainParts() {}

    private static List<Part> find() {
        List<Part> found = new ArrayList<>();
        add(found, "getDns", Dns.class, OkHttpClient::dns);
        add(found, "getSocketFactory", SocketFactory.class, OkHttpClient::socketFactory);
        add(found, "getConnectionPool", ConnectionPool.class, OkHttpClient::connectionPool);
        add(found, "getProxy", Proxy.class, OkHttpClient::proxy);
        add(found, "getProxySelector", ProxySelector.class, OkHttpClient::proxySelector);
        add(found, "getAuthenticator", Authenticator.class, OkHttpClient::authenticator);
        add(found, "getProxyAuthenticator", Authenticator.class, OkHttpClient::proxyAuthenticator);
        add(found, "getSslSocketFactoryOrNull", SSLSocketFactory.class, OkHttpClient::sslSocketFactory);
        add(found, "getHostnameVerifier", HostnameVerifier.class, OkHttpClient::hostnameVerifier);
        return List.copyOf(found);
    }

    private static void add(
            List<Part> found, String getter, Class<?> type, Function<OkHttpClient, @Nullable Object> expected) {
        try {
            MethodHandle of = MethodHandles.publicLookup()
                    .findVirtual(Chain.class, getter, MethodType.methodType(type))
                    .asType(MethodType.methodType(Object.class, Chain.class));
            found.add(new Part(getter.substring(3), of, expected));
        } catch (NoSuchMethodException | IllegalAccessException e) {
            // A release in which a chain has no such part.
        }
    }

    /** What of the chain is not the client's; null when nothing is. */
    static @Nullable String swapped(Chain chain, OkHttpClient client) {
        for (int i = 0; i < SWAPPABLE.size(); i++) {
            Part part = SWAPPABLE.get(i);
            try {
                if ((Object) part.of().invokeExact(chain) != part.expected().apply(client)) {
                    return part.name();
                }
            } catch (Throwable e) {
                return part.name() + " (" + e + ")";
            }
        }
        return null;
    }
}
