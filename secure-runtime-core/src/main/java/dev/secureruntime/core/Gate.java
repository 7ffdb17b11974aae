package dev.secureruntime.core;

import dev.secureruntime.Component;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.lang.invoke.MethodHandles.Lookup;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Function;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * What an adapter asks of a component: the policy in force ({@link #inForce}), which decides on requests and
 * connections and has the credentials that belong on them, and a record of each call ({@link #begin}).
 *
 * <p>Whoever has a gate can have the keys of its component. So a {@link Component} doesn't give it out: it is opened with
 * the private look-up of a class in one of our adapter packages, which code outside of them doesn't have.
 *
 * <p>Thread-safe.
 */
public final class Gate {

    private static final Set<String> ADAPTERS = Set.of(
            "dev.secureruntime.core.okhttp",
            "dev.secureruntime.core.anthropic",
            "dev.secureruntime.core.jdkhttp",
            "dev.secureruntime.core.apache");

    private final GuardedComponent component;

    private Gate(GuardedComponent component) {
        this.component = component;
    }

    /**
     * Opens a component's gate to an adapter.
     *
     * @param adapter {@code MethodHandles.lookup()}, called in the adapter itself
     * @throws SecureRuntimeException {@code SR-RUNTIME-001} when the look-up is not an adapter's, or the component not one
     *     of this engine's
     */
    public static Gate open(Component component, Lookup adapter) {
        Class<?> opener = adapter.lookupClass();
        if (!adapter.hasFullPrivilegeAccess()
                || opener.getClassLoader() != Gate.class.getClassLoader()
                || !ADAPTERS.contains(opener.getPackageName())) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED, "a component's gate opens to the adapters of this engine only");
        }
        if (component instanceof GuardedComponent guarded) {
            return new Gate(guarded);
        }
        throw new SecureRuntimeException(
                ErrorCode.RUNTIME_MISCONFIGURED,
                "this Component was not made by SecureRuntime.component(name): only such a one can be guarded");
    }

    /** The component's name. */
    public String name() {
        return component.id().name();
    }

    /** What the policy in force says of the component; each hop takes it once. */
    public ComponentSnapshot inForce() {
        return component.inForce();
    }

    /** The question that stands for a connection: no request of its own, but what one would connect to. */
    public EgressRequest connection(String scheme, String host, int port) {
        return new EgressRequest(name(), "CONNECT", scheme, host, port, "/", List.of());
    }

    /** What a connection may send: asked before each write to its socket. */
    public ConnectionBudget budget(EgressRequest connection) {
        return component.budgets().of(connection);
    }

    /** Looks up a host that was allowed. */
    public List<InetAddress> resolve(String host) throws UnknownHostException {
        return component.runtime().resolver().resolve(host);
    }

    /** The one proxy that requests go through; null when they go directly. */
    public @Nullable ApprovedProxy egressProxy() {
        return component.runtime().egressProxy();
    }

    /** Decides on server certificates; null means the platform's trust store. */
    public @Nullable X509TrustManager trustManager() {
        return component.runtime().trustManager();
    }

    /** The runtime's clock work: short tasks only. */
    public ScheduledExecutorService timer() {
        return component.runtime().timer();
    }

    /** Starts the record of a logical call. */
    public CallRecord begin(EgressRequest first) {
        return component.begin(first);
    }

    /** The component's one transport of a kind, made by {@code first}: each component has connections of its own. */
    public <T extends Transport> T transport(Class<T> kind, Function<Gate, T> first) {
        return component.transport(kind, () -> first.apply(this));
    }
}
