package dev.secureruntime.core.awssdk;

import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.net.URIAuthority;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.SdkHttpResponse;

/** One request of the SDK's, on its way once. */
final class GuardedSdkCall implements ExecutableHttpRequest {

    /** As in the SDK's own Apache client: others are sent without a body. */
    private static final Set<String> WITH_BODY = Set.of("POST", "PUT", "PATCH");

    private final CloseableHttpClient guarded;
    private final HttpExecuteRequest execute;
    private final HttpUriRequestBase request;

    GuardedSdkCall(CloseableHttpClient guarded, RequestConfig config, HttpExecuteRequest execute) {
        this.guarded = guarded;
        this.execute = execute;
        this.request = request(execute.httpRequest());
        request.setConfig(config);
    }

    /** The request with path and query exactly as the SDK wrote them: its signature covers them. */
    private static HttpUriRequestBase request(SdkHttpRequest sdk) {
        HttpUriRequestBase request = new HttpUriRequestBase(sdk.method().name(), URI.create("/"));
        request.setScheme(sdk.protocol());
        request.setAuthority(new URIAuthority(sdk.host(), sdk.port()));
        String path = sdk.encodedPath().isEmpty() ? "/" : sdk.encodedPath();
        request.setPath(
                sdk.encodedQueryParameters().map(query -> path + "?" + query).orElse(path));
        sdk.forEachHeader((name, values) -> values.forEach(value -> request.addHeader(name, value)));
        return request;
    }

    @Override
    public HttpExecuteResponse call() throws IOException {
        SdkHttpRequest sdk = execute.httpRequest();
        if (execute.contentStreamProvider().isPresent() && WITH_BODY.contains(request.getMethod())) {
            request.setEntity(
                    SdkRequestEntity.of(execute.contentStreamProvider().get(), sdk));
        }
        HttpHost target = new HttpHost(sdk.protocol(), sdk.host(), sdk.port());
        return answer(guarded.executeOpen(target, request, null));
    }

    private HttpExecuteResponse answer(ClassicHttpResponse response) throws IOException {
        Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (Header header : response.getHeaders()) {
            headers.computeIfAbsent(header.getName(), free -> new ArrayList<>()).add(header.getValue());
        }
        HttpExecuteResponse.Builder answer = HttpExecuteResponse.builder()
                .response(SdkHttpResponse.builder()
                        .statusCode(response.getCode())
                        .statusText(response.getReasonPhrase())
                        .headers(headers)
                        .build());
        HttpEntity entity = response.getEntity();
        if (entity != null) {
            answer.responseBody(AbortableInputStream.create(entity.getContent(), this::abort));
        }
        return answer.build();
    }

    @Override
    public void abort() {
        request.cancel();
    }
}
