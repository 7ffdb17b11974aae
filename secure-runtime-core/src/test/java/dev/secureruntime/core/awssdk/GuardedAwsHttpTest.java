package dev.secureruntime.core.awssdk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.core.okhttp.LoopbackServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.TrustManager;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import okhttp3.mockwebserver.SocketPolicy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.bedrockruntime.BedrockRuntimeClient;
import software.amazon.awssdk.services.bedrockruntime.model.BedrockRuntimeException;
import software.amazon.awssdk.services.bedrockruntime.model.ContentBlock;
import software.amazon.awssdk.services.bedrockruntime.model.ConversationRole;
import software.amazon.awssdk.services.bedrockruntime.model.ConverseResponse;
import software.amazon.awssdk.services.bedrockruntime.model.Message;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** Real clients of the AWS SDK, on loopback. */
class GuardedAwsHttpTest {

    private static final AwsBasicCredentials KEYS = AwsBasicCredentials.create("AKIDEXAMPLE", "secret-access-key");

    @TempDir
    Path folder;

    private GuardedWorld world;

    @BeforeEach
    void start() throws IOException {
        world = new GuardedWorld(folder);
    }

    @AfterEach
    void stop() throws IOException {
        world.close();
    }

    /** The partner's host is allowed, and no credential is bound to it. */
    private S3Client s3(SdkHttpClient http, String host) {
        return s3(host).httpClient(http).build();
    }

    private S3ClientBuilder s3(String host) {
        return S3Client.builder()
                .region(Region.EU_CENTRAL_1)
                .forcePathStyle(true)
                .endpointOverride(URI.create(world.url(host, "")))
                .credentialsProvider(StaticCredentialsProvider.create(KEYS));
    }

    private S3Client guarded(String host) {
        return s3(GuardedAwsHttp.client(world.agent), host);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "plain.txt",
                "with space",
                "plus+and=equals&amp",
                "slash%2Fescaped",
                "//double//slashes/",
                "dots/../up/./here",
                "ümläut/日本語/🙂",
                "question?hash#semi;colon,at@tilde~star*'()!$"
            })
    void key_ofAnyCharacters_isSentAsItWasSigned(String key) throws Exception {
        world.provider.answer(new MockResponse(), new MockResponse().setBody("content"));
        try (S3Client s3 = guarded(GuardedWorld.PARTNER)) {
            s3.putObject(put -> put.bucket("bucket").key(key), RequestBody.fromString("content"));
            assertThat(s3.getObjectAsBytes(get -> get.bucket("bucket").key(key)).asUtf8String())
                    .isEqualTo("content");
        }

        RecordedRequest put = take();
        RecordedRequest get = take();
        assertThat(SigV4.isValid(put, KEYS.secretAccessKey())).isTrue();
        assertThat(SigV4.isValid(get, KEYS.secretAccessKey())).isTrue();
        assertThat(SigV4.decoded(put.getRequestLine().split(" ")[1])).isEqualTo("/bucket/" + key);
    }

    @Test
    void query_isSentAsItWasSigned() throws Exception {
        world.provider.answer(new MockResponse().setBody("<ListBucketResult/>"));
        try (S3Client s3 = guarded(GuardedWorld.PARTNER)) {
            s3.listObjectsV2(ListObjectsV2Request.builder()
                    .bucket("bucket")
                    .prefix("a b+c/%2F&=ü")
                    .delimiter("/")
                    .build());
        }

        RecordedRequest list = take();
        assertThat(SigV4.isValid(list, KEYS.secretAccessKey())).isTrue();
        assertThat(list.getRequestLine()).contains("prefix=a%20b%2Bc%2F%252F%26%3D%C3%BC");
    }

    @Test
    void signatureAndSessionToken_passToTheAllowedHost_andAreTakenOffWhereAKeyIsBound() throws Exception {
        world.provider.answer(new MockResponse(), new MockResponse());
        StaticCredentialsProvider session =
                StaticCredentialsProvider.create(AwsSessionCredentials.create("AKID", "secret", "session-token"));
        try (S3Client allowed = s3(GuardedWorld.PARTNER)
                        .credentialsProvider(session)
                        .httpClientBuilder(GuardedAwsHttp.builder(world.agent))
                        .build();
                S3Client bound = s3(GuardedWorld.OPENAI)
                        .credentialsProvider(session)
                        .httpClient(GuardedAwsHttp.client(world.agent))
                        .build()) {
            allowed.headBucket(head -> head.bucket("bucket"));
            bound.headBucket(head -> head.bucket("bucket"));
        }

        RecordedRequest first = take();
        assertThat(first.getHeader("Authorization")).startsWith("AWS4-HMAC-SHA256");
        assertThat(first.getHeader("x-amz-security-token")).isEqualTo("session-token");
        RecordedRequest second = take();
        assertThat(second.getHeader("Authorization")).isEqualTo("Bearer " + GuardedWorld.OPENAI_KEY);
        assertThat(second.getHeader("x-amz-security-token")).isNull();
    }

    @Test
    void uploadOfALongStream_isFramedAndChecksummedAsTheSdkDoes() throws Exception {
        world.provider.answer(new MockResponse());
        byte[] content = "0123456789".repeat(300_000).getBytes(StandardCharsets.US_ASCII);
        try (S3Client s3 = guarded(GuardedWorld.PARTNER)) {
            s3.putObject(
                    put -> put.bucket("bucket").key("long"),
                    RequestBody.fromInputStream(new ByteArrayInputStream(content), content.length));
        }

        RecordedRequest put = take();
        assertThat(put.getHeader("Expect")).isNull();
        assertThat(put.getHeader("Content-Encoding")).contains("aws-chunked");
        assertThat(put.getHeader("x-amz-decoded-content-length")).isEqualTo("" + content.length);
        assertThat(Long.parseLong(put.getHeader("Content-Length"))).isEqualTo(put.getBodySize());
        assertThat(SigV4.isValid(put, KEYS.secretAccessKey())).isTrue();
        assertThat(SigV4.unchunked(put.getBody())).isEqualTo(content);
    }

    @Test
    void otherHost_isDeniedWithoutLookup_onceAndAsAServiceException() throws Exception {
        try (S3Client s3 = guarded(GuardedWorld.EVIL)) {
            assertThatThrownBy(() -> s3.putObject(
                            put -> put.bucket("bucket").key("k"), RequestBody.fromString("the user's secret plans")))
                    .isInstanceOfSatisfying(S3Exception.class, denial -> {
                        assertThat(denial.statusCode()).isEqualTo(403);
                        assertThat(denial.awsErrorDetails()
                                        .sdkHttpResponse()
                                        .firstMatchingHeader("X-Secure-Runtime-Denied"))
                                .hasValue("SR-EGRESS-001");
                    });
        }

        assertThat(world.resolver.lookups()).isEmpty();
        assertThat(world.evil.connections()).isZero();
        world.runtime.close();
        assertThat(world.records("egress.call")).as("not tried again").hasSize(1);
    }

    @Test
    void otherHost_withoutTheGuard_isReached() throws Exception {
        world.evil.answer(new MockResponse());
        SdkHttpClient bare = Apache5HttpClient.builder()
                .tlsTrustManagersProvider(() -> new TrustManager[] {LoopbackServer.CLIENT.trustManager()})
                .dnsResolver(new LoopbackNames())
                .build();
        try (S3Client s3 = s3(bare, GuardedWorld.EVIL)) {
            s3.putObject(put -> put.bucket("bucket").key("k"), RequestBody.fromString("the user's secret plans"));
        }
        bare.close();

        RecordedRequest stolen = world.evil.server.takeRequest(10, TimeUnit.SECONDS);
        assertThat(stolen.getBody().readUtf8()).contains("the user's secret plans");
    }

    @Test
    void hostHeaderThatTheCallerSigned_cantNameAnotherHost() throws Exception {
        try (S3Client s3 = guarded(GuardedWorld.PARTNER)) {
            assertThatThrownBy(() -> s3.headBucket(head ->
                            head.bucket("bucket").overrideConfiguration(o -> o.putHeader("Host", GuardedWorld.EVIL))))
                    .isInstanceOfSatisfying(S3Exception.class, denial -> assertThat(denial.statusCode())
                            .isEqualTo(403));
        }
        assertThat(world.provider.connections()).isZero();
    }

    @Test
    void redirect_isTheSdksToActOn() throws Exception {
        world.provider.answer(LoopbackServer.redirect(307, world.url(GuardedWorld.EVIL, "/")));
        try (S3Client s3 = guarded(GuardedWorld.PARTNER)) {
            assertThatThrownBy(() -> s3.headBucket(head -> head.bucket("bucket")))
                    .isInstanceOfSatisfying(S3Exception.class, moved -> assertThat(moved.statusCode())
                            .isEqualTo(307));
        }
        assertThat(world.evil.connections()).isZero();
    }

    @Test
    void abortedDownload_endsItsConnection() throws Exception {
        world.provider.answer(LoopbackServer.slow());
        try (S3Client s3 = guarded(GuardedWorld.PARTNER);
                ResponseInputStream<GetObjectResponse> object =
                        s3.getObject(get -> get.bucket("bucket").key("k"))) {
            assertThat(object.readNBytes(1_000)).hasSize(1_000);

            object.abort();

            assertThat(world.provider.awaitOpen(0)).isTrue();
        }
    }

    @Test
    void timeoutOfTheSdk_endsTheCallUnderneath() throws Exception {
        world.provider.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
        try (S3Client s3 = s3(GuardedWorld.PARTNER)
                .httpClient(GuardedAwsHttp.client(world.agent))
                .overrideConfiguration(o -> o.apiCallTimeout(Duration.ofSeconds(1)))
                .build()) {
            assertThatThrownBy(() -> s3.headBucket(head -> head.bucket("bucket")))
                    .isInstanceOf(ApiCallTimeoutException.class);
        }
        assertThat(world.provider.awaitOpen(0)).isTrue();
    }

    @Test
    void record_ofASdkCall_commitsToWhatWasSent_andHoldsNoSignature() throws Exception {
        world.provider.answer(new MockResponse());
        try (S3Client s3 = guarded(GuardedWorld.PARTNER)) {
            s3.putObject(put -> put.bucket("bucket").key("k"), RequestBody.fromString("the user's secret plans"));
        }
        world.runtime.close();

        JsonNode call = world.records("egress.call").get(0);
        assertThat(call.at("/attributes/http.request.method").asText()).isEqualTo("PUT");
        assertThat(call.toString()).contains("http.request.body");
        assertThat(world.everythingLogged()).doesNotContain("AWS4-HMAC").doesNotContain("secret plans");
    }

    @Test
    void bedrock_conversesOverTheGuard_andIsRefusedElsewhere() throws Exception {
        world.provider.answer(
                LoopbackServer.json(
                        "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"hello\"}]}},"
                                + "\"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":3,\"outputTokens\":1,\"totalTokens\":4}}"));
        try (BedrockRuntimeClient allowed = bedrock(GuardedWorld.PARTNER);
                BedrockRuntimeClient elsewhere = bedrock(GuardedWorld.EVIL)) {
            assertThat(converse(allowed).output().message().content().get(0).text())
                    .isEqualTo("hello");
            assertThatThrownBy(() -> converse(elsewhere))
                    .isInstanceOfSatisfying(BedrockRuntimeException.class, denial -> assertThat(denial.statusCode())
                            .isEqualTo(403));
        }

        RecordedRequest asked = take();
        assertThat(asked.getPath()).isEqualTo("/model/vendor.model-v1%3A0/converse");
        assertThat(SigV4.isValid(asked, KEYS.secretAccessKey())).isTrue();
        assertThat(world.resolver.lookups()).containsOnly(GuardedWorld.PARTNER);
    }

    private BedrockRuntimeClient bedrock(String host) {
        return BedrockRuntimeClient.builder()
                .region(Region.EU_CENTRAL_1)
                .endpointOverride(URI.create(world.url(host, "")))
                .credentialsProvider(StaticCredentialsProvider.create(KEYS))
                .httpClient(GuardedAwsHttp.client(world.agent))
                .build();
    }

    private static ConverseResponse converse(BedrockRuntimeClient client) {
        return client.converse(request -> request.modelId("vendor.model-v1:0")
                .messages(Message.builder()
                        .role(ConversationRole.USER)
                        .content(List.of(ContentBlock.fromText("hi")))
                        .build()));
    }

    private RecordedRequest take() throws InterruptedException {
        RecordedRequest taken = world.provider.server.takeRequest(10, TimeUnit.SECONDS);
        assertThat(taken).isNotNull();
        return taken;
    }
}
