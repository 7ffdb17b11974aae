package dev.secureruntime.core.anthropic;

import com.anthropic.core.http.Interceptor;
import dev.secureruntime.Component;
import dev.secureruntime.core.okhttp.GuardedOkHttp;

/**
 * Guarded HTTP for anthropic-java 3.x, which makes its own OkHttp client and takes none.
 *
 * <pre>{@code
 * AnthropicClient client = AnthropicOkHttpClient.builder()
 *         .apiKey("attached-by-secure-runtime")
 *         .addInterceptor(GuardedAnthropic.interceptor(agent))
 *         .build();
 * }</pre>
 *
 * <p>What holds: every request of the client runs on {@link GuardedOkHttp}; the client's own transport is never used. What
 * does not: the proxy, the TLS settings and the back end given to the client's builder belong to that transport and have
 * no effect - the policy, the runtime's trust manager and the credential bound to the host take their place - and neither
 * has what another interceptor would add behind this one. Thread-safe.
 */
public final class GuardedAnthropic {

    private GuardedAnthropic() {}

    /** An interceptor that ends the chain; the client's retries stay outside of it. */
    public static Interceptor interceptor(Component component) {
        okhttp3.OkHttpClient guarded = GuardedOkHttp.client(component);
        return transport -> new GuardedHttpClient(guarded, transport);
    }
}
