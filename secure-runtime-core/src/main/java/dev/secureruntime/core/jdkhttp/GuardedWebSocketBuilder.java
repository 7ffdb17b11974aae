package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.core.http.Origin;
import dev.secureruntime.core.http.Target;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** Opens WebSockets: judged like the request that it begins with, under one policy, and recorded as one call. */
final class GuardedWebSocketBuilder implements WebSocket.Builder {

    private static final String SUBPROTOCOLS = "Sec-WebSocket-Protocol";

    private final JdkTransport transport;
    private final ClientSettings settings;
    private final List<SentRequest.Line> lines = new ArrayList<>();
    private @Nullable Duration connectTimeout;
    private List<String> subprotocols = List.of();

    GuardedWebSocketBuilder(JdkTransport transport, ClientSettings settings) {
        this.transport = transport;
        this.settings = settings;
        this.connectTimeout = settings.connectTimeout();
    }

    @Override
    public WebSocket.Builder header(String name, String value) {
        if (name.equalsIgnoreCase(SUBPROTOCOLS)) {
            throw new IllegalArgumentException("subprotocols are named by subprotocols(..)");
        }
        lines.add(new SentRequest.Line(Objects.requireNonNull(name), Objects.requireNonNull(value)));
        return this;
    }

    @Override
    public WebSocket.Builder connectTimeout(Duration timeout) {
        connectTimeout = Objects.requireNonNull(timeout);
        return this;
    }

    @Override
    public WebSocket.Builder subprotocols(String first, String... others) {
        List<String> all = new ArrayList<>(List.of(first));
        all.addAll(List.of(others));
        subprotocols = all;
        return this;
    }

    @Override
    public CompletableFuture<WebSocket> buildAsync(URI uri, WebSocket.Listener listener) {
        Objects.requireNonNull(listener);
        String text = uri.toASCIIString();
        String lower = text.toLowerCase(Locale.ROOT);
        if (!lower.startsWith("ws:") && !lower.startsWith("wss:")) {
            return CompletableFuture.failedFuture(
                    new IllegalArgumentException("a WebSocket's URI begins with ws or wss"));
        }
        List<String> named = subprotocols; // read once: what is judged is what is sent
        String http = "http" + text.substring(2); // ws becomes http, wss https
        SentRequest request = new SentRequest(
                "GET",
                lower.startsWith("wss:") ? "https" : "http",
                Target.of(http),
                judgedLines(named),
                null,
                null,
                false);
        Duration timeout = connectTimeout == null ? ClientSettings.CONNECT_TIMEOUT : connectTimeout;
        JdkHop hop = JdkHop.first(transport.gate(), request, timeout);
        return new Opening(request, hop, listener, named).open(uri);
    }

    /** The caller's headers, and the one that the JDK writes of what the caller names. */
    private List<SentRequest.Line> judgedLines(List<String> named) {
        List<SentRequest.Line> judged = new ArrayList<>(lines);
        if (!named.isEmpty()) {
            judged.add(new SentRequest.Line(SUBPROTOCOLS, String.join(", ", named)));
        }
        return List.copyOf(judged);
    }

    /** One opening. */
    private final class Opening {

        private final SentRequest request;
        private final JdkHop hop;
        private final GuardedWebSocket socket;
        private final WebSocket.Listener listener;
        private final List<String> subprotocols;

        Opening(SentRequest request, JdkHop hop, WebSocket.Listener listener, List<String> subprotocols) {
            this.request = request;
            this.hop = hop;
            this.listener = listener;
            this.subprotocols = subprotocols;
            this.socket = new GuardedWebSocket(hop.record(), transport.threads());
        }

        CompletableFuture<WebSocket> open(URI callers) {
            CompletableFuture<WebSocket> opened = new CompletableFuture<>();
            LiveExchange exchange = null;
            try {
                request.judgeUpgrade(hop);
                Generation generation = transport.entered(hop.snapshot());
                exchange = generation.begin(hop, socket::cut);
                LiveExchange begun = exchange;
                socket.runsFor(begun, generation, listener);
                hop.record().sent();
                equipped(generation).buildAsync(inner(), socket.listener()).whenComplete((real, failure) -> {
                    if (failure == null) {
                        socket.runsOn(real);
                    }
                    Throwable broken = failure == null && begun.cut() != null
                            ? new IOException("the WebSocket was cut while it was opened")
                            : failure;
                    if (broken == null) {
                        opened.complete(socket);
                    } else {
                        opened.completeExceptionally(failed(broken, begun, generation, callers));
                    }
                });
            } catch (IOException | RuntimeException e) {
                opened.completeExceptionally(failed(e, exchange, null, callers));
            }
            return opened;
        }

        private URI inner() {
            return URI.create("ws" + hop.target().url().substring("http".length()));
        }

        private WebSocket.Builder equipped(Generation generation) throws EgressDeniedException {
            WebSocket.Builder sent =
                    generation.clientFor(settings, Origin.of(hop.asked())).newWebSocketBuilder();
            List<SentRequest.Line> attached = new ArrayList<>();
            if (hop.isBound() && hop.mayCarryCredentials()) {
                hop.record()
                        .attached(hop.snapshot()
                                .attach(hop.asked(), (name, value) -> attached.add(new SentRequest.Line(name, value))));
            }
            for (SentRequest.Line line : request.kept(hop)) {
                boolean ours = line.name().equalsIgnoreCase(SUBPROTOCOLS)
                        || attached.stream().anyMatch(other -> other.name().equalsIgnoreCase(line.name()));
                if (!ours) {
                    sent.header(line.name(), line.value());
                }
            }
            attached.forEach(line -> sent.header(line.name(), line.value()));
            sent.header(Relay.TOKEN_HEADER, Relay.SCHEME + hop.token());
            if (!subprotocols.isEmpty()) {
                sent.subprotocols(
                        subprotocols.get(0),
                        subprotocols.subList(1, subprotocols.size()).toArray(String[]::new));
            }
            return sent;
        }

        private Throwable failed(
                Throwable failure, @Nullable LiveExchange exchange, @Nullable Generation generation, URI callers) {
            Throwable told = failure;
            while (told instanceof CompletionException && told.getCause() != null) {
                told = told.getCause();
            }
            if (exchange != null) {
                if (told instanceof IOException broken) {
                    told = GuardedSend.explained(broken, exchange, generation);
                }
                exchange.close();
            }
            if (told instanceof WebSocketHandshakeException refused && refused.getResponse() != null) {
                told = handed(refused, callers);
            }
            return GuardedSend.recorded(told, hop);
        }

        /** The JDK's own leads to the request with its credential. */
        private static WebSocketHandshakeException handed(WebSocketHandshakeException refused, URI callers) {
            HttpResponse<?> response = refused.getResponse();
            HttpRequest shown = HttpRequest.newBuilder(
                            URI.create("http" + callers.toString().substring(2)))
                    .build();
            return new WebSocketHandshakeException(new HandedResponse<>(
                    shown,
                    response.statusCode(),
                    shown.uri(),
                    HandedResponse.headers(response.headers()),
                    response.version(),
                    null,
                    null));
        }
    }
}
