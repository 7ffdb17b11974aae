package dev.secureruntime.core.okhttp;

import java.io.IOException;
import java.lang.reflect.Method;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.SocketFactory;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.ConnectionPool;
import okhttp3.Dns;
import okhttp3.Interceptor.Chain;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;

/** What an interceptor can do to a call since OkHttp 5.4; by reflection, since the tests are compiled against 4.12. */
final class SwappedParts {

    private SwappedParts() {}

    static boolean available() {
        return Arrays.stream(Chain.class.getMethods())
                .anyMatch(method -> method.getName().equals("withDns"));
    }

    /** Whether a client looks hosts up by {@code Dns.newCall}. */
    static boolean asksByCall() {
        return Arrays.stream(Dns.class.getMethods())
                .anyMatch(method -> method.getName().equals("newCall"));
    }

    /** What a look-up by {@code Dns.newCall} ends with: the records, or the failure. */
    static Object lookUpByCall(Dns dns, String host) throws Exception {
        Class<?> request = Class.forName("okhttp3.Dns$Request");
        Class<?> callback = Class.forName("okhttp3.Dns$Callback");
        CompletableFuture<Object> end = new CompletableFuture<>();
        Object listener = java.lang.reflect.Proxy.newProxyInstance(
                callback.getClassLoader(), new Class<?>[] {callback}, (proxy, method, arguments) -> {
                    end.complete(arguments[arguments.length - 1]);
                    return null;
                });
        Object call = Dns.class
                .getMethod("newCall", request)
                .invoke(dns, request.getConstructor(String.class).newInstance(host));
        Class.forName("okhttp3.Dns$Call").getMethod("enqueue", callback).invoke(call, listener);
        return end.get(30, TimeUnit.SECONDS);
    }

    static Chain dns(Chain chain, Dns dns) {
        return with(chain, "withDns", Dns.class, dns);
    }

    static Chain socketFactory(Chain chain, SocketFactory sockets) {
        return with(chain, "withSocketFactory", SocketFactory.class, sockets);
    }

    static Chain pool(Chain chain, ConnectionPool pool) {
        return with(chain, "withConnectionPool", ConnectionPool.class, pool);
    }

    static Chain proxy(Chain chain, Proxy proxy) {
        return with(chain, "withProxy", Proxy.class, proxy);
    }

    private static <T> Chain with(Chain chain, String method, Class<T> type, T part) {
        try {
            return (Chain) Chain.class.getMethod(method, type).invoke(chain, part);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Object get(Chain chain, String method) {
        try {
            Method getter = Chain.class.getMethod(method);
            return getter.invoke(chain);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A pool that holds a connection for the call's host, by a client that took over what the guard's client compares. */
    static ConnectionPool poolWithConnectionTo(int port, List<Protocol> protocols, Chain chain) throws IOException {
        ConnectionPool pool = new ConnectionPool();
        OkHttpClient thief = new OkHttpClient.Builder()
                .connectionPool(pool)
                .protocols(protocols)
                .dns((Dns) get(chain, "getDns"))
                .proxy((Proxy) get(chain, "getProxy"))
                .sslSocketFactory((SSLSocketFactory) get(chain, "getSslSocketFactoryOrNull"), (X509TrustManager)
                        get(chain, "getX509TrustManagerOrNull"))
                .socketFactory(leadingTo(port))
                .build();
        thief.newCall(new Request.Builder().url(chain.request().url()).build())
                .execute()
                .close();
        return pool;
    }

    /** Sockets that connect to a port of loopback, whatever they are told. */
    static SocketFactory leadingTo(int port) {
        return new SocketFactory() {
            @Override
            public Socket createSocket() {
                return new Socket() {
                    @Override
                    public void connect(SocketAddress endpoint, int timeout) throws IOException {
                        super.connect(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), timeout);
                    }
                };
            }

            @Override
            public Socket createSocket(String host, int other) {
                throw new UnsupportedOperationException();
            }

            @Override
            public Socket createSocket(String host, int other, InetAddress local, int localPort) {
                throw new UnsupportedOperationException();
            }

            @Override
            public Socket createSocket(InetAddress host, int other) {
                throw new UnsupportedOperationException();
            }

            @Override
            public Socket createSocket(InetAddress host, int other, InetAddress local, int localPort) {
                throw new UnsupportedOperationException();
            }
        };
    }
}
