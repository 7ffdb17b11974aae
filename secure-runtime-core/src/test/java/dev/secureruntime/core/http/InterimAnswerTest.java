package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.Component;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.WrittenLog;
import dev.secureruntime.core.okhttp.FakeResolver;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Interim answers (1xx) in front of the final one: whichever client, an answer is never told as another request's. */
@Timeout(60)
class InterimAnswerTest {

    private static final String REQUESTS = "OKHTTP|JDK_HTTP_1|APACHE|AWS_SDK";
    private static final String CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
    private static final String HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
    private static final String SWITCHING =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n";

    @TempDir
    Path folder;

    private final AtomicBoolean first = new AtomicBoolean(true);
    private ServerSocket server;
    private SecureRuntime runtime;
    private Component agent;

    @BeforeEach
    void start() throws IOException {
        server = new ServerSocket(0, 5, InetAddress.getByName("127.0.0.1"));
        Scope http = new Scope(Set.of(server.getLocalPort()), Set.of("http"), Set.of(), Set.of());
        ComponentPolicy rules = ComponentPolicy.builder()
                .allow(EgressRule.cidr("127.0.0.1/32", http))
                .allow(EgressRule.host("plain.example", http))
                .build();
        runtime = SecureRuntime.builder()
                .policy(Policy.builder().component("agent", rules).build())
                .auditLog(AuditSettings.in(folder))
                .resolver(new FakeResolver())
                .build();
        agent = runtime.component("agent");
    }

    @AfterEach
    void stop() throws IOException {
        runtime.close();
        server.close();
    }

    /** Begins to answer each request with its own path, the first one behind {@code interim}. */
    private void serve(String interim) {
        run(() -> {
            while (!server.isClosed()) {
                try {
                    Socket client = server.accept();
                    run(() -> answer(client, interim));
                } catch (IOException e) {
                    return; // closed by the test's end
                }
            }
        });
    }

    private static void run(Runnable work) {
        Thread thread = new Thread(work, "interim-server");
        thread.setDaemon(true);
        thread.start();
    }

    private void answer(Socket client, String interim) {
        try (client) {
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(client.getInputStream(), StandardCharsets.ISO_8859_1));
            for (String start = in.readLine(); start != null; start = in.readLine()) {
                for (String line = in.readLine(); line != null && !line.isEmpty(); ) {
                    line = in.readLine();
                }
                String path = start.split(" ")[1];
                String whole = (first.getAndSet(false) ? interim : "") + "HTTP/1.1 200 OK\r\nContent-Length: "
                        + path.length() + "\r\n\r\n" + path;
                client.getOutputStream().write(whole.getBytes(StandardCharsets.ISO_8859_1));
            }
        } catch (IOException e) {
            // The client has closed.
        }
    }

    /** What the calls were told, one after the other. */
    private List<String> call(EveryAdapter adapter, String... paths) {
        List<String> told = new ArrayList<>();
        for (String path : paths) {
            try {
                told.add(adapter.call(agent, "http://plain.example:" + server.getLocalPort() + path));
            } catch (Exception e) {
                told.add("failed");
            }
        }
        return told;
    }

    private JsonNode firstCall() throws IOException {
        runtime.close();
        return new WrittenLog(folder).records("egress.call").get(0).path("attributes");
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = REQUESTS)
    void switchToAProtocolThatNobodyAskedFor_isNoAnswer_norIsWhatFollowsTheNextOne(EveryAdapter adapter)
            throws Exception {
        serve(SWITCHING);

        List<String> told = call(adapter, "/0", "/1", "/2");

        assertThat(told.get(0)).isIn("failed", "/0"); // Apache's client skips it like any other interim answer
        assertThat(told.subList(1, 3)).containsExactly("/1", "/2");
        JsonNode call = firstCall();
        assertThat(call.path("http.response.status_code").asInt()).isNotEqualTo(101);
        assertThat(call.path("secure_runtime.complete").asBoolean())
                .isEqualTo(told.get(0).equals("/0"));
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = REQUESTS)
    void hints_areSkipped(EveryAdapter adapter) throws Exception {
        serve(HINTS);

        assertThat(call(adapter, "/0", "/1")).containsExactly("/0", "/1");
        assertThat(firstCall().path("http.response.status_code").asInt()).isEqualTo(200);
    }

    /** OkHttp 4.12 skips one interim answer, and fails on the second one; then that call alone fails. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = REQUESTS)
    void severalInterimAnswers_areNeverTakenForTheFinalOne(EveryAdapter adapter) throws Exception {
        serve(CONTINUE + HINTS + HINTS);

        List<String> told = call(adapter, "/0", "/1", "/2");

        assertThat(told.get(0)).isIn("failed", "/0");
        assertThat(told.subList(1, 3)).containsExactly("/1", "/2");
    }
}
