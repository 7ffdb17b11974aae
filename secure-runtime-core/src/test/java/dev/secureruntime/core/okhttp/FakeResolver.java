package dev.secureruntime.core.okhttp;

import dev.secureruntime.egress.HostResolver;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Sends every name to loopback, or where it was told to, and remembers what it was asked. */
public final class FakeResolver implements HostResolver {

    private final List<String> lookups = new CopyOnWriteArrayList<>();
    private final Map<String, List<InetAddress>> answers = new ConcurrentHashMap<>();

    public void set(String host, String... addresses) throws UnknownHostException {
        List<InetAddress> parsed = new ArrayList<>();
        for (String address : addresses) {
            parsed.add(InetAddress.getByName(address));
        }
        answers.put(host, parsed);
    }

    public List<String> lookups() {
        return lookups;
    }

    @Override
    public List<InetAddress> resolve(String host) throws UnknownHostException {
        lookups.add(host);
        List<InetAddress> answer = answers.get(host);
        return answer != null ? answer : List.of(InetAddress.getByName("127.0.0.1"));
    }
}
