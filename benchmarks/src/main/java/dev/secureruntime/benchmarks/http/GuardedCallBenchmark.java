package dev.secureruntime.benchmarks.http;

import dev.secureruntime.SecureRuntime;
import dev.secureruntime.core.okhttp.GuardedOkHttp;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import dev.secureruntime.policy.SecretPolicy.Attachment;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;

/**
 * What a guarded call costs beside a bare one, over TLS on loopback, on a kept connection, in HTTP/1.1 and HTTP/2: a prompt of
 * 2 KiB, an answer of 1 KiB, read to its end. The guarded one is judged, gets its credential, is committed to and recorded; the
 * bare one sends its key in a header. Loopback is the hardest case: a real model takes a thousand times as long.
 *
 * <p>The two take turns in one virtual machine, some calls at a time, and each turn is compared with its neighbour: what the
 * machine does besides falls on both alike.
 */
public final class GuardedCallBenchmark {

    private static final String HOST = "api.openai.com";
    private static final String ANSWER =
            "{\"id\":\"1\",\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"" + "y".repeat(900)
                    + "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":9}}";

    private final Request request;
    private final Call.Factory bare;
    private final Call.Factory guarded;

    private GuardedCallBenchmark(Request request, Call.Factory bare, Call.Factory guarded) {
        this.request = request;
        this.bare = bare;
        this.guarded = guarded;
    }

    /** Measures; the first argument is the seconds per measurement (20), the second the server's milliseconds of thought (20). */
    public static void main(String[] arguments) throws IOException {
        int seconds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 20;
        int thought = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 20;
        for (String protocol : List.of("http/1.1", "h2")) {
            measure(protocol, seconds, thought);
        }
    }

    private static void measure(String protocol, int seconds, int thought) throws IOException {
        HeldCertificate root =
                new HeldCertificate.Builder().certificateAuthority(0).build();
        HeldCertificate certificate = new HeldCertificate.Builder()
                .signedBy(root)
                .addSubjectAlternativeName(HOST)
                .build();
        HandshakeCertificates servers =
                new HandshakeCertificates.Builder().heldCertificate(certificate).build();
        HandshakeCertificates trust = new HandshakeCertificates.Builder()
                .addTrustedCertificate(root.certificate())
                .build();
        try (LoopbackServer server = new LoopbackServer(servers.sslContext(), protocol, ANSWER);
                SecureRuntime runtime = runtime(server.port(), trust)) {
            OkHttpClient bare = new OkHttpClient.Builder()
                    .dns(host -> List.of(InetAddress.getLoopbackAddress()))
                    .sslSocketFactory(trust.sslSocketFactory(), trust.trustManager())
                    .build();
            Request request = new Request.Builder()
                    .url("https://" + HOST + ":" + server.port() + "/v1/chat/completions")
                    .header("Authorization", "Bearer sk-benchmark")
                    .post(RequestBody.create(
                            "{\"model\":\"m\",\"messages\":[\"" + "x".repeat(2_000) + "\"]}",
                            MediaType.get("application/json")))
                    .build();
            GuardedCallBenchmark pair =
                    new GuardedCallBenchmark(request, bare, GuardedOkHttp.client(runtime.component("agent")));
            pair.run(seconds, 32); // compiled meanwhile
            pair.run(seconds, 32).print(protocol, "answers at once");
            server.thinks(TimeUnit.MILLISECONDS.toNanos(thought));
            if (thought > 0) {
                pair.run(seconds, 4).print(protocol, "answers after " + thought + " ms");
            }
        }
    }

    private static SecureRuntime runtime(int port, HandshakeCertificates trust) throws IOException {
        Scope scope = Scope.HTTPS.onPort(port);
        Path folder = Files.createTempDirectory("guarded-call");
        return SecureRuntime.builder()
                .policy(Policy.builder()
                        .component(
                                "agent",
                                ComponentPolicy.builder()
                                        .allow(EgressRule.host(HOST, scope))
                                        .allow(EgressRule.cidr("127.0.0.1/32", scope))
                                        .secret("key")
                                        .build())
                        .secret("key", SecretPolicy.suppliedByCode().attachedAs(Attachment.bearer(HOST + ":" + port)))
                        .build())
                .auditLog(folder.resolve("audit"))
                .secret("key", () -> "sk-benchmark".getBytes(StandardCharsets.US_ASCII))
                .resolver(host -> List.of(InetAddress.getLoopbackAddress()))
                .trustManager(trust.trustManager())
                .build();
    }

    /** Mean times of a call in each turn, in microseconds: turn n of the one stands beside turn n of the other. */
    private record Turns(double[] bare, double[] guarded) {

        void print(String protocol, String server) {
            double[] ratios = new double[bare.length];
            double[] more = new double[bare.length];
            for (int i = 0; i < ratios.length; i++) {
                ratios[i] = guarded[i] / bare[i];
                more[i] = guarded[i] - bare[i];
            }
            System.out.printf(
                    Locale.ROOT,
                    "%-8s %-20s bare %.1f us, guarded %.1f us, more %.1f us; ratio %.3f (quartiles %.3f to %.3f, %d pairs)%n",
                    protocol,
                    server,
                    quantile(bare, 0.5),
                    quantile(guarded, 0.5),
                    quantile(more, 0.5),
                    quantile(ratios, 0.5),
                    quantile(ratios, 0.25),
                    quantile(ratios, 0.75),
                    ratios.length);
        }

        private static double quantile(double[] values, double part) {
            double[] sorted = values.clone();
            Arrays.sort(sorted);
            return sorted[(int) (part * (sorted.length - 1))];
        }
    }

    private Turns run(int seconds, int calls) throws IOException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        double[] bares = new double[1 << 16];
        double[] guardeds = new double[1 << 16];
        int turns = 0;
        while (turns < bares.length && System.nanoTime() < end) {
            boolean bareFirst = (turns & 1) == 0;
            double first = turn(bareFirst ? bare : guarded, calls);
            double second = turn(bareFirst ? guarded : bare, calls);
            bares[turns] = bareFirst ? first : second;
            guardeds[turns] = bareFirst ? second : first;
            turns++;
        }
        return new Turns(Arrays.copyOf(bares, turns), Arrays.copyOf(guardeds, turns));
    }

    private double turn(Call.Factory client, int calls) throws IOException {
        long start = System.nanoTime();
        for (int i = 0; i < calls; i++) {
            try (Response response = client.newCall(request).execute()) {
                if (Objects.requireNonNull(response.body()).bytes().length != ANSWER.length()) {
                    throw new IllegalStateException("another answer");
                }
            }
        }
        return (System.nanoTime() - start) / 1_000.0 / calls;
    }
}
