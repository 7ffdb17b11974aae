package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.JudgedAddresses;
import dev.secureruntime.egress.EgressDeniedException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import okhttp3.Dns;

/** Looks up hosts for OkHttp, which asks it for one host at a time and tells it neither scheme nor port. */
final class JudgedDns implements Dns {

    private final Gate gate;
    private final ComponentSnapshot snapshot;
    private final String scheme;
    private final int port;

    JudgedDns(Gate gate, ComponentSnapshot snapshot, String scheme, int port) {
        this.gate = gate;
        this.snapshot = snapshot;
        this.scheme = scheme;
        this.port = port;
    }

    @Override
    public List<InetAddress> lookup(String hostname) throws UnknownHostException {
        try {
            return JudgedAddresses.of(gate, snapshot, scheme, hostname, port);
        } catch (EgressDeniedException e) {
            throw HardenedClient.sneaky(e);
        }
    }
}
