package dev.secureruntime.aws;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sts.StsClient;

/** A stub of STS on loopback: it speaks AssumeRole and GetCallerIdentity, checks no signature, and remembers requests. */
final class StubSts implements AutoCloseable {

    static final String SECRET_KEY = "stub-secret-access-key";
    static final String SESSION_TOKEN = "stub-session-token";

    /** What was asked: the form's parameters and two headers. */
    record Request(Map<String, String> form, String authorization, String securityToken) {}

    private final HttpServer server;
    private final Supplier<Instant> now;
    private final List<Request> requests = new ArrayList<>();
    private Duration lifetime = Duration.ofMinutes(15);
    private boolean forbidding;

    StubSts(Supplier<Instant> now) throws IOException {
        this.now = now;
        this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    synchronized void issueFor(Duration lifetime) {
        this.lifetime = lifetime;
        this.forbidding = false;
    }

    synchronized void forbid() {
        this.forbidding = true;
    }

    synchronized List<Request> requests() {
        return List.copyOf(requests);
    }

    List<Request> requests(String action) {
        return requests().stream()
                .filter(request -> action.equals(request.form().get("Action")))
                .toList();
    }

    /** The real client, with long-lived keys of its own. */
    StsClient client() {
        return client(
                StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDLONGLIVED", "long-lived-secret")));
    }

    StsClient client(AwsCredentialsProvider credentials) {
        return StsClient.builder()
                .endpointOverride(
                        URI.create("http://127.0.0.1:" + server.getAddress().getPort()))
                .region(Region.EU_CENTRAL_1)
                .credentialsProvider(credentials)
                .httpClient(UrlConnectionHttpClient.create())
                .build();
    }

    private synchronized void answer(HttpExchange exchange) throws IOException {
        Request request = new Request(
                form(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8)),
                String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")),
                String.valueOf(exchange.getRequestHeaders().getFirst("X-Amz-Security-Token")));
        requests.add(request);
        String action = request.form().getOrDefault("Action", "");
        String body;
        if (action.equals("GetCallerIdentity")) {
            body = result(action, "<Account>123456789012</Account>");
        } else if (forbidding) {
            body = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>"
                    + "<Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>";
        } else {
            int number = requests("AssumeRole").size();
            body = result(
                    action,
                    "<Credentials><AccessKeyId>ASIASTUB" + number + "</AccessKeyId><SecretAccessKey>" + SECRET_KEY
                            + number + "</SecretAccessKey><SessionToken>" + SESSION_TOKEN + number
                            + "</SessionToken><Expiration>" + now.get().plus(lifetime) + "</Expiration></Credentials>");
        }
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "text/xml");
        exchange.sendResponseHeaders(body.startsWith("<ErrorResponse") ? 403 : 200, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private static String result(String action, String content) {
        return "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + action + "Result>"
                + content + "</" + action + "Result></" + action + "Response>";
    }

    private static Map<String, String> form(String body) {
        Map<String, String> form = new LinkedHashMap<>();
        for (String pair : body.split("&")) {
            int equals = pair.indexOf('=');
            form.put(
                    URLDecoder.decode(pair.substring(0, equals), StandardCharsets.UTF_8),
                    URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
        }
        return form;
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
