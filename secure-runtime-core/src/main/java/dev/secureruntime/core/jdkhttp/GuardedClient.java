package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.http.OnDenial;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.net.Authenticator;
import java.net.CookieHandler;
import java.net.ProxySelector;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.PushPromiseHandler;
import java.net.http.WebSocket;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;

/**
 * A client as callers hold it: it hands requests to the guard and has no connection of its own. What it tells of its settings
 * leads nowhere: the TLS context is the platform's, not the one that connections are made with.
 */
final class GuardedClient extends HttpClient {

    private final JdkTransport transport;
    private final ClientSettings settings;
    private final @Nullable Executor executor;
    private final OnDenial onDenial;

    GuardedClient(JdkTransport transport, ClientSettings settings, @Nullable Executor executor, OnDenial onDenial) {
        this.transport = transport;
        this.settings = settings;
        this.executor = executor;
        this.onDenial = onDenial;
    }

    JdkTransport transport() {
        return transport;
    }

    @Override
    public <T> HttpResponse<T> send(HttpRequest request, BodyHandler<T> handler)
            throws IOException, InterruptedException {
        GuardedSend<T> send = begin(request, handler);
        send.start();
        try {
            return settled(send, request, handler).get();
        } catch (InterruptedException e) {
            send.cancel();
            throw e;
        } catch (ExecutionException e) {
            throw thrown(e.getCause());
        }
    }

    private static IOException thrown(@Nullable Throwable failure) {
        if (failure instanceof IOException broken) {
            return broken;
        }
        if (failure instanceof RuntimeException unchecked) {
            throw unchecked;
        }
        if (failure instanceof Error error) {
            throw error;
        }
        return new IOException(failure);
    }

    @Override
    public <T> CompletableFuture<HttpResponse<T>> sendAsync(HttpRequest request, BodyHandler<T> handler) {
        GuardedSend<T> send = begin(request, handler);
        Executor completing = executor == null ? transport.threads() : executor;
        Answer<T> answer = new Answer<>(send::cancel, completing);
        settled(send, request, handler).whenComplete((response, failure) -> {
            try {
                completing.execute(() -> answer.settle(response, failure));
            } catch (RejectedExecutionException e) {
                answer.settle(response, failure);
            }
        });
        try {
            transport.threads().execute(send::start); // credentials may have to be fetched: not on the caller's thread
        } catch (RejectedExecutionException e) {
            send.start(); // the runtime is closed, and says so
        }
        return answer;
    }

    /**
     * The same: the handler is never asked. A push answers a request that nobody made and nobody judged, so the JDK's client is given
     * no handler: it tells servers not to push, and refuses what they push all the same, in whichever host's name.
     */
    @Override
    public <T> CompletableFuture<HttpResponse<T>> sendAsync(
            HttpRequest request, BodyHandler<T> handler, @Nullable PushPromiseHandler<T> pushes) {
        return sendAsync(request, handler);
    }

    private <T> GuardedSend<T> begin(HttpRequest request, BodyHandler<T> handler) {
        return new GuardedSend<>(transport, settings, Objects.requireNonNull(request), Objects.requireNonNull(handler));
    }

    /** The result, with a refusal as this client tells it. */
    private <T> CompletableFuture<HttpResponse<T>> settled(
            GuardedSend<T> send, HttpRequest request, BodyHandler<T> handler) {
        if (onDenial == OnDenial.THROW) {
            return send.result();
        }
        CompletableFuture<HttpResponse<T>> settled = new CompletableFuture<>();
        send.result().whenComplete((response, failure) -> {
            if (failure instanceof EgressDeniedException denial && !send.isHanded()) {
                SyntheticAnswer.to(denial, request, handler).whenComplete((answer, broken) -> {
                    if (broken == null) {
                        settled.complete(answer);
                    } else {
                        settled.completeExceptionally(denial);
                    }
                });
            } else if (failure != null) {
                settled.completeExceptionally(failure);
            } else {
                settled.complete(response);
            }
        });
        return settled;
    }

    /** A call's future: cancelling it ends the call. */
    private static final class Answer<T> extends CompletableFuture<HttpResponse<T>> {

        private final Runnable cancel;
        private final Executor executor;

        Answer(Runnable cancel, Executor executor) {
            this.cancel = cancel;
            this.executor = executor;
        }

        void settle(@Nullable HttpResponse<T> response, @Nullable Throwable failure) {
            if (failure == null) {
                complete(response);
            } else {
                completeExceptionally(failure);
            }
        }

        @Override
        public boolean cancel(boolean mayInterrupt) {
            boolean first = super.cancel(mayInterrupt);
            if (first) {
                cancel.run();
            }
            return first;
        }

        @Override
        public Executor defaultExecutor() {
            return executor;
        }
    }

    @Override
    public WebSocket.Builder newWebSocketBuilder() {
        return new GuardedWebSocketBuilder(transport, settings);
    }

    @Override
    public Optional<CookieHandler> cookieHandler() {
        return Optional.empty();
    }

    @Override
    public Optional<Duration> connectTimeout() {
        return Optional.ofNullable(settings.connectTimeout());
    }

    @Override
    public Redirect followRedirects() {
        return settings.redirects();
    }

    @Override
    public Optional<ProxySelector> proxy() {
        return Optional.of(Builder.NO_PROXY);
    }

    @Override
    public SSLContext sslContext() {
        try {
            return SSLContext.getDefault();
        } catch (NoSuchAlgorithmException e) {
            throw new UnsupportedOperationException("the platform has no TLS context", e);
        }
    }

    @Override
    public SSLParameters sslParameters() {
        return sslContext().getDefaultSSLParameters();
    }

    @Override
    public Optional<Authenticator> authenticator() {
        return Optional.empty();
    }

    @Override
    public Version version() {
        return settings.version();
    }

    @Override
    public Optional<Executor> executor() {
        return Optional.ofNullable(executor);
    }

    @Override
    public String toString() {
        return "guarded java.net.http client of component " + transport.gate().name();
    }
}
