package dev.secureruntime.core.http;

import dev.secureruntime.Component;
import dev.secureruntime.core.apache.BareApache;
import dev.secureruntime.core.apache.GuardedApache;
import dev.secureruntime.core.awssdk.GuardedAwsHttp;
import dev.secureruntime.core.jdkhttp.GuardedJdkHttp;
import dev.secureruntime.core.okhttp.GuardedOkHttp;
import dev.secureruntime.core.okhttp.LoopbackServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Flow.Publisher;
import java.util.concurrent.SubmissionPublisher;
import okhttp3.Call;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.BufferedSink;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.http.io.entity.InputStreamEntity;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;

/** One POST of each adapter with a body of unknown length, which leaves piece by piece as it is read. */
enum UploadingAdapter {
    OKHTTP_1(Protocol.HTTP_1_1) {
        @Override
        String post(Component component, String url, InputStream body) throws IOException {
            return okhttp(GuardedOkHttp.callFactory(component), url, body);
        }

        @Override
        String bare(String url, InputStream body) throws IOException {
            return okhttp(bareOkHttp(), url, body);
        }
    },
    OKHTTP_2(Protocol.HTTP_2) {
        @Override
        String post(Component component, String url, InputStream body) throws Exception {
            return OKHTTP_1.post(component, url, body);
        }

        @Override
        String bare(String url, InputStream body) throws Exception {
            return OKHTTP_1.bare(url, body);
        }
    },
    JDK_1(Protocol.HTTP_1_1) {
        @Override
        String post(Component component, String url, InputStream body) throws Exception {
            return jdk(GuardedJdkHttp.builder(component), HttpClient.Version.HTTP_1_1, url, body);
        }

        @Override
        String bare(String url, InputStream body) throws Exception {
            return jdk(bareJdk(), HttpClient.Version.HTTP_1_1, url, body);
        }
    },
    JDK_2(Protocol.HTTP_2) {
        @Override
        String post(Component component, String url, InputStream body) throws Exception {
            return jdk(GuardedJdkHttp.builder(component), HttpClient.Version.HTTP_2, url, body);
        }

        @Override
        String bare(String url, InputStream body) throws Exception {
            return jdk(bareJdk(), HttpClient.Version.HTTP_2, url, body);
        }
    },
    APACHE(Protocol.HTTP_1_1) {
        @Override
        String post(Component component, String url, InputStream body) throws IOException {
            return apache(GuardedApache.throwingClient(component), url, body);
        }

        @Override
        String bare(String url, InputStream body) throws IOException {
            return apache(BareApache.client(), url, body);
        }
    },
    /** Refuses with an answer; runs on Apache's client, without the guard too. */
    AWS_SDK(Protocol.HTTP_1_1) {
        @Override
        String post(Component component, String url, InputStream body) throws IOException {
            SdkHttpRequest request = SdkHttpRequest.builder()
                    .method(SdkHttpMethod.POST)
                    .uri(URI.create(url))
                    .putHeader("Transfer-Encoding", "chunked")
                    .build();
            try (SdkHttpClient client = GuardedAwsHttp.client(component)) {
                HttpExecuteResponse response = client.prepareRequest(HttpExecuteRequest.builder()
                                .request(request)
                                .contentStreamProvider(() -> body)
                                .build())
                        .call();
                return new String(response.responseBody().orElseThrow().readAllBytes(), StandardCharsets.UTF_8);
            }
        }

        @Override
        String bare(String url, InputStream body) throws Exception {
            return APACHE.bare(url, body);
        }
    };

    private final Protocol protocol;

    UploadingAdapter(Protocol protocol) {
        this.protocol = protocol;
    }

    Protocol protocol() {
        return protocol;
    }

    /** Sends the body, and returns the answer's; a refusal names its code in an exception's message or an answer's body. */
    abstract String post(Component component, String url, InputStream body) throws Exception;

    /** The same on the library's own client, without the guard. */
    abstract String bare(String url, InputStream body) throws Exception;

    private static String okhttp(Call.Factory calls, String url, InputStream stream) throws IOException {
        RequestBody body = new RequestBody() {
            @Override
            public MediaType contentType() {
                return null;
            }

            @Override
            public boolean isOneShot() {
                return true;
            }

            @Override
            public void writeTo(BufferedSink sink) throws IOException {
                byte[] piece = new byte[8_192];
                for (int read = stream.read(piece); read >= 0; read = stream.read(piece)) {
                    sink.write(piece, 0, read).flush();
                }
            }
        };
        try (Response response =
                calls.newCall(new Request.Builder().url(url).post(body).build()).execute()) {
            return response.body().string();
        }
    }

    private static OkHttpClient bareOkHttp() {
        return new OkHttpClient.Builder()
                .dns(host -> List.of(InetAddress.getLoopbackAddress()))
                .sslSocketFactory(LoopbackServer.CLIENT.sslSocketFactory(), LoopbackServer.CLIENT.trustManager())
                .build();
    }

    private static HttpClient.Builder bareJdk() {
        return HttpClient.newBuilder().sslContext(LoopbackServer.CLIENT.sslContext());
    }

    private static String jdk(HttpClient.Builder client, HttpClient.Version version, String url, InputStream body)
            throws Exception {
        return client.version(version)
                .build()
                .send(
                        HttpRequest.newBuilder(URI.create(url))
                                .POST(BodyPublishers.fromPublisher(published(body)))
                                .build(),
                        BodyHandlers.ofString())
                .body();
    }

    /** The body as a publisher; the JDK's own for streams holds up what it has read while it waits for more. */
    private static Publisher<ByteBuffer> published(InputStream body) {
        return subscriber -> {
            SubmissionPublisher<ByteBuffer> pieces = new SubmissionPublisher<>();
            pieces.subscribe(subscriber);
            Thread thread = new Thread(() -> {
                byte[] piece = new byte[8_192];
                try (pieces) {
                    for (int read = body.read(piece); read >= 0; read = body.read(piece)) {
                        pieces.submit(ByteBuffer.wrap(piece.clone(), 0, read));
                    }
                } catch (IOException e) {
                    pieces.closeExceptionally(e);
                }
            });
            thread.setDaemon(true);
            thread.start();
        };
    }

    private static String apache(CloseableHttpClient client, String url, InputStream body) throws IOException {
        try (client) {
            HttpPost post = new HttpPost(url);
            post.setEntity(new InputStreamEntity(body, null));
            return client.execute(post, response -> EntityUtils.toString(response.getEntity()));
        }
    }
}
