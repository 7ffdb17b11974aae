package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.http.OnDenial;
import dev.secureruntime.core.okhttp.Hop.Timeouts;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import okhttp3.Interceptor;
import okhttp3.Response;

/** Ends a chain: runs the request on the hardened client and never proceeds. */
final class TerminalInterceptor implements Interceptor {

    private final HardenedClient hardened;
    private final OnDenial onDenial;

    TerminalInterceptor(HardenedClient hardened, OnDenial onDenial) {
        this.hardened = hardened;
        this.onDenial = onDenial;
    }

    @Override
    public Response intercept(Chain chain) throws IOException {
        Timeouts timeouts =
                new Timeouts(chain.connectTimeoutMillis(), chain.readTimeoutMillis(), chain.writeTimeoutMillis());
        try {
            return new GuardedExchange(hardened, chain.request(), chain.call(), timeouts).run();
        } catch (EgressDeniedException e) {
            if (onDenial == OnDenial.RESPOND) {
                return DenialResponse.to(chain.request(), e);
            }
            throw e;
        } catch (RuntimeException e) {
            // On OkHttp's dispatcher an unchecked exception would reach the thread's handler, not the caller.
            throw new IOException("the guard, or code of the caller that it ran, failed; the call was ended", e);
        }
    }
}
