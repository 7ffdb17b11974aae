package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.okhttp.FakeResolver;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.core.okhttp.ReloadWorld;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import okhttp3.Headers;
import okhttp3.Protocol;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.MockWebServer;
import okhttp3.mockwebserver.RecordedRequest;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** URLs with characters beyond ASCII, which no request line holds: what was judged is what is sent, escaped. */
class UnescapedUrlTest {

    private static final String FOLLOWING = "OKHTTP|JDK_HTTP_1|JDK_HTTP_2|APACHE";

    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = FOLLOWING)
    void location_withCharactersBeyondAscii_isFollowedAsTheServerWroteIt(EveryAdapter adapter) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol(adapter))) {
            world.left.answer(new MockResponse()
                    .setResponseCode(302)
                    .setHeaders(new Headers.Builder()
                            .addUnsafeNonAscii("Location", "/r\u00e9sum\u00e9?q=\u00fc")
                            .add("Content-Length", "0")
                            .build()));
            world.left.answer(LoopbackServer.json("{}"));

            assertThat(adapter.call(world.agent, url(world, "/"))).isEqualTo("{}");

            taken(world);
            assertThat(taken(world).getPath()).isEqualTo("/r%C3%A9sum%C3%A9?q=%C3%BC");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"OKHTTP", "JDK_HTTP_1", "JDK_HTTP_2"})
    void url_withCharactersBeyondAscii_isSentEscaped(EveryAdapter adapter) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol(adapter))) {
            world.left.answer(LoopbackServer.json("{}"));

            adapter.call(world.agent, url(world, "/admin\u00e9/x?q=\u00fc"));

            assertThat(taken(world).getPath()).isEqualTo("/admin%C3%A9/x?q=%C3%BC");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"OKHTTP", "JDK_HTTP_1", "JDK_HTTP_2"})
    void url_withCharactersBeyondAscii_isJudgedAsItIsSent(EveryAdapter adapter) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol(adapter))) {
            Scope escaped = new Scope(Set.of(world.left.port()), Set.of(), Set.of(), Set.of("/admin%C3%A9/*"));
            world.runtime.reload(world.policy("left-key", EgressRule.host(ReloadWorld.LEFT, escaped)));
            world.left.answer(LoopbackServer.json("{}"));

            adapter.call(world.agent, url(world, "/admin\u00e9/x"));

            assertThat(taken(world).getPath()).isEqualTo("/admin%C3%A9/x");
            assertThatThrownBy(() -> adapter.call(world.agent, url(world, "/admin\u00e8/x")))
                    .isInstanceOf(EgressDeniedException.class);
        }
    }

    /** Over plain http the JDK's client writes the URL to the guard's relay, which compares it with the one that was judged. */
    @ParameterizedTest
    @EnumSource(names = {"OKHTTP", "JDK_HTTP_1", "JDK_HTTP_2"})
    void plainUrl_withCharactersBeyondAscii_reachesTheServer(EveryAdapter adapter) throws Exception {
        try (MockWebServer server = new MockWebServer()) {
            server.enqueue(LoopbackServer.json("{}"));
            server.start(InetAddress.getByName("127.0.0.1"), 0);
            assertThat(callPlain(adapter, "127.0.0.1", server, "/a\u00e9?\u65e5"))
                    .isEqualTo("{}");
            assertThat(server.takeRequest(10, TimeUnit.SECONDS).getPath()).isEqualTo("/a%C3%A9?%E6%97%A5");
        }
    }

    /** Apache turns the name into the characters that it stands for, whoever wrote it. */
    @ParameterizedTest
    @EnumSource(names = {"OKHTTP", "JDK_HTTP_1", "JDK_HTTP_2", "APACHE", "AWS_SDK"})
    void internationalName_inItsAsciiForm_isJudgedAndSentAsWritten(EveryAdapter adapter) throws Exception {
        String name = "xn--bcher-kva.example";
        try (MockWebServer server = new MockWebServer()) {
            server.enqueue(LoopbackServer.json("{}"));
            server.start(InetAddress.getByName("127.0.0.1"), 0);
            assertThat(callPlain(adapter, name, server, "/")).isEqualTo("{}");
            assertThat(server.takeRequest(10, TimeUnit.SECONDS).getHeader("Host"))
                    .isEqualTo(name + ":" + server.getPort());
        }
    }

    private String callPlain(EveryAdapter adapter, String host, MockWebServer server, String path) throws Exception {
        Scope http = new Scope(Set.of(server.getPort()), Set.of("http"), Set.of(), Set.of());
        ComponentPolicy rules = ComponentPolicy.builder()
                .allow(EgressRule.host("xn--bcher-kva.example", http))
                .allow(EgressRule.cidr("127.0.0.1/32", http))
                .build();
        try (SecureRuntime runtime = SecureRuntime.builder()
                .policy(Policy.builder().component("agent", rules).build())
                .resolver(new FakeResolver())
                .auditLog(AuditSettings.in(folder))
                .build()) {
            return adapter.call(runtime.component("agent"), "http://" + host + ":" + server.getPort() + path);
        }
    }

    private static Protocol protocol(EveryAdapter adapter) {
        return adapter == EveryAdapter.JDK_HTTP_2 ? Protocol.HTTP_2 : Protocol.HTTP_1_1;
    }

    private static String url(ReloadWorld world, String path) {
        return "https://" + ReloadWorld.LEFT + ":" + world.left.port() + path;
    }

    private static RecordedRequest taken(ReloadWorld world) throws InterruptedException {
        RecordedRequest request = world.left.server.takeRequest(10, TimeUnit.SECONDS);
        assertThat(request).isNotNull();
        return request;
    }
}
