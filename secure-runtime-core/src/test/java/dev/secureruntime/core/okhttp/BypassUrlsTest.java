package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.secureruntime.Component;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.JudgedSocketFactory;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.SocketFactory;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The SSRF bypass URLs and the cloud-metadata endpoints through the real guarded client, whose look-ups and sockets are
 * counted: none. The same URLs through a bare client, counted likewise, show that they would go somewhere.
 */
class BypassUrlsTest {

    @TempDir
    Path folder;

    private final AtomicInteger lookups = new AtomicInteger();
    private final AtomicInteger sockets = new AtomicInteger();

    private static List<String> urls() throws IOException {
        List<String> urls = new ArrayList<>();
        ObjectMapper json = new ObjectMapper();
        for (String line : lines("ssrf_bypass_urls.jsonl")) {
            urls.add(json.readTree(line).get("url").asText());
        }
        for (String line : lines("cloud_metadata_endpoints.csv").subList(1, 74)) {
            urls.add(line.substring(line.indexOf(',') + 1));
        }
        assertThat(urls).hasSizeGreaterThan(200);
        return urls;
    }

    private static List<String> lines(String file) throws IOException {
        try (InputStream in = BypassUrlsTest.class.getResourceAsStream("/vectors/egress/" + file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank())
                    .toList();
        }
    }

    /** A URL as a client library would take it; null where OkHttp itself refuses it. */
    private static @Nullable Request request(String url) {
        try {
            return new Request.Builder().url(url).build();
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    @Test
    void url_throughTheGuardedClient_isDeniedWithoutLookUpOrSocket() throws Exception {
        try (SecureRuntime runtime = SecureRuntime.builder()
                .policy(Policy.builder()
                        .component(
                                "c",
                                ComponentPolicy.builder()
                                        .allowHost("api.openai.com")
                                        .allowHost("*.anthropic.com")
                                        .build())
                        .build())
                .auditLog(AuditSettings.in(folder.resolve("audit")))
                .resolver(host -> {
                    lookups.incrementAndGet();
                    throw new UnknownHostException(host);
                })
                .build()) {
            Component component = runtime.component("c");
            Gate.open(component, MethodHandles.lookup())
                    .transport(
                            HardenedClient.class,
                            gate -> new HardenedClient(gate, new Layers(gate) {
                                @Override
                                SocketFactory sockets(JudgedSocketFactory ours) {
                                    return counting(ours);
                                }
                            }));
            OkHttpClient client = GuardedOkHttp.client(component);
            int refused = 0;
            for (String url : urls()) {
                Request request = request(url);
                if (request == null) {
                    continue;
                }
                try (Response response = client.newCall(request).execute()) {
                    assertThat(response.code()).as(url).isEqualTo(403);
                    assertThat(response.header("X-Secure-Runtime-Denied"))
                            .as(url)
                            .startsWith("SR-EGRESS-");
                }
                refused++;
            }
            assertThat(refused).isGreaterThan(150);
            assertThat(lookups).hasValue(0);
            assertThat(sockets).hasValue(0);

            // The counters count: a host that is allowed is looked up.
            assertThat(catchThrowable(() -> client.newCall(new Request.Builder()
                                    .url("https://api.openai.com/")
                                    .build())
                            .execute()))
                    .isInstanceOf(IOException.class);
            assertThat(lookups).hasPositiveValue();
        }
    }

    @Test
    void url_throughABareClient_isLookedUpOrConnectedTo() throws Exception {
        OkHttpClient bare = new OkHttpClient.Builder()
                .dns(host -> {
                    lookups.incrementAndGet();
                    throw new UnknownHostException(host);
                })
                .socketFactory(counting(SocketFactory.getDefault()))
                .retryOnConnectionFailure(false)
                .build();
        int gone = 0;
        for (String url : urls()) {
            Request request = request(url);
            if (request == null) {
                continue;
            }
            int before = lookups.get() + sockets.get();
            try (Response response = bare.newCall(request).execute()) {
                assertThat(response.code()).isPositive();
            } catch (IOException e) {
                // No socket gets further than the counter.
            }
            gone += lookups.get() + sockets.get() > before ? 1 : 0;
        }
        assertThat(gone).isGreaterThan(150);
    }

    /** Counts sockets; those of the bare client go nowhere. */
    private SocketFactory counting(SocketFactory real) {
        return new SocketFactory() {
            @Override
            public Socket createSocket() throws IOException {
                sockets.incrementAndGet();
                if (real instanceof JudgedSocketFactory) {
                    return real.createSocket();
                }
                return new Socket() {
                    @Override
                    public void connect(SocketAddress endpoint, int timeout) throws IOException {
                        throw new IOException("counted");
                    }
                };
            }

            @Override
            public Socket createSocket(String host, int port) throws IOException {
                throw new IOException("not used");
            }

            @Override
            public Socket createSocket(String host, int port, InetAddress local, int localPort) throws IOException {
                throw new IOException("not used");
            }

            @Override
            public Socket createSocket(InetAddress host, int port) throws IOException {
                throw new IOException("not used");
            }

            @Override
            public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort)
                    throws IOException {
                throw new IOException("not used");
            }
        };
    }
}
