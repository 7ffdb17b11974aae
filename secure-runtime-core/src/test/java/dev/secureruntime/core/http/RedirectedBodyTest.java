package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.Component;
import dev.secureruntime.core.apache.GuardedApache;
import dev.secureruntime.core.jdkhttp.GuardedJdkHttp;
import dev.secureruntime.core.okhttp.GuardedOkHttp;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.core.okhttp.ReloadWorld;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.EnforcementMode;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.mockwebserver.RecordedRequest;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What of a request's body a redirect hands to another host: nothing, by whichever client; and nothing is no body. */
class RedirectedBodyTest {

    @TempDir
    Path folder;

    /** A request with a body, which may be empty, on each adapter that follows redirects. */
    enum Sender {
        OKHTTP {
            @Override
            int send(Component component, String method, String url, byte[] body) throws Exception {
                Request request = new Request.Builder()
                        .url(url)
                        .method(method, RequestBody.create(body, null))
                        .build();
                try (Response response =
                        GuardedOkHttp.callFactory(component).newCall(request).execute()) {
                    return response.code();
                }
            }
        },
        JDK {
            @Override
            int send(Component component, String method, String url, byte[] body) throws Exception {
                HttpRequest request = HttpRequest.newBuilder(URI.create(url))
                        .method(method, body.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body))
                        .build();
                return GuardedJdkHttp.client(component)
                        .send(request, BodyHandlers.discarding())
                        .statusCode();
            }
        },
        APACHE {
            @Override
            int send(Component component, String method, String url, byte[] body) throws Exception {
                HttpUriRequestBase request = new HttpUriRequestBase(method, URI.create(url));
                request.setEntity(new ByteArrayEntity(body, null));
                return GuardedApache.throwingClient(component).execute(request, response -> response.getCode());
            }
        };

        abstract int send(Component component, String method, String url, byte[] body) throws Exception;
    }

    /** Libraries send a GET without a body as one with an empty body, as {@code HttpRequest.Builder.DELETE()} does too. */
    @ParameterizedTest
    @CsvSource({
        "OKHTTP, POST, 307",
        "JDK, GET, 302",
        "JDK, DELETE, 307",
        "JDK, POST, 308",
        "APACHE, POST, 307",
        "APACHE, GET, 302",
    })
    void emptyBody_isNone_soThatTheRedirectToAnotherHostIsFollowed(Sender sender, String method, int status)
            throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            world.left.answer(LoopbackServer.redirect(status, url(world, ReloadWorld.BOTH)));
            world.both.answer(LoopbackServer.json("{}"));

            assertThat(sender.send(world.agent, method, url(world, ReloadWorld.LEFT), new byte[0]))
                    .isEqualTo(200);

            RecordedRequest followed = world.both.server.takeRequest(10, TimeUnit.SECONDS);
            assertThat(followed).isNotNull();
            assertThat(followed.getMethod()).isEqualTo(method);
            assertThat(followed.getBodySize()).isZero();
            assertThat(followed.getHeader("x-api-key")).isNull(); // the path is another host's choice
        }
    }

    @ParameterizedTest
    @EnumSource
    void body_ofOneByte_isNotHandedToAnotherHost(Sender sender) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            world.left.answer(LoopbackServer.redirect(307, url(world, ReloadWorld.BOTH)));

            assertRefused(sender, world);
            assertThat(world.both.connections()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource
    void hop_thatIsRefusedForItsBody_isNamedInReportMode_whereTheRulesRefuseItToo(Sender sender) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            ComponentPolicy.Builder reporting =
                    ComponentPolicy.builder().secret("left-key").mode(EnforcementMode.REPORT);
            for (LoopbackServer server : List.of(world.left, world.both)) {
                reporting.allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(server.port())));
            }
            world.runtime.reload(world.policy("left-key", reporting));
            world.left.answer(LoopbackServer.redirect(307, url(world, ReloadWorld.BOTH)));

            assertRefused(sender, world);

            world.runtime.close();
            JsonNode call = world.records("egress.call").get(0).path("attributes");
            assertThat(call.path("secure_runtime.would_be_hops"))
                    .extracting(JsonNode::asText)
                    .containsExactly(
                            "0 POST https://" + ReloadWorld.LEFT + ":" + world.left.port()
                                    + " SR-EGRESS-001 host_not_allowed",
                            "1 POST https://" + ReloadWorld.BOTH + ":" + world.both.port()
                                    + " SR-EGRESS-001 host_not_allowed");
        }
    }

    private static void assertRefused(Sender sender, ReloadWorld world) {
        assertThatThrownBy(() -> sender.send(world.agent, "POST", url(world, ReloadWorld.LEFT), new byte[1]))
                .isInstanceOfSatisfying(
                        EgressDeniedException.class,
                        denied -> assertThat(denied.decision().reason()).isEqualTo(Reason.REDIRECT_WITH_BODY));
    }

    private static String url(ReloadWorld world, String host) {
        return world.get(host).url().toString();
    }
}
