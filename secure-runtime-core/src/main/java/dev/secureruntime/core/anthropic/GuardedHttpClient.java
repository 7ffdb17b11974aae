package dev.secureruntime.core.anthropic;

import com.anthropic.core.RequestOptions;
import com.anthropic.core.Timeout;
import com.anthropic.core.http.Headers;
import com.anthropic.core.http.HttpClient;
import com.anthropic.core.http.HttpRequest;
import com.anthropic.core.http.HttpRequestBody;
import com.anthropic.core.http.HttpResponse;
import com.anthropic.errors.AnthropicIoException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.HttpUrl;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.BufferedSink;
import org.jspecify.annotations.Nullable;

/** The transport of an anthropic-java client, on guarded OkHttp. */
final class GuardedHttpClient implements HttpClient {

    private final OkHttpClient guarded;
    private final HttpClient replaced;

    GuardedHttpClient(OkHttpClient guarded, HttpClient replaced) {
        this.guarded = guarded;
        this.replaced = replaced;
    }

    @Override
    public HttpResponse execute(HttpRequest request, RequestOptions options) {
        try {
            return new GuardedResponse(newCall(request, options).execute());
        } catch (IOException e) {
            // What the library's own transport throws: its retries and callers know it.
            throw new AnthropicIoException("Request failed", e);
        } finally {
            request.body().ifPresent(HttpRequestBody::close);
        }
    }

    @Override
    public CompletableFuture<HttpResponse> executeAsync(HttpRequest request, RequestOptions options) {
        CompletableFuture<HttpResponse> future = new CompletableFuture<>();
        Call call = newCall(request, options);
        call.enqueue(new Callback() {
            @Override
            public void onResponse(Call answered, Response response) {
                if (!future.complete(new GuardedResponse(response))) {
                    response.close();
                }
            }

            @Override
            public void onFailure(Call failed, IOException e) {
                future.completeExceptionally(new AnthropicIoException("Request failed", e));
            }
        });
        future.whenComplete((response, failure) -> {
            if (future.isCancelled()) {
                call.cancel();
            }
            request.body().ifPresent(HttpRequestBody::close);
        });
        return future;
    }

    private Call newCall(HttpRequest request, RequestOptions options) {
        OkHttpClient client = guarded;
        if (options.timeout().isPresent()) {
            Timeout timeout = options.timeout().get();
            client = guarded.newBuilder()
                    .connectTimeout(timeout.connect())
                    .readTimeout(timeout.read())
                    .writeTimeout(timeout.write())
                    .callTimeout(timeout.request())
                    .build();
        }
        return client.newCall(toOkHttp(request));
    }

    private static Request toOkHttp(HttpRequest request) {
        HttpUrl.Builder url = HttpUrl.get(request.baseUrl()).newBuilder();
        request.pathSegments().forEach(url::addPathSegment);
        for (String name : request.queryParams().keys()) {
            for (String value : request.queryParams().values(name)) {
                url.addQueryParameter(name, value);
            }
        }
        Request.Builder built = new Request.Builder().url(url.build());
        for (String name : request.headers().names()) {
            for (String value : request.headers().values(name)) {
                built.addHeader(name, value);
            }
        }
        String method = request.method().name();
        RequestBody body = request.body().<RequestBody>map(Body::new).orElse(null);
        if (body == null && (method.equals("POST") || method.equals("PUT") || method.equals("PATCH"))) {
            body = RequestBody.create(new byte[0]);
        }
        return built.method(method, body).build();
    }

    @Override
    public void close() {
        replaced.close();
        guarded.dispatcher().executorService().shutdown();
    }

    private static final class Body extends RequestBody {

        private final HttpRequestBody body;

        Body(HttpRequestBody body) {
            this.body = body;
        }

        @Override
        public @Nullable MediaType contentType() {
            String type = body.contentType();
            return type == null ? null : MediaType.parse(type);
        }

        @Override
        public long contentLength() {
            return body.contentLength();
        }

        @Override
        public boolean isOneShot() {
            return !body.repeatable();
        }

        @Override
        public void writeTo(BufferedSink sink) {
            body.writeTo(sink.outputStream());
        }
    }

    private static final class GuardedResponse implements HttpResponse {

        private final Response response;
        private final Headers headers;

        GuardedResponse(Response response) {
            this.response = response;
            Headers.Builder copied = Headers.builder();
            response.headers().forEach(header -> copied.put(header.getFirst(), header.getSecond()));
            this.headers = copied.build();
        }

        @Override
        public int statusCode() {
            return response.code();
        }

        @Override
        public Headers headers() {
            return headers;
        }

        @Override
        public InputStream body() {
            return Objects.requireNonNull(response.body()).byteStream();
        }

        @Override
        public void close() {
            response.close();
        }
    }
}
