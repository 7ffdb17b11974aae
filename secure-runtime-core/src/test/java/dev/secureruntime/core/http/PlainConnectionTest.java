package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.Component;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.WrittenLog;
import dev.secureruntime.core.okhttp.FakeResolver;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.MockWebServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Plain http: a connection that could not be opened is a failure or a refusal by whichever client, and never an answer. */
class PlainConnectionTest {

    private static final String FOLLOWING = "OKHTTP|JDK_HTTP_1|JDK_HTTP_2|APACHE";

    @TempDir
    Path folder;

    private final MockWebServer server = new MockWebServer();
    private SecureRuntime runtime;
    private Component agent;

    @BeforeEach
    void start() throws IOException {
        server.start(InetAddress.getByName("127.0.0.1"), 0);
        Scope http = new Scope(Set.of(server.getPort()), Set.of("http"), Set.of(), Set.of());
        FakeResolver resolver = new FakeResolver();
        resolver.set("inside.example", "10.0.0.1");
        ComponentPolicy.Builder rules = ComponentPolicy.builder().allow(EgressRule.cidr("127.0.0.1/32", http));
        for (String host : List.of("plain.example", "inside.example", "nowhere.example")) {
            rules.allow(EgressRule.host(host, http));
        }
        runtime = SecureRuntime.builder()
                .policy(Policy.builder().component("agent", rules.build()).build())
                .auditLog(AuditSettings.in(folder))
                .resolver(host -> {
                    if (host.equals("nowhere.example")) {
                        throw new UnknownHostException(host);
                    }
                    return resolver.resolve(host);
                })
                .build();
        agent = runtime.component("agent");
    }

    @AfterEach
    void stop() throws IOException {
        runtime.close();
        server.shutdown();
    }

    private String url(String host) {
        return "http://" + host + ":" + server.getPort() + "/";
    }

    private JsonNode onlyCall() throws IOException {
        runtime.close();
        List<JsonNode> calls = new WrittenLog(folder).records("egress.call");
        assertThat(calls).hasSize(1);
        return calls.get(0).path("attributes");
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = FOLLOWING)
    void specialAddress_isRefused_andRecordedAsRefused(EveryAdapter adapter) throws Exception {
        assertSpecialAddressRefused(adapter, "inside.example");

        JsonNode call = onlyCall();
        assertThat(call.path("secure_runtime.verdict").asText()).isEqualTo("deny");
        assertThat(call.path("error.type").asText()).isEqualTo("SR-EGRESS-002");
        assertThat(call.has("http.response.status_code")).isFalse();
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = FOLLOWING)
    void redirect_toASpecialAddress_isRefused_andRecordedAsRefused(EveryAdapter adapter) throws Exception {
        server.enqueue(LoopbackServer.redirect(302, url("inside.example")));

        assertSpecialAddressRefused(adapter, "plain.example");

        JsonNode call = onlyCall();
        assertThat(call.path("secure_runtime.verdict").asText()).isEqualTo("deny");
        assertThat(call.path("server.address").asText()).isEqualTo("inside.example");
        assertThat(call.path("secure_runtime.hop").asInt()).isEqualTo(1);
    }

    private void assertSpecialAddressRefused(EveryAdapter adapter, String host) {
        assertThatThrownBy(() -> adapter.call(agent, url(host)))
                .isInstanceOfSatisfying(EgressDeniedException.class, denied -> {
                    assertThat(denied.decision().reason()).isEqualTo(Reason.SPECIAL_ADDRESS);
                    assertThat(denied.decision().layer()).isEqualTo(Layer.LOOKUP);
                });
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = FOLLOWING)
    void hostWithoutAddress_fails_andThereIsNoStatus(EveryAdapter adapter) throws Exception {
        assertThatThrownBy(() -> adapter.call(agent, url("nowhere.example"))).isInstanceOf(UnknownHostException.class);

        JsonNode call = onlyCall();
        assertThat(call.path("error.type").asText()).isEqualTo(UnknownHostException.class.getName());
        assertThat(call.has("http.response.status_code")).isFalse();
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = FOLLOWING)
    void portThatNobodyListensOn_fails_andThereIsNoStatus(EveryAdapter adapter) throws Exception {
        server.shutdown();

        assertThatThrownBy(() -> adapter.call(agent, url("plain.example"))).isInstanceOf(ConnectException.class);

        assertThat(onlyCall().has("http.response.status_code")).isFalse();
    }

    /** What the relay says for itself, when a server says it. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = FOLLOWING)
    void badGateway_thatTheServerAnswers_isItsAnswer(EveryAdapter adapter) throws Exception {
        server.enqueue(new MockResponse().setResponseCode(502).setBody("of the server"));

        assertThat(adapter.call(agent, url("plain.example"))).isEqualTo("of the server");

        assertThat(onlyCall().path("http.response.status_code").asInt()).isEqualTo(502);
    }
}
