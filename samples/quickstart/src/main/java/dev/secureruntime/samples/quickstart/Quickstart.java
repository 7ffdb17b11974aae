package dev.secureruntime.samples.quickstart;

import com.openai.errors.PermissionDeniedException;
import dev.secureruntime.Component;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.audit.VerificationResult.Intact;
import dev.secureruntime.audit.VerificationResult.Tampered;
import dev.secureruntime.core.audit.AuditLogVerifier;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.secret.SecretDeniedException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The quickstart: a support agent under guard, and what an attacker gets of it. Keyless, offline, on loopback. Ends with
 * exit status 0 only if everything that it prints was observed.
 */
public final class Quickstart {

    private static final Duration RENEWAL_BOUND = Duration.ofSeconds(30);

    private final Transcript transcript = new Transcript();
    private final Path folder;

    private Quickstart(Path folder) {
        this.folder = folder;
    }

    /** Runs in the folder given as the only argument; what an earlier run left there is replaced. */
    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args.length == 1 ? args[0] : "quickstart-run");
        deleteRecursively(folder);
        Files.createDirectories(folder);
        new Quickstart(folder).run();
    }

    private void run() throws Exception {
        Certificates certificates = new Certificates("api.openai.com", "api.anthropic.com");
        try (LoopbackProvider provider = new LoopbackProvider(certificates.serverContext());
                CollectorServer collector = new CollectorServer()) {
            String evil = "https://evil.example:" + collector.port() + "/collect";
            provider.redirectTo(evil);
            writeFiles(provider.port());

            Path pins = folder.resolve("pinned.vkeys");
            try (SecureRuntime runtime = SecureRuntime.builder()
                    .policy(folder.resolve("policy.json"))
                    .auditLog(folder.resolve("audit"))
                    .credential("openai-token", provider::issueToken)
                    .resolver(host -> List.of(InetAddress.getLoopbackAddress()))
                    .trustManager(certificates.trustManager())
                    .build()) {
                // An auditor keeps these elsewhere, from the start; the log's own copy proves nothing.
                Files.write(pins, runtime.audit().verifierKeys());
                Component component = runtime.component("support-agent");
                try (SupportAgent agent = new SupportAgent(component, provider.port(), evil)) {
                    allowedCalls(agent, provider);
                    injectedTool(agent, collector);
                    redirect(agent, collector, provider);
                    foreignSecret(component, runtime.component("newsletter"));
                    renewal(agent, provider);
                }
                importSessions(component);
            }
            verify(pins);
            tamper(pins);
        }
        transcript.say("");
        transcript.say("All of it was observed. Look at the log: " + folder.resolve("audit"));
    }

    private void allowedCalls(SupportAgent agent, LoopbackProvider provider) {
        transcript.step("Calls that the policy allows, with clients that hold no key");
        transcript.observe(agent.askOpenAi("gpt-4o-mini", "Where is my order?").contains("on its way"), "openai-java");
        transcript.observe(
                agent.streamOpenAi("Where is my order?").equals("Your order is on its way."), "openai-java, streaming");
        transcript.observe(agent.askAnthropic("Where is my order?").contains("on its way"), "anthropic-java");
        transcript.observe(agent.streamAnthropic("Where is it?").equals("On its way."), "anthropic-java, streaming");
        transcript.observe(
                provider.placeholdersSeen() == 0 && provider.requests() == 4,
                "the provider got the real keys; the clients were built with \"" + SupportAgent.PLACEHOLDER + "\"");
    }

    private void injectedTool(SupportAgent agent, CollectorServer collector) {
        transcript.step("A prompt injection turns a tool against the user: it posts to another host");
        String answer = agent.handleTicket("What about order 4711?");
        transcript.observe(collector.connections() == 0, "denied above; nothing arrived at evil.example");
        transcript.observe(answer.contains("on its way"), "the conversation went on");
    }

    private void redirect(SupportAgent agent, CollectorServer collector, LoopbackProvider provider) {
        transcript.step("The provider answers 307 to another host, with the prompt in the body");
        int before = provider.requests();
        boolean denied = false;
        try {
            agent.askOpenAi("redirecting-model", "My card number is 4111 1111 1111 1111");
        } catch (PermissionDeniedException e) {
            denied = e.headers().values("X-Secure-Runtime-Denied").contains("SR-EGRESS-001");
        }
        transcript.observe(denied, "openai-java got a 403 with the code SR-EGRESS-001");
        transcript.observe(provider.requests() == before + 1, "the client tried once");
        transcript.observe(collector.connections() == 0, "nothing was sent to evil.example");
    }

    private void foreignSecret(Component owner, Component other) {
        transcript.step("A second component asks for the first one's secret");
        boolean own = owner.secrets().open("crm-password").use(secret -> secret.length > 0);
        transcript.observe(own, "support-agent reads crm-password");
        ErrorCode code = null;
        try {
            other.secrets().open("crm-password").close();
        } catch (SecretDeniedException e) {
            code = e.code();
        }
        transcript.observe(code == ErrorCode.SECRET_NOT_ENTITLED, "newsletter is refused: " + code);
    }

    private void renewal(SupportAgent agent, LoopbackProvider provider) {
        transcript.step("A credential is renewed while calls go on");
        int calls = 0;
        long end = System.nanoTime() + RENEWAL_BOUND.toNanos();
        while (provider.tokensUsed() < 3 && System.nanoTime() < end) {
            agent.askOpenAi("gpt-4o-mini", "Still there?");
            calls++;
        }
        transcript.observe(
                provider.tokensUsed() >= 3,
                calls + " calls, none failed, with 3 tokens that live " + LoopbackProvider.TOKEN_LIFETIME.toSeconds()
                        + " s each");
    }

    private void importSessions(Component component) throws IOException {
        transcript.step("Recorded tool calls of real agents are imported");
        ToolCallImport.Imported imported = ToolCallImport.into(component.audit());
        transcript.observe(
                imported.sessions() == 306 && imported.calls() == 1_369,
                imported.calls() + " calls of " + imported.sessions() + " sessions");
    }

    private void verify(Path pins) throws IOException {
        transcript.step("The log is verified, with the keys pinned at its start");
        VerificationResult result =
                AuditLogVerifier.withKeys(Files.readAllLines(pins)).verify(folder.resolve("audit"));
        transcript.observe(
                result instanceof Intact && result.size() == result.signed(),
                "INTACT, " + result.size() + " records, all signed");
    }

    private void tamper(Path pins) throws IOException {
        transcript.step("One byte of a copy is changed");
        Path copy = folder.resolve("copy");
        copyRecursively(folder.resolve("audit"), copy);
        Path segment;
        try (Stream<Path> segments = Files.list(copy.resolve("segments"))) {
            segment = segments.sorted().findFirst().orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(segment);
        int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("\"deny\"") + 1;
        bytes[at] ^= 1;
        Files.write(segment, bytes);
        VerificationResult result =
                AuditLogVerifier.withKeys(Files.readAllLines(pins)).verify(copy);
        transcript.observe(result instanceof Tampered, "TAMPERED");
        VerificationResult.FirstBad bad = ((Tampered) result).firstBad();
        long line = new String(bytes, 0, at, StandardCharsets.ISO_8859_1)
                .chars()
                .filter(c -> c == '\n')
                .count();
        transcript.observe(
                bad.seq().isPresent() && bad.seq().getAsLong() == line,
                "the verifier names record #" + line + " at " + bad.file() + ":" + bad.offset() + ": " + bad.reason());
    }

    private void writeFiles(int port) throws IOException {
        try (InputStream template = Objects.requireNonNull(Quickstart.class.getResourceAsStream("/policy.json"))) {
            String policy = new String(template.readAllBytes(), StandardCharsets.UTF_8);
            Files.writeString(folder.resolve("policy.json"), policy.replace("${port}", Integer.toString(port)));
        }
        writeKey("anthropic.key", LoopbackProvider.ANTHROPIC_KEY);
        writeKey("crm.key", "quickstart-crm-password");
    }

    private void writeKey(String name, String key) throws IOException {
        Path file = folder.resolve(name);
        if (Files.getFileStore(folder).supportsFileAttributeView("posix")) {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        }
        Files.writeString(file, key + "\n");
    }

    private static void copyRecursively(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
    }

    private static void deleteRecursively(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
