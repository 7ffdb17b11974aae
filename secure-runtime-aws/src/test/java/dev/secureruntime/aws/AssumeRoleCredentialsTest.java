package dev.secureruntime.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.secureruntime.core.credential.CredentialEvent;
import dev.secureruntime.credential.CredentialUnavailableException;
import java.io.ByteArrayOutputStream;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProviderChain;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.identity.spi.AwsCredentialsIdentity;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.model.StsException;

@Timeout(60)
class AssumeRoleCredentialsTest {

    private static final String ROLE = "arn:aws:iam::123456789012:role/reports";

    private final TestCredentials credentials = new TestCredentials();
    private StubSts stub;
    private StsClient sts;
    private AssumeRoleCredentials role;

    @BeforeEach
    void start() throws Exception {
        stub = new StubSts(credentials::now);
        sts = stub.client();
        role = AssumeRoleCredentials.builder(credentials, sts)
                .role(ROLE, "support-agent")
                .build();
    }

    @AfterEach
    void stop() {
        sts.close();
        stub.close();
    }

    @Test
    void resolveCredentials_cold_asksStsForTheRoleOnce() {
        AwsSessionCredentials session = role.resolveCredentials();

        assertThat(session.accessKeyId()).isEqualTo("ASIASTUB1");
        assertThat(session.secretAccessKey()).isEqualTo(StubSts.SECRET_KEY + "1");
        assertThat(session.sessionToken()).isEqualTo(StubSts.SESSION_TOKEN + "1");
        assertThat(session.expirationTime()).contains(credentials.now().plus(Duration.ofMinutes(15)));
        assertThat(role.resolveCredentials()).isSameAs(session);
        assertThat(stub.requests()).singleElement().satisfies(request -> {
            assertThat(request.form())
                    .containsEntry("Action", "AssumeRole")
                    .containsEntry("RoleArn", ROLE)
                    .containsEntry("RoleSessionName", "support-agent")
                    .containsEntry("DurationSeconds", "900")
                    .doesNotContainKeys("Policy", "ExternalId");
            assertThat(request.authorization()).contains("AKIDLONGLIVED");
        });
        assertThat(credentials.scopes).containsExactly("sts:" + ROLE);
        assertThat(credentials.events)
                .containsExactly(new CredentialEvent.Issued(
                        "sts:" + ROLE, "ASIASTUB1", session.expirationTime().orElseThrow()));
    }

    @Test
    void resolveCredentials_everySettingGiven_reachesSts() {
        String policy = "{\"Version\":\"2012-10-17\",\"Statement\":[]}";

        AssumeRoleCredentials.builder(credentials, sts)
                .role(ROLE, "agent@chat")
                .duration(Duration.ofHours(1))
                .sessionPolicy(policy)
                .externalId("partner-7")
                .build()
                .resolveCredentials();

        assertThat(stub.requests().get(0).form())
                .containsEntry("RoleSessionName", "agent@chat")
                .containsEntry("DurationSeconds", "3600")
                .containsEntry("Policy", policy)
                .containsEntry("ExternalId", "partner-7");
    }

    @Test
    void resolveCredentials_nearTheEnd_isRenewedBefore() {
        role.resolveCredentials();

        credentials.pass(Duration.ofMinutes(10));
        assertThat(role.resolveCredentials().accessKeyId()).isEqualTo("ASIASTUB1");
        credentials.pass(Duration.ofMinutes(2));
        role.resolveCredentials();

        assertThat(role.resolveCredentials().accessKeyId()).isEqualTo("ASIASTUB2");
        assertThat(stub.requests()).hasSize(2);
    }

    @Test
    void resolveCredentials_forbiddenWhileValid_isSurvivedUntilTheEndAndThenFailsClosed() {
        AwsSessionCredentials session = role.resolveCredentials();
        stub.forbid();

        credentials.pass(Duration.ofMinutes(14));
        for (int i = 0; i < 1_000; i++) {
            assertThat(role.resolveCredentials()).isSameAs(session);
        }
        assertThat(stub.requests()).hasSize(2);

        credentials.pass(Duration.ofSeconds(20));
        assertThatThrownBy(role::resolveCredentials)
                .isInstanceOf(CredentialUnavailableException.class)
                .hasMessageContainingAll("SR-CREDENTIAL-001", ROLE)
                .cause()
                .isInstanceOfSatisfying(
                        StsException.class, e -> assertThat(e.statusCode()).isEqualTo(403));

        stub.issueFor(Duration.ofMinutes(15));
        credentials.pass(Duration.ofSeconds(30));
        assertThat(role.resolveCredentials().accessKeyId()).isNotEqualTo(session.accessKeyId());
    }

    @Test
    void resolveCredentials_stsGivesAnExpiredSession_isNotHandedOut() {
        stub.issueFor(Duration.ofMinutes(-1));

        assertThatThrownBy(role::resolveCredentials)
                .isInstanceOf(CredentialUnavailableException.class)
                .hasMessageContaining("too soon");
    }

    @Test
    void resolveIdentity_failure_isInTheFutureAndNotThrown() {
        stub.forbid();

        CompletableFuture<AwsCredentialsIdentity> identity =
                role.resolveIdentity(r -> {}).thenApply(i -> i);

        assertThatThrownBy(identity::join)
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(CredentialUnavailableException.class);
        // What the interface's default method does instead.
        AwsCredentialsProvider bare = role::resolveCredentials;
        assertThatThrownBy(() -> bare.resolveIdentity(r -> {})).isInstanceOf(CredentialUnavailableException.class);
    }

    @Test
    void resolveIdentity_valid_isTheSession() {
        assertThat(role.resolveIdentity().join()).isSameAs(role.resolveCredentials());
    }

    @Test
    void client_builtWithTheRole_signsWithTheSessionAndClosesOnlyItsShare() {
        AssumeRoleCredentials share = role.share();
        try (StsClient worker = stub.client(share)) {
            assertThat(worker.getCallerIdentity().account()).isEqualTo("123456789012");
            credentials.pass(Duration.ofMinutes(13));
            worker.getCallerIdentity();
            worker.getCallerIdentity();
        }

        List<StubSts.Request> signed = stub.requests("GetCallerIdentity");
        assertThat(signed).hasSize(3);
        assertThat(signed.get(0).authorization()).contains("Credential=ASIASTUB1/");
        assertThat(signed.get(0).securityToken()).isEqualTo(StubSts.SESSION_TOKEN + "1");
        assertThat(signed.get(2).authorization()).contains("Credential=ASIASTUB2/");
        assertThat(signed.get(2).securityToken()).isEqualTo(StubSts.SESSION_TOKEN + "2");

        assertThatThrownBy(share::resolveCredentials).hasMessageContaining("share()");
        assertThat(role.resolveCredentials().accessKeyId()).isEqualTo("ASIASTUB2");
    }

    @Test
    void chain_withTheRole_resolvesAndNamesItWithoutSecrets() {
        try (AwsCredentialsProviderChain chain = AwsCredentialsProviderChain.of(role)) {
            assertThat(chain.resolveCredentials().accessKeyId()).isEqualTo("ASIASTUB1");
            assertThat(chain.toString()).contains("AssumeRoleCredentials").doesNotContain(StubSts.SECRET_KEY);
        }
    }

    @Test
    void close_twice_endsThisObjectAndLeavesTheStsClientOpen() {
        role.resolveCredentials();

        role.close();
        role.close();

        assertThatThrownBy(role::resolveCredentials)
                .isInstanceOf(CredentialUnavailableException.class)
                .hasMessageContaining("closed");
        assertThatThrownBy(role::share).isInstanceOf(CredentialUnavailableException.class);
        assertThat(sts.getCallerIdentity().account()).isEqualTo("123456789012");
    }

    @Test
    void provider_endedByTheRuntime_givesNothingMore() {
        role.resolveCredentials();
        credentials.providers.get(0).close();

        assertThatThrownBy(role::resolveCredentials).isInstanceOf(CredentialUnavailableException.class);
    }

    @Test
    void build_settingsThatCannotWork_areRefused() {
        AssumeRoleCredentials.Builder builder = AssumeRoleCredentials.builder(credentials, sts);

        assertThatThrownBy(() -> builder.role("reports", "agent")).hasMessageContaining("ARN");
        assertThatThrownBy(() -> builder.role(ROLE, "a b")).hasMessageContaining("session name");
        assertThatThrownBy(() -> builder.duration(Duration.ofMinutes(14))).hasMessageContaining("15 minutes");
        assertThatThrownBy(() -> builder.duration(Duration.ofHours(13))).hasMessageContaining("12 hours");
        assertThatThrownBy(builder::build).hasMessageContaining("no role");
    }

    @Test
    void secrets_printedLoggedThrownOrSerialized_areNotThere() throws Exception {
        StringWriter seen = new StringWriter();
        String log = standardErrorOf(() -> {
            seen.append(role.resolveCredentials().toString()).append(role.toString());
            stub.forbid();
            credentials.pass(Duration.ofMinutes(16));
            catchThrowableOfType(CredentialUnavailableException.class, role::resolveCredentials)
                    .printStackTrace(new PrintWriter(seen, true));
        });
        SessionCredential credential = new SessionCredential(
                AwsSessionCredentials.create("ASIASTUB9", StubSts.SECRET_KEY, StubSts.SESSION_TOKEN),
                credentials.now());
        seen.append(credential.toString()).append(credentials.events.toString());

        assertThat(log).as("the SDK's log is really read").contains("software.amazon.awssdk");
        assertThat(seen.toString()).contains("ASIASTUB1", "ASIASTUB9", "not authorized");
        for (String secret : List.of(StubSts.SECRET_KEY, StubSts.SESSION_TOKEN, "long-lived-secret")) {
            assertThat(seen.toString()).doesNotContain(secret);
            assertThat(log).doesNotContain(secret);
        }
        assertThat(SessionCredential.class.isRecord()).isFalse();
        for (Object holder : List.of(role, credential)) {
            try (ObjectOutputStream out = new ObjectOutputStream(new ByteArrayOutputStream())) {
                assertThatThrownBy(() -> out.writeObject(holder)).isInstanceOf(NotSerializableException.class);
            }
        }
    }

    private static String standardErrorOf(Runnable action) {
        PrintStream before = System.err;
        ByteArrayOutputStream captured = new ByteArrayOutputStream();
        System.setErr(new PrintStream(captured, true, StandardCharsets.UTF_8));
        try {
            action.run();
        } finally {
            System.setErr(before);
        }
        return captured.toString(StandardCharsets.UTF_8);
    }
}
