package dev.secureruntime.core.awssdk;

import java.net.InetAddress;
import org.apache.hc.client5.http.DnsResolver;

/** Sends every name of a client without protection to loopback. */
final class LoopbackNames implements DnsResolver {

    @Override
    public InetAddress[] resolve(String host) {
        return new InetAddress[] {InetAddress.getLoopbackAddress()};
    }

    @Override
    public String resolveCanonicalHostname(String host) {
        return host;
    }
}
