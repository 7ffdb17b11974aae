package dev.secureruntime.benchmarks.egress;

import com.google.common.net.InternetDomainName;
import dev.secureruntime.core.egress.EgressPolicy;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.Policy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import okhttp3.HttpUrl;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A whole decision on an allowed host, over many rules of which half are exact and half wildcards, beside the matching
 * alone by other means. {@code hot} asks about 64 hosts in turn; {@code cold} about 262,144, spread over all rules and walked
 * in another order than they were made in, so that neither the request nor the rule is in a core's cache.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
        value = 1,
        jvmArgsAppend = {"-Xms3g", "-Xmx3g", "-XX:+UseParallelGC"})
public class EgressDecisionBenchmark {

    private static final String[] WORDS = {"api", "eu", "data", "models", "storage", "mail", "events", "login"};
    private static final String[] TOPS = {"com", "net", "io", "example", "co.uk", "dev"};

    /** How many rules the component has. */
    @Param({"100000", "1000000"})
    public int rules;

    /** How many hosts are asked about. */
    @Param({"hot", "cold"})
    public String hosts;

    private EgressPolicy policy;
    private Set<String> suffixes;
    private List<String> linear;
    private EgressRequest[] requests;
    /** The hosts of the requests, in their order, one behind the other; and where each ends. */
    private byte[] names;

    private int[] ends;
    private int next;

    /** Builds the rules and the requests. */
    @Setup
    public void setUp() {
        Random random = new Random(42);
        ComponentPolicy.Builder component = ComponentPolicy.builder();
        suffixes = new HashSet<>();
        linear = new ArrayList<>();
        List<String> allowed = new ArrayList<>();
        while (linear.size() < rules) {
            String name = WORDS[random.nextInt(WORDS.length)] + "-" + Integer.toString(random.nextInt(1 << 30), 36)
                    + "." + TOPS[random.nextInt(TOPS.length)];
            boolean wildcard = random.nextBoolean();
            component.allow(EgressRule.host(wildcard ? "*." + name : name));
            suffixes.add(wildcard ? "*." + name : name);
            linear.add(wildcard ? "." + name : name);
            allowed.add(wildcard ? WORDS[random.nextInt(WORDS.length)] + "." + name : name);
        }
        policy = EgressPolicy.compile(
                Policy.builder().component("c", component.build()).build());
        int count = hosts.equals("hot") ? 64 : 1 << 18;
        requests = new EgressRequest[count];
        for (int i = 0; i < count; i++) {
            String host = allowed.get(random.nextInt(allowed.size()));
            // A string of its own, as a client would have parsed it.
            requests[i] =
                    new EgressRequest("c", "POST", "https", new String(host.toCharArray()), 443, "/v1/chat", List.of());
            if (!(policy.decide(requests[i]) instanceof EgressDecision.Allowed)) {
                throw new IllegalStateException("not allowed: " + host);
            }
        }
        Collections.shuffle(Arrays.asList(requests), random);
        names = Arrays.stream(requests)
                .map(EgressRequest::host)
                .collect(Collectors.joining())
                .getBytes(StandardCharsets.ISO_8859_1);
        ends = new int[count];
        for (int i = 0, end = 0; i < count; i++) {
            end += requests[i].host().length();
            ends[i] = end;
        }
        System.out.printf("# compiled host rules: %.1f bytes per rule%n", policy.bytes("c") / (double) rules);
    }

    private int next() {
        next = (next + 1) & (requests.length - 1);
        return next;
    }

    /** The whole decision. */
    @Benchmark
    public EgressDecision decide() {
        return policy.decide(requests[next()]);
    }

    /** The whole decision, and a look at the answer: cold, the rule's answer is one more thing that memory is waited for. */
    @Benchmark
    public boolean decideAndLook() {
        return policy.decide(requests[next()]) instanceof EgressDecision.Allowed;
    }

    /** A request that is made from what a client has just received or written, as clients do; for the difference to the next one. */
    @Benchmark
    public EgressRequest makeRequestOnly() {
        int request = next();
        int start = request == 0 ? 0 : ends[request - 1];
        String host = new String(names, start, ends[request] - start, StandardCharsets.ISO_8859_1);
        return new EgressRequest("c", "POST", "https", host, 443, "/v1/chat", List.of());
    }

    /** A decision on a request that was just made: cold, what memory is waited for are the rules alone. */
    @Benchmark
    public EgressDecision makeRequestAndDecide() {
        return policy.decide(makeRequestOnly());
    }

    /** The least that any decision has to do: read each character of the host. */
    @Benchmark
    public int readCharactersOnly() {
        String host = requests[next()].host();
        int sum = 0;
        for (int i = 0; i < host.length(); i++) {
            sum += host.charAt(i);
        }
        return sum;
    }

    /** A set that is asked for the host and for each of its suffixes. */
    @Benchmark
    public boolean hashSetOfSuffixes() {
        String host = requests[next()].host();
        if (suffixes.contains(host)) {
            return true;
        }
        for (int dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
            if (suffixes.contains("*" + host.substring(dot))) {
                return true;
            }
        }
        return false;
    }

    /** A list that is walked until a rule matches. */
    @Benchmark
    public boolean linearList() {
        String host = requests[next()].host();
        for (int i = 0; i < linear.size(); i++) {
            String rule = linear.get(i);
            if (rule.charAt(0) == '.' ? host.endsWith(rule) : host.equals(rule)) {
                return true;
            }
        }
        return false;
    }

    /** Guava's look-up of the registrable domain, which knows only public suffixes. */
    @Benchmark
    public boolean guavaTopPrivateDomain() {
        return InternetDomainName.from(requests[next()].host()).isUnderPublicSuffix();
    }

    /** URLs for OkHttp; of their own, so that they don't lie between the requests. */
    @State(Scope.Benchmark)
    public static class Urls {

        private HttpUrl[] urls;

        /** Makes them of the hosts. */
        @Setup
        public void setUp(EgressDecisionBenchmark hosts) {
            urls = Arrays.stream(hosts.requests)
                    .map(request -> HttpUrl.get("https://" + request.host() + "/v1/chat"))
                    .toArray(HttpUrl[]::new);
        }
    }

    /** OkHttp's look-up of the registrable domain, which knows only public suffixes. */
    @Benchmark
    public boolean okHttpTopPrivateDomain(Urls urls) {
        return urls.urls[next()].topPrivateDomain() != null;
    }
}
