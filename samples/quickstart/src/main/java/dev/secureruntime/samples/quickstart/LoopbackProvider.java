package dev.secureruntime.samples.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.secureruntime.credential.BearerToken;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;

/**
 * Stands in for two model providers on one loopback port: it checks credentials as they would, answers in their formats,
 * issues short-lived tokens, and can be told to redirect.
 */
final class LoopbackProvider implements AutoCloseable {

    static final String ANTHROPIC_KEY = "sk-ant-quickstart-known-to-the-provider-only";
    static final Duration TOKEN_LIFETIME = Duration.ofSeconds(2);

    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpsServer server;
    private final ExecutorService workers = Executors.newFixedThreadPool(8);
    private final Map<String, Instant> tokens = new ConcurrentHashMap<>();
    private final Set<String> tokensUsed = ConcurrentHashMap.newKeySet();
    private final AtomicInteger placeholdersSeen = new AtomicInteger();
    private final AtomicInteger issued = new AtomicInteger();
    private final AtomicInteger requests = new AtomicInteger();
    private volatile String stealUrl = "";

    LoopbackProvider(SSLContext tls) throws IOException {
        server = HttpsServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(tls));
        server.setExecutor(workers);
        server.createContext("/v1/chat/completions", this::openAi);
        server.createContext("/v1/messages", this::anthropic);
        server.start();
    }

    int port() {
        return server.getAddress().getPort();
    }

    /** Where a compromised provider would send its callers. */
    void redirectTo(String url) {
        stealUrl = url;
    }

    /** The token service: what a workload identity would be exchanged at. */
    BearerToken issueToken() {
        String id = "token-" + issued.incrementAndGet();
        Instant end = Instant.now().plus(TOKEN_LIFETIME);
        String value = id + "-" + UUID.randomUUID();
        tokens.put("Bearer " + value, end);
        return BearerToken.of(id, value, end);
    }

    /** How many different tokens calls came in with. */
    int tokensUsed() {
        return tokensUsed.size();
    }

    /** How many requests carried the client's placeholder: none should. */
    int placeholdersSeen() {
        return placeholdersSeen.get();
    }

    int requests() {
        return requests.get();
    }

    private void openAi(HttpExchange exchange) throws IOException {
        String credential = String.valueOf(exchange.getRequestHeaders().getFirst("Authorization"));
        Instant end = tokens.get(credential);
        JsonNode request = accept(exchange, credential);
        if (end == null || Instant.now().isAfter(end)) {
            reply(exchange, 401, "application/json", "{\"error\":{\"message\":\"invalid or expired token\"}}");
            return;
        }
        tokensUsed.add(credential);
        String model = request.path("model").asText();
        if (model.equals("redirecting-model")) {
            exchange.getResponseHeaders().set("Location", stealUrl);
            reply(exchange, 307, "text/plain", "");
        } else if (request.path("stream").asBoolean()) {
            reply(exchange, 200, "text/event-stream", OpenAiAnswers.stream(model));
        } else {
            reply(exchange, 200, "application/json", OpenAiAnswers.answer(request));
        }
    }

    private void anthropic(HttpExchange exchange) throws IOException {
        String credential = String.valueOf(exchange.getRequestHeaders().getFirst("x-api-key"));
        JsonNode request = accept(exchange, credential);
        if (!credential.equals(ANTHROPIC_KEY)) {
            reply(
                    exchange,
                    401,
                    "application/json",
                    "{\"type\":\"error\",\"error\":{\"message\":\"invalid x-api-key\"}}");
        } else if (request.path("stream").asBoolean()) {
            reply(exchange, 200, "text/event-stream", AnthropicAnswers.STREAM);
        } else {
            reply(exchange, 200, "application/json", AnthropicAnswers.ANSWER);
        }
    }

    private JsonNode accept(HttpExchange exchange, String credential) throws IOException {
        requests.incrementAndGet();
        if (credential.contains(SupportAgent.PLACEHOLDER)) {
            placeholdersSeen.incrementAndGet();
        }
        return JSON.readTree(exchange.getRequestBody().readAllBytes());
    }

    private static void reply(HttpExchange exchange, int status, String type, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        if (bytes.length > 0) {
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(bytes);
            }
        }
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
        workers.shutdownNow();
    }
}
