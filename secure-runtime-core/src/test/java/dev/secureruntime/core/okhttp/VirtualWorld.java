package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.Component;
import dev.secureruntime.RuntimeSettings;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.OnAuditFailure;
import dev.secureruntime.core.VirtualTime;
import dev.secureruntime.core.WrittenLog;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import okhttp3.Request;

/** One server, and a runtime whose time the test lets pass. */
final class VirtualWorld implements AutoCloseable {

    static final String HOST = "api.example";
    static final String OTHER = "other.example";

    /** A name below a domain of its own. */
    static final String DEEP = "door.tunnel.example";

    /** How long a grant lasts. */
    static final Duration HOUR = Duration.ofHours(1);

    final LoopbackServer server = new LoopbackServer(HOST, OTHER, DEEP);
    final Path audit;
    final SecureRuntime runtime;
    final Component agent;
    final GuardedCallFactory calls;

    private final VirtualTime time;

    VirtualWorld(Path folder, VirtualTime time) throws IOException {
        this.time = time;
        audit = folder.resolve("audit");
        runtime = time.start(new RuntimeSettings(
                null,
                policy(open().build()),
                AuditSettings.in(audit),
                OnAuditFailure.REFUSE,
                Map.of(),
                Map.of(),
                new FakeResolver(),
                LoopbackServer.CLIENT.trustManager(),
                null,
                null,
                null,
                null,
                BreakGlass.LONGEST));
        agent = runtime.component("agent");
        calls = GuardedOkHttp.callFactory(agent);
    }

    /** The host is open. */
    ComponentPolicy.Builder open() {
        return loopback().allow(ReloadWorld.allowing(HOST, server));
    }

    /** No host is open, only the address of all. */
    ComponentPolicy.Builder loopback() {
        return ComponentPolicy.builder().allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(server.port())));
    }

    Policy policy(ComponentPolicy agent) {
        return Policy.builder().component("agent", agent).build();
    }

    Request get() {
        return get(HOST);
    }

    Request get(String host) {
        return new Request.Builder()
                .url("https://" + host + ":" + server.port() + "/")
                .build();
    }

    /** A grant to the agent for an hour. */
    BreakGlass.Builder grant() {
        return BreakGlass.grant("agent")
                .person("jane.doe")
                .reason("INC-4711: export for forensics")
                .until(time.instant().plus(HOUR));
    }

    BreakGlass toOther() {
        return grant().host(OTHER, server.port()).build();
    }

    void answer(int times) {
        for (int i = 0; i < times; i++) {
            server.answer(LoopbackServer.json("{}"));
        }
    }

    void call(String host) throws IOException {
        calls.newCall(get(host)).execute().close();
    }

    void assertRefused(String host, ErrorCode code) {
        assertThatThrownBy(() -> call(host))
                .isInstanceOfSatisfying(
                        EgressDeniedException.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    /** The audit records of a type, after the runtime was closed. */
    List<JsonNode> records(String type) throws IOException {
        return new WrittenLog(audit).records(type);
    }

    @Override
    public void close() throws IOException {
        runtime.close();
        server.close();
    }
}
