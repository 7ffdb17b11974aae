package dev.secureruntime.cli.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** A headless Chromium that opens local files, and is asked over the DevTools protocol what came of it. */
final class Browser implements AutoCloseable {

    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Process process;
    private final WebSocket socket;
    private final BlockingQueue<JsonNode> messages = new LinkedBlockingQueue<>();
    private final List<JsonNode> events = new ArrayList<>();
    private int lastId;

    private Browser(Process process, URI page) {
        this.process = process;
        this.socket = HttpClient.newHttpClient()
                .newWebSocketBuilder()
                .buildAsync(page, new Listener(messages))
                .join();
    }

    /** Starts one; the test is skipped where there is none. */
    static Browser start(Path home) throws Exception {
        Path program = Path.of("/usr/bin/chromium");
        Assumptions.assumeTrue(Files.isExecutable(program), "skipped: chromium is not installed");
        Path profile = Files.createTempDirectory(home, "profile");
        Process process = new ProcessBuilder(
                        program.toString(),
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-quic",
                        "--disable-dev-shm-usage",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--disable-sync",
                        "--remote-debugging-port=0",
                        "--user-data-dir=" + profile,
                        "about:blank")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            int port = port(process, profile.resolve("DevToolsActivePort"));
            return new Browser(process, firstPage(port));
        } catch (Exception | Error e) {
            process.destroyForcibly();
            throw e;
        }
    }

    private static int port(Process process, Path file) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (System.nanoTime() < deadline && process.isAlive()) {
            if (Files.exists(file) && Files.readString(file).contains("\n")) {
                return Integer.parseInt(
                        Files.readString(file).lines().findFirst().orElseThrow());
            }
            process.waitFor(20, TimeUnit.MILLISECONDS);
        }
        throw new IOException("chromium did not say where it listens");
    }

    private static URI firstPage(int port) throws Exception {
        try (var in =
                URI.create("http://127.0.0.1:" + port + "/json/list").toURL().openStream()) {
            for (JsonNode target : JSON.readTree(in)) {
                if (target.path("type").asText().equals("page")) {
                    return URI.create(target.path("webSocketDebuggerUrl").asText());
                }
            }
        }
        throw new IOException("chromium has no page");
    }

    /** Opens a file and waits until the page says that its check is done. */
    void open(Path file) throws Exception {
        events.clear();
        for (String domain : List.of("Page", "Network", "Log", "Runtime")) {
            send(domain + ".enable", Map.of());
        }
        send("Page.navigate", Map.of("url", "about:blank"));
        events.clear();
        send("Page.navigate", Map.of("url", file.toUri().toString()));
        awaitCheck();
    }

    void awaitCheck() throws Exception {
        await("document.documentElement?.dataset.check === 'done' && location.protocol === 'file:'");
    }

    void await(String condition) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (System.nanoTime() < deadline) {
            if (evaluate(condition).asBoolean()) {
                return;
            }
            drain();
        }
        throw new AssertionError("the page never said that " + condition + "; " + events);
    }

    /** The value of an expression in the page. */
    JsonNode evaluate(String expression) throws Exception {
        JsonNode answer =
                send("Runtime.evaluate", Map.of("expression", expression, "returnByValue", true, "awaitPromise", true));
        if (answer.has("exceptionDetails")) {
            throw new AssertionError("the page threw: "
                    + answer.path("exceptionDetails").path("exception").path("description"));
        }
        return answer.path("result").path("value");
    }

    String text(String id) throws Exception {
        return evaluate("document.getElementById('" + id + "').innerText").asText();
    }

    void width(int pixels) throws Exception {
        send(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", pixels, "height", 900, "deviceScaleFactor", 1, "mobile", false));
    }

    /** The addresses that the page asked for, but itself. */
    List<String> requests() throws Exception {
        drain();
        return events.stream()
                .filter(event -> event.path("method").asText().startsWith("Network.requestWillBeSent"))
                .map(event -> event.path("params").path("request").path("url").asText())
                .filter(url -> !url.equals("about:blank"))
                .skip(1)
                .toList();
    }

    /** What the page logged: refusals of its policy, uncaught errors. */
    List<String> complaints() throws Exception {
        drain();
        return events.stream()
                .filter(event -> List.of("Log.entryAdded", "Runtime.exceptionThrown")
                        .contains(event.path("method").asText()))
                .map(JsonNode::toString)
                .toList();
    }

    private void drain() throws Exception {
        JsonNode message = messages.poll(20, TimeUnit.MILLISECONDS);
        while (message != null) {
            events.add(message);
            message = messages.poll();
        }
    }

    private JsonNode send(String method, Map<String, ?> parameters) throws Exception {
        int id = ++lastId;
        socket.sendText(JSON.writeValueAsString(Map.of("id", id, "method", method, "params", parameters)), true)
                .join();
        while (true) {
            JsonNode message = messages.poll(LIMIT.toSeconds(), TimeUnit.SECONDS);
            if (message == null) {
                throw new IOException("chromium did not answer " + method);
            }
            if (message.path("id").asInt() == id) {
                if (message.has("error")) {
                    throw new IOException(method + ": " + message);
                }
                return message.path("result");
            }
            events.add(message);
        }
    }

    @Override
    public void close() throws Exception {
        socket.abort();
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor(20, TimeUnit.SECONDS);
    }

    /** Joins the parts of a message. */
    private static final class Listener implements WebSocket.Listener {

        private final BlockingQueue<JsonNode> messages;
        private final StringBuilder held = new StringBuilder();

        Listener(BlockingQueue<JsonNode> messages) {
            this.messages = messages;
        }

        @Override
        public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
            held.append(data);
            if (last) {
                try {
                    messages.add(JSON.readTree(held.toString()));
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
                held.setLength(0);
            }
            webSocket.request(1);
            return null;
        }
    }
}
