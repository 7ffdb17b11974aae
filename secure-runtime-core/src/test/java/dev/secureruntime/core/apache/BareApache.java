package dev.secureruntime.core.apache;

import dev.secureruntime.core.okhttp.LoopbackServer;
import java.net.InetAddress;
import java.util.function.UnaryOperator;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.DefaultClientTlsStrategy;
import org.apache.hc.core5.util.Timeout;

/** Apache clients without protection, which trust and find the same servers: the attacks' proof. */
public final class BareApache {

    private BareApache() {}

    public static CloseableHttpClient client() {
        return client(builder -> builder);
    }

    public static CloseableHttpClient client(UnaryOperator<HttpClientBuilder> changes) {
        DnsResolver loopback = new DnsResolver() {
            @Override
            public InetAddress[] resolve(String host) {
                return new InetAddress[] {InetAddress.getLoopbackAddress()};
            }

            @Override
            public String resolveCanonicalHostname(String host) {
                return host;
            }
        };
        return changes.apply(HttpClients.custom()
                        .setDefaultRequestConfig(RequestConfig.custom()
                                .setResponseTimeout(Timeout.ofSeconds(30))
                                .build())
                        .setConnectionManager(PoolingHttpClientConnectionManagerBuilder.create()
                                .setDnsResolver(loopback)
                                .setTlsSocketStrategy(new DefaultClientTlsStrategy(LoopbackServer.CLIENT.sslContext()))
                                .build()))
                .build();
    }
}
