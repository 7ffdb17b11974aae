package dev.secureruntime.core.okhttp;

import dev.secureruntime.Component;
import dev.secureruntime.core.apache.GuardedApache;
import dev.secureruntime.core.awssdk.GuardedAwsHttp;
import dev.secureruntime.core.jdkhttp.GuardedJdkHttp;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import okhttp3.Request;
import okhttp3.Response;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpFullRequest;
import software.amazon.awssdk.http.SdkHttpMethod;

/** The guarded clients, as one that gets a URL and returns what it answered; a refusal is thrown. */
enum ProxiedClient {
    OKHTTP {
        @Override
        String get(Component component, String url) throws IOException {
            Request request = new Request.Builder().url(url).build();
            try (Response response =
                    GuardedOkHttp.callFactory(component).newCall(request).execute()) {
                return response.body().string();
            }
        }
    },
    JDK_1_1 {
        @Override
        String get(Component component, String url) throws IOException {
            return jdk(component, url, HttpClient.Version.HTTP_1_1);
        }
    },
    JDK_2 {
        @Override
        String get(Component component, String url) throws IOException {
            return jdk(component, url, HttpClient.Version.HTTP_2);
        }
    },
    APACHE {
        @Override
        String get(Component component, String url) throws IOException {
            try (CloseableHttpClient client = GuardedApache.throwingClient(component)) {
                return client.execute(new HttpGet(url), response -> EntityUtils.toString(response.getEntity()));
            }
        }
    },
    AWS {
        @Override
        String get(Component component, String url) throws IOException {
            try (SdkHttpClient client = GuardedAwsHttp.client(component)) {
                HttpExecuteResponse response = client.prepareRequest(HttpExecuteRequest.builder()
                                .request(SdkHttpFullRequest.builder()
                                        .method(SdkHttpMethod.GET)
                                        .uri(URI.create(url))
                                        .build())
                                .build())
                        .call();
                try (InputStream body = response.responseBody().orElseThrow()) {
                    return new String(body.readAllBytes(), StandardCharsets.UTF_8);
                }
            }
        }
    };

    abstract String get(Component component, String url) throws IOException;

    private static String jdk(Component component, String url, HttpClient.Version version) throws IOException {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(url)).version(version).build();
        try {
            return GuardedJdkHttp.client(component)
                    .send(request, HttpResponse.BodyHandlers.ofString())
                    .body();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }
}
