package dev.secureruntime.core.jdkhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.secureruntime.core.http.DenialAnswer;
import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.McpSyncClient;
import io.modelcontextprotocol.client.transport.HttpClientSseClientTransport;
import io.modelcontextprotocol.client.transport.HttpClientStreamableHttpTransport;
import io.modelcontextprotocol.client.transport.McpHttpClientTransportAuthorizationException;
import io.modelcontextprotocol.json.schema.JsonSchemaValidator.ValidationResponse;
import io.modelcontextprotocol.spec.McpClientTransport;
import io.modelcontextprotocol.spec.McpSchema.CallToolRequest;
import io.modelcontextprotocol.spec.McpSchema.CallToolResult;
import io.modelcontextprotocol.spec.McpSchema.TextContent;
import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import okhttp3.mockwebserver.Dispatcher;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The HTTP transports of the MCP SDK's client on a guarded {@code HttpClient.Builder}. */
@Timeout(120)
class McpSdkTest {

    private static final String PATH = "/mcp";
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    /** A server with one tool, which says whom it greets. */
    private static final class Tool extends Dispatcher {

        @Override
        public MockResponse dispatch(RecordedRequest request) {
            try {
                return request.getMethod().equals("POST")
                        ? answer(JSON.readTree(request.getBody().readUtf8()))
                        : new MockResponse().setResponseCode(405); // no stream of the server's own
            } catch (IOException e) {
                return new MockResponse().setResponseCode(400);
            }
        }

        private static MockResponse answer(JsonNode call) throws IOException {
            Object result =
                    switch (call.path("method").asText()) {
                        case "initialize" ->
                            Map.of(
                                    "protocolVersion",
                                    call.at("/params/protocolVersion").asText(),
                                    "capabilities",
                                    Map.of("tools", Map.of()),
                                    "serverInfo",
                                    Map.of("name", "greeter", "version", "1"));
                        case "tools/call" ->
                            Map.of(
                                    "content",
                                    List.of(Map.of(
                                            "type",
                                            "text",
                                            "text",
                                            "hello "
                                                    + call.at("/params/arguments/name")
                                                            .asText())));
                        default -> null;
                    };
            return result == null
                    ? new MockResponse().setResponseCode(202)
                    : LoopbackServer.json(JSON.writeValueAsString(
                            Map.of("jsonrpc", "2.0", "id", call.path("id").asText(), "result", result)));
        }
    }

    private static McpClientTransport streamable(HttpClient.Builder builder, String base) {
        return HttpClientStreamableHttpTransport.builder(base)
                .clientBuilder(builder)
                .endpoint(PATH)
                .build();
    }

    private static McpSyncClient client(McpClientTransport transport) {
        return client(transport, Duration.ofSeconds(20));
    }

    private static McpSyncClient client(McpClientTransport transport, Duration patience) {
        return McpClient.sync(transport)
                .requestTimeout(patience)
                .initializationTimeout(patience)
                .jsonSchemaValidator((schema, content) -> ValidationResponse.asValid(null))
                .build();
    }

    private static String greeting(McpSyncClient client) {
        client.initialize();
        CallToolResult result = client.callTool(new CallToolRequest("greet", Map.of("name", "world")));
        return ((TextContent) result.content().get(0)).text();
    }

    @Test
    void toolCall_toAnAllowedHost_isAnswered_andEachRequestRecorded() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            world.provider.server.setDispatcher(new Tool());
            try (McpSyncClient client =
                    client(streamable(GuardedJdkHttp.builder(world.agent), world.url(GuardedWorld.PARTNER, "")))) {
                assertThat(greeting(client)).isEqualTo("hello world");
            }

            world.runtime.close();
            List<JsonNode> calls = world.records("egress.call");
            assertThat(calls).hasSizeGreaterThanOrEqualTo(3).allSatisfy(call -> {
                assertThat(call.at("/attributes/server.address").asText()).isEqualTo(GuardedWorld.PARTNER);
                assertThat(call.at("/attributes/secure_runtime.verdict").asText())
                        .isEqualTo("allow");
            });
        }
    }

    @Test
    void client_ofAHostThatNobodyAllowed_failsWithTheExplanation_andReachesNobody() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            try (McpSyncClient client =
                    client(streamable(GuardedJdkHttp.builder(world.agent), world.url(GuardedWorld.EVIL, "")))) {
                assertThatThrownBy(client::initialize)
                        .rootCause()
                        .isInstanceOfSatisfying(EgressDeniedException.class, denied -> {
                            assertThat(denied.code()).isEqualTo(ErrorCode.EGRESS_DENIED);
                            assertThat(denied.decision().reason()).isEqualTo(Reason.HOST_NOT_ALLOWED);
                        });
            }
            assertNobodyReached(world);
        }
    }

    /** The SDK takes a refusal for a question of its authorization, and drops what it says. */
    @Test
    void client_thatIsAnsweredARefusal_saysNothingOfIt_andReachesNobody() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            try (McpSyncClient client = client(
                    streamable(GuardedJdkHttp.builderForLibraries(world.agent), world.url(GuardedWorld.EVIL, "")))) {
                assertThatThrownBy(client::initialize)
                        .rootCause()
                        .isInstanceOfSatisfying(
                                McpHttpClientTransportAuthorizationException.class,
                                refused -> assertThat(refused.getResponseInfo()
                                                .headers()
                                                .firstValue(DenialAnswer.HEADER))
                                        .contains(ErrorCode.EGRESS_DENIED.code()));
            }
            assertNobodyReached(world);
        }
    }

    /** This transport drops every failure of its stream, and waits. */
    @Test
    void clientOfServerSentEvents_ofAHostThatNobodyAllowed_reachesNobody() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            McpClientTransport transport = HttpClientSseClientTransport.builder(world.url(GuardedWorld.EVIL, ""))
                    .clientBuilder(GuardedJdkHttp.builder(world.agent))
                    .sseEndpoint(PATH)
                    .build();
            try (McpSyncClient client = client(transport, Duration.ofSeconds(5))) {
                assertThatThrownBy(client::initialize).hasRootCauseInstanceOf(TimeoutException.class);
            }
            assertNobodyReached(world);
        }
    }

    private static void assertNobodyReached(GuardedWorld world) throws Exception {
        assertThat(world.evil.connections()).isZero();
        assertThat(world.resolver.lookups()).isEmpty();
        world.runtime.close();
        assertThat(world.records("egress.call")).isNotEmpty().allSatisfy(call -> assertThat(
                        call.at("/attributes/secure_runtime.action").asText())
                .isEqualTo("block"));
    }

    @Test
    void redirectOfAServer_toAHostThatNobodyAllowed_isNotFollowed() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            world.provider.server.setDispatcher(new Dispatcher() {
                @Override
                public MockResponse dispatch(RecordedRequest request) {
                    return LoopbackServer.redirect(307, world.url(GuardedWorld.EVIL, PATH));
                }
            });
            HttpClient.Builder following =
                    GuardedJdkHttp.builder(world.agent).followRedirects(HttpClient.Redirect.NORMAL);
            try (McpSyncClient client = client(streamable(following, world.url(GuardedWorld.PARTNER, "")))) {
                assertThatThrownBy(client::initialize).hasStackTraceContaining("SR-EGRESS-");
            }
            assertThat(world.evil.connections()).isZero();
        }
    }

    /** The SDK hands its builder to code that may set anything. */
    @Test
    void customizer_thatWouldLeadAroundTheGuard_isRefused() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            assertThatThrownBy(() -> HttpClientStreamableHttpTransport.builder(world.url(GuardedWorld.PARTNER, ""))
                            .clientBuilder(GuardedJdkHttp.builder(world.agent))
                            .customizeClient(builder -> builder.sslContext(LoopbackServer.CLIENT.sslContext())))
                    .isInstanceOfSatisfying(SecureRuntimeException.class, refused -> assertThat(refused.code())
                            .isEqualTo(ErrorCode.RUNTIME_MISCONFIGURED));
        }
    }

    /** What the guard stands against: the same library on a builder of its own. */
    @Test
    void client_onABareBuilder_reachesAHostThatNobodyAllowed() throws Exception {
        try (LoopbackServer evil = new LoopbackServer("localhost")) {
            evil.server.setDispatcher(new Tool());
            HttpClient.Builder bare = HttpClient.newBuilder().sslContext(LoopbackServer.CLIENT.sslContext());
            try (McpSyncClient client = client(streamable(bare, "https://localhost:" + evil.port()))) {
                assertThat(greeting(client)).isEqualTo("hello world");
            }
            assertThat(evil.connections()).isPositive();
        }
    }
}
