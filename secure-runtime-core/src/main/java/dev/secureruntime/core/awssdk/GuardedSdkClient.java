package dev.secureruntime.core.awssdk;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.core5.util.Timeout;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpMetric;
import software.amazon.awssdk.http.SdkHttpClient;

/** The SDK's transport, on a guarded Apache client. */
final class GuardedSdkClient implements SdkHttpClient {

    private final CloseableHttpClient guarded;
    private final RequestConfig config;

    @SuppressWarnings(
            "deprecation") // setConnectTimeout: its successor is set on a connection manager, of which there is none
    GuardedSdkClient(CloseableHttpClient guarded, Duration connect, Duration read) {
        this.guarded = guarded;
        this.config = RequestConfig.custom()
                .setConnectTimeout(Timeout.of(connect))
                .setResponseTimeout(Timeout.of(read))
                .setRedirectsEnabled(false)
                .build();
    }

    @Override
    public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
        request.metricCollector().ifPresent(metrics -> metrics.reportMetric(HttpMetric.HTTP_CLIENT_NAME, clientName()));
        return new GuardedSdkCall(guarded, config, request);
    }

    @Override
    public String clientName() {
        return "SecureRuntime";
    }

    @Override
    public void close() {
        try {
            guarded.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
