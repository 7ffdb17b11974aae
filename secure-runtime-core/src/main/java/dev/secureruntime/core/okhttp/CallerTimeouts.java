package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.okhttp.Hop.Timeouts;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import okhttp3.Interceptor;
import okhttp3.Response;

/** Gives a request the time-outs that the caller's client has. */
final class CallerTimeouts implements Interceptor {

    @Override
    public Response intercept(Chain chain) throws IOException {
        Hop hop = chain.request().tag(Hop.class);
        if (hop == null || hop.timeouts().equals(Timeouts.INHERITED)) {
            return chain.proceed(chain.request());
        }
        Timeouts timeouts = hop.timeouts();
        return chain.withConnectTimeout(timeouts.connect(), TimeUnit.MILLISECONDS)
                .withReadTimeout(timeouts.read(), TimeUnit.MILLISECONDS)
                .withWriteTimeout(timeouts.write(), TimeUnit.MILLISECONDS)
                .proceed(chain.request());
    }
}
