package dev.secureruntime.core.http;

import dev.secureruntime.Component;
import dev.secureruntime.core.apache.GuardedApache;
import dev.secureruntime.core.awssdk.GuardedAwsHttp;
import dev.secureruntime.core.jdkhttp.GuardedJdkHttp;
import dev.secureruntime.core.okhttp.GuardedOkHttp;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;

/** One call of each adapter, the same for all: a GET that follows redirects and reads the answer, or a WebSocket that opens and closes. */
enum EveryAdapter {
    OKHTTP(Way.REQUEST) {
        @Override
        String call(Component component, String url) throws IOException {
            Request request = new Request.Builder().url(url).build();
            try (Response response =
                    GuardedOkHttp.callFactory(component).newCall(request).execute()) {
                return response.body().string();
            }
        }
    },
    OKHTTP_WEB_SOCKET(Way.WEB_SOCKET) {
        @Override
        String call(Component component, String url) throws Exception {
            CompletableFuture<Void> over = new CompletableFuture<>();
            Request request = new Request.Builder().url(url).build();
            GuardedOkHttp.callFactory(component).newWebSocket(request, new WebSocketListener() {
                @Override
                public void onOpen(WebSocket socket, Response response) {
                    socket.close(1000, null);
                }

                @Override
                public void onClosed(WebSocket socket, int code, String reason) {
                    over.complete(null);
                }

                @Override
                public void onFailure(WebSocket socket, Throwable failure, Response response) {
                    over.completeExceptionally(failure);
                }
            });
            await(over);
            return "";
        }
    },
    JDK_HTTP_1(Way.REQUEST) {
        @Override
        String call(Component component, String url) throws Exception {
            return send(component, url, HttpClient.Version.HTTP_1_1);
        }
    },
    JDK_HTTP_2(Way.REQUEST) {
        @Override
        String call(Component component, String url) throws Exception {
            return send(component, url, HttpClient.Version.HTTP_2);
        }
    },
    JDK_WEB_SOCKET(Way.WEB_SOCKET) {
        @Override
        String call(Component component, String url) throws Exception {
            CompletableFuture<Void> over = new CompletableFuture<>();
            CompletableFuture<?> opened = GuardedJdkHttp.client(component)
                    .newWebSocketBuilder()
                    .buildAsync(
                            URI.create("wss" + url.substring("https".length())),
                            new java.net.http.WebSocket.Listener() {
                                @Override
                                public void onOpen(java.net.http.WebSocket socket) {
                                    socket.request(1);
                                    socket.sendClose(java.net.http.WebSocket.NORMAL_CLOSURE, "");
                                }

                                @Override
                                public CompletableFuture<?> onClose(
                                        java.net.http.WebSocket socket, int code, String reason) {
                                    over.complete(null);
                                    return null;
                                }

                                @Override
                                public void onError(java.net.http.WebSocket socket, Throwable failure) {
                                    over.completeExceptionally(failure);
                                }
                            });
            await(opened);
            await(over);
            return "";
        }
    },
    APACHE(Way.REQUEST) {
        @Override
        String call(Component component, String url) throws IOException {
            return GuardedApache.throwingClient(component)
                    .execute(new HttpGet(url), response -> EntityUtils.toString(response.getEntity()));
        }
    },
    AWS_SDK(Way.REQUEST_WITHOUT_REDIRECTS) {
        @Override
        String call(Component component, String url) throws IOException {
            SdkHttpRequest request = SdkHttpRequest.builder()
                    .method(SdkHttpMethod.GET)
                    .uri(URI.create(url))
                    .build();
            try (SdkHttpClient client = GuardedAwsHttp.client(component)) {
                ExecutableHttpRequest prepared = client.prepareRequest(
                        HttpExecuteRequest.builder().request(request).build());
                HttpExecuteResponse response = prepared.call();
                if (response.responseBody().isEmpty()) {
                    return "";
                }
                return new String(response.responseBody().get().readAllBytes(), StandardCharsets.UTF_8);
            }
        }
    };

    /** What a call is. */
    enum Way {
        REQUEST,
        REQUEST_WITHOUT_REDIRECTS,
        WEB_SOCKET
    }

    private final Way way;

    EveryAdapter(Way way) {
        this.way = way;
    }

    Way way() {
        return way;
    }

    /** Makes the call, and returns the answer's body; a refusal comes as an exception, as a response 403, or as an exception's cause. */
    abstract String call(Component component, String url) throws Exception;

    private static String send(Component component, String url, HttpClient.Version version) throws Exception {
        return GuardedJdkHttp.builder(component)
                .version(version)
                .followRedirects(Redirect.NORMAL)
                .build()
                .send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.ofString())
                .body();
    }

    private static void await(CompletableFuture<?> over) throws Exception {
        try {
            over.get(30, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }
}
