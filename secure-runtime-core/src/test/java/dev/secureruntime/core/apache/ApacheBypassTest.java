package dev.secureruntime.core.apache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import okhttp3.mockwebserver.RecordedRequest;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.io.entity.AbstractHttpEntity;
import org.apache.hc.core5.http.message.BasicClassicHttpRequest;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.net.URIAuthority;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ways around a guard in Apache HttpClient 5: each is refused here, and shown to work on a client without it. */
class ApacheBypassTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    private GuardedWorld world;
    private CloseableHttpClient client;

    @BeforeEach
    void start() throws IOException {
        world = new GuardedWorld(folder);
        client = GuardedApache.throwingClient(world.agent);
    }

    @AfterEach
    void stop() throws IOException {
        world.close();
    }

    private HttpHost host(String name) {
        return new HttpHost("https", name, world.provider.port());
    }

    private HttpGet get(String host) {
        return new HttpGet(world.url(host, "/"));
    }

    // ---- the target

    @Test
    void targetThatIsNotTheRequestsOwn_isRefused() throws Exception {
        HttpGet fronting = get(GuardedWorld.PARTNER);

        assertMalformed(host(GuardedWorld.OPENAI), fronting, "two");

        world.provider.answer(LoopbackServer.json("{}"));
        try (CloseableHttpClient bare = BareApache.client()) {
            bare.execute(host(GuardedWorld.OPENAI), fronting, response -> null);
        }
        assertThat(world.take().getHeader("Host")).startsWith(GuardedWorld.PARTNER);
    }

    @Test
    void targetWithAnAddressOfItsOwn_isRefused() throws Exception {
        HttpHost elsewhere =
                new HttpHost("https", InetAddress.getByName("127.0.0.1"), GuardedWorld.OPENAI, world.evil.port());
        BasicClassicHttpRequest request = new BasicClassicHttpRequest("GET", elsewhere, "/");

        assertMalformed(elsewhere, request, "address of its own");

        world.evil.answer(LoopbackServer.json("{}"));
        try (CloseableHttpClient bare = BareApache.client()) {
            bare.execute(elsewhere, request, response -> null);
        }
        assertThat(world.evil.server.getRequestCount()).isEqualTo(1);
    }

    @Test
    void hostHeaderOfAnotherHost_isRefused() throws Exception {
        HttpGet fronting = get(GuardedWorld.OPENAI);
        fronting.setHeader("Host", GuardedWorld.EVIL);

        assertMalformed(null, fronting, "Host header");

        world.provider.answer(LoopbackServer.json("{}"));
        try (CloseableHttpClient bare = BareApache.client()) {
            bare.execute(fronting, response -> null);
        }
        assertThat(world.take().getHeader("Host")).isEqualTo(GuardedWorld.EVIL);
    }

    @Test
    void absolutePath_isRefused() throws Exception {
        BasicClassicHttpRequest request =
                new BasicClassicHttpRequest("GET", host(GuardedWorld.OPENAI), "https://" + GuardedWorld.EVIL + "/");

        assertMalformed(null, request, "");

        assertThat(world.provider.connections()).isZero();
    }

    @Test
    void absoluteRequestLine_isNotWritten() throws Exception {
        HttpGet request = get(GuardedWorld.OPENAI);
        request.setAbsoluteRequestUri(true);
        world.provider.answer(LoopbackServer.json("{}"), LoopbackServer.json("{}"));

        client.execute(request, response -> null);

        assertThat(world.take().getRequestLine()).isEqualTo("GET / HTTP/1.1");
    }

    @Test
    void pathThatHoldsARequest_isRefused() throws Exception {
        HttpGet request = get(GuardedWorld.OPENAI);
        request.setPath("/ HTTP/1.1\r\nHost: a\r\n\r\nGET /smuggled");

        assertMalformed(null, request, "path");
    }

    @ParameterizedTest
    @ValueSource(strings = {"v\r\nX-Smuggled: 1", "v\u010aX-Smuggled: 1", "v\u0000"})
    void headerThatHoldsALineEnd_isRefused(String value) {
        HttpGet request = get(GuardedWorld.OPENAI);
        request.setHeader("X-Note", value);

        assertMalformed(null, request, "header");
    }

    @Test
    void requestThatChangesBetweenTwoLooks_isReadOnce() throws Exception {
        BasicClassicHttpRequest shifting = new BasicClassicHttpRequest("GET", host(GuardedWorld.OPENAI), "/") {
            private int looks;

            @Override
            public URIAuthority getAuthority() {
                return looks++ < 2 ? super.getAuthority() : new URIAuthority(GuardedWorld.EVIL, world.evil.port());
            }

            @Override
            public String getRequestUri() {
                return "https://" + GuardedWorld.EVIL + "/";
            }
        };
        world.provider.answer(LoopbackServer.json("{}"));

        client.execute(host(GuardedWorld.OPENAI), shifting, response -> null);

        assertThat(world.take().getRequestLine()).isEqualTo("GET / HTTP/1.1");
        assertThat(world.evil.connections()).isZero();
    }

    @Test
    void upgradeOrTunnel_isRefused() {
        HttpGet upgrade = get(GuardedWorld.OPENAI);
        upgrade.setHeader("Upgrade", "h2c");

        assertMalformed(null, upgrade, "another protocol");
        assertMalformed(null, new BasicClassicHttpRequest("CONNECT", host(GuardedWorld.OPENAI), "/"), "proxy");
    }

    @Test
    void bodyThatAnnouncesAnotherLength_smugglesNothing() throws Exception {
        HttpPost request = new HttpPost(world.url(GuardedWorld.OPENAI, "/"));
        request.setHeader("Content-Length", "4");
        request.setHeader("Transfer-Encoding", "chunked");
        request.setEntity(new AbstractHttpEntity(ContentType.TEXT_PLAIN, null) {
            private int asked;

            @Override
            public long getContentLength() {
                return asked++ == 0 ? 4 : 4000;
            }

            @Override
            public void writeTo(OutputStream out) throws IOException {
                out.write("bodyPOST /smuggled HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            }

            @Override
            public InputStream getContent() {
                throw new UnsupportedOperationException();
            }

            @Override
            public boolean isStreaming() {
                return false;
            }

            @Override
            public void close() {}
        });

        assertThatThrownBy(() -> client.execute(request, response -> null))
                .hasMessageContaining("longer than the 4 bytes");

        assertThat(world.provider.server.getRequestCount()).isZero();
    }

    @Test
    void headersThatFrameTheMessage_areOurs() throws Exception {
        HttpPost request = new HttpPost(world.url(GuardedWorld.OPENAI, "/"));
        request.setHeader("Content-Length", "400");
        request.setHeader("Transfer-Encoding", "chunked");
        request.setHeader("Connection", "X-Custom");
        world.provider.answer(LoopbackServer.json("{}"));

        client.execute(request, response -> null);

        RecordedRequest seen = world.take();
        assertThat(seen.getHeader("Content-Length")).isEqualTo("0");
        assertThat(seen.getHeader("Transfer-Encoding")).isNull();
        assertThat(seen.getHeader("Connection")).isNull();
    }

    // ---- proxies and other detours

    @Test
    void proxyOfTheRequest_isRefused() throws Exception {
        try (ClosingListener proxy = new ClosingListener()) {
            HttpGet request = get(GuardedWorld.OPENAI);
            request.setConfig(RequestConfig.custom().setProxy(proxy.host()).build());
            HttpClientContext context = HttpClientContext.create();
            context.setRequestConfig(request.getConfig());

            assertBypassed(null, request, null);
            assertBypassed(null, get(GuardedWorld.OPENAI), context);
            assertThat(proxy.connections()).isZero();

            try (CloseableHttpClient bare = BareApache.client()) {
                assertThatThrownBy(() -> bare.execute(request, response -> null))
                        .isInstanceOf(IOException.class);
            }
            assertThat(proxy.awaitConnection()).isTrue();
        }
    }

    @Test
    void unixSocketOfTheRequest_isRefused() {
        HttpGet request = get(GuardedWorld.OPENAI);
        request.setConfig(RequestConfig.custom()
                .setUnixDomainSocket(folder.resolve("socket"))
                .build());

        assertBypassed(null, request, null);
    }

    @Test
    void proxySetForTheWholeJvm_hasNoEffect() throws Exception {
        try (ClosingListener proxy = new ClosingListener()) {
            ProxySelector before = ProxySelector.getDefault();
            ProxySelector.setDefault(proxy.selector());
            System.setProperty("https.proxyHost", "127.0.0.1");
            System.setProperty("https.proxyPort", String.valueOf(proxy.port()));
            System.setProperty("http.nonProxyHosts", ""); // not even for loopback
            try {
                world.provider.answer(LoopbackServer.json("{}"));

                client.execute(get(GuardedWorld.OPENAI), response -> null);

                assertThat(proxy.connections()).isZero();
                try (CloseableHttpClient bare = BareApache.client(HttpClientBuilder::useSystemProperties)) {
                    assertThatThrownBy(() -> bare.execute(get(GuardedWorld.OPENAI), response -> null))
                            .isInstanceOf(IOException.class);
                }
                assertThat(proxy.awaitConnection()).isTrue();
            } finally {
                System.clearProperty("https.proxyHost");
                System.clearProperty("https.proxyPort");
                System.clearProperty("http.nonProxyHosts");
                ProxySelector.setDefault(before);
            }
        }
    }

    @Test
    void socksSetForTheWholeJvm_hasNoEffect() throws Exception {
        try (ClosingListener socks = new ClosingListener()) {
            System.setProperty("socksProxyHost", "127.0.0.1");
            System.setProperty("socksProxyPort", String.valueOf(socks.port()));
            System.setProperty("socksNonProxyHosts", ""); // not even for loopback
            try {
                world.provider.answer(LoopbackServer.json("{}"));

                client.execute(get(GuardedWorld.OPENAI), response -> null);

                assertThat(socks.connections()).isZero();
                try (CloseableHttpClient bare = BareApache.client()) {
                    assertThatThrownBy(() -> bare.execute(get(GuardedWorld.OPENAI), response -> null))
                            .isInstanceOf(IOException.class);
                }
                assertThat(socks.awaitConnection()).isTrue();
            } finally {
                System.clearProperty("socksProxyHost");
                System.clearProperty("socksProxyPort");
                System.clearProperty("socksNonProxyHosts");
            }
        }
    }

    // ---- hosts as attackers write them

    static Stream<String> bypasses() {
        try (InputStream in = ApacheBypassTest.class.getResourceAsStream("/vectors/egress/ssrf_bypass_urls.jsonl")) {
            List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
            assertThat(lines).hasSizeGreaterThan(100);
            return lines.stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void ssrfUrls_areRefusedWithoutLookupOrConnection() throws Exception {
        int refused = 0;
        for (String line : bypasses().toList()) {
            String url = JSON.readTree(line).get("url").asText();
            for (ClassicHttpRequest request : requests(url)) {
                assertThatThrownBy(() -> client.execute(request, response -> null))
                        .as(url)
                        .isInstanceOfAny(IOException.class, IllegalArgumentException.class);
                refused++;
            }
        }

        assertThat(refused).isGreaterThan(100);
        assertThat(world.resolver.lookups()).isEmpty();
        assertThat(world.provider.connections() + world.evil.connections()).isZero();
    }

    /** The ways in which Apache takes a URL; none where it takes it in none. */
    private static List<ClassicHttpRequest> requests(String url) {
        BasicClassicHttpRequest lenient = new BasicClassicHttpRequest("GET", url);
        try {
            return List.of(lenient, new HttpGet(URI.create(url)));
        } catch (IllegalArgumentException e) {
            return List.of(lenient, inParts(url));
        }
    }

    /** A URL that java.net.URI refuses, cut up as careless code would. */
    private static ClassicHttpRequest inParts(String url) {
        int start = url.indexOf("//") + 2;
        int slash = url.indexOf('/', start);
        String authority = slash < 0 ? url.substring(start) : url.substring(start, slash);
        String path = slash < 0 ? "/" : url.substring(slash);
        String scheme = start < 4 ? "http" : url.substring(0, start - 3);
        return new BasicClassicHttpRequest("GET", scheme, new URIAuthority(authority, -1), path);
    }

    private void assertMalformed(HttpHost target, ClassicHttpRequest request, String why) {
        assertRefused(target, request, null, Reason.MALFORMED_TARGET, why);
    }

    private void assertBypassed(HttpHost target, ClassicHttpRequest request, HttpContext context) {
        assertRefused(target, request, context, Reason.GUARD_BYPASSED, "configuration");
    }

    private void assertRefused(
            HttpHost target, ClassicHttpRequest request, HttpContext context, Reason reason, String why) {
        int before = world.provider.connections();
        assertThatThrownBy(() -> client.executeOpen(target, request, context))
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> {
                    assertThat(denial.decision().reason()).isEqualTo(reason);
                    assertThat(denial.decision().detail()).contains(why);
                });
        assertThat(world.provider.connections()).isEqualTo(before);
        assertThat(world.resolver.lookups()).isEmpty();
    }
}
