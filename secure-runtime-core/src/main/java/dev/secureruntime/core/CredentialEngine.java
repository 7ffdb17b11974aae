package dev.secureruntime.core;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.core.credential.CredentialEvent;
import dev.secureruntime.core.credential.RefreshingCredentialProvider;
import dev.secureruntime.core.credential.Ticker;
import dev.secureruntime.core.text.SecretMatcher;
import dev.secureruntime.credential.Credential;
import dev.secureruntime.credential.CredentialIssuer;
import dev.secureruntime.credential.CredentialProvider;
import dev.secureruntime.credential.Credentials;
import dev.secureruntime.identity.ComponentId;
import java.time.Clock;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Makes the credential providers of one runtime, records what they do, and ends them with it. Thread-safe. */
final class CredentialEngine implements AutoCloseable {

    private static final int REFRESHERS = 4;

    private final EventLine events;
    private final SecretWatch watch;
    private final Clock clock;
    private final ExecutorService refreshers;
    private final List<RefreshingCredentialProvider<?>> providers = new CopyOnWriteArrayList<>();
    private volatile boolean closed;

    CredentialEngine(EventLine events, SecretWatch watch, Clock clock) {
        this.events = events;
        this.watch = watch;
        this.clock = clock;
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                REFRESHERS, REFRESHERS, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, "secure-runtime-credentials");
                    thread.setDaemon(true);
                    return thread;
                });
        pool.allowCoreThreadTimeOut(true);
        this.refreshers = pool;
    }

    Credentials of(ComponentId component) {
        return new Credentials() {
            @Override
            public <C extends Credential> CredentialProvider<C> provider(String scope, CredentialIssuer<C> issuer) {
                return CredentialEngine.this.leased(scope, component.name(), issuer);
            }
        };
    }

    private <C extends Credential> RefreshingCredentialProvider<C> leased(
            String scope, String component, CredentialIssuer<C> issuer) {
        return provider(scope, component, watched(new SecretWatch.Known(scope, component), issuer));
    }

    /** The tokens that fill a secret of the policy. */
    <C extends Credential> RefreshingCredentialProvider<C> tokens(String secret, CredentialIssuer<C> issuer) {
        return provider("secret:" + secret, null, watched(new SecretWatch.Known(secret, null), issuer));
    }

    private <C extends Credential> RefreshingCredentialProvider<C> provider(
            String scope, @Nullable String component, CredentialIssuer<C> issuer) {
        RefreshingCredentialProvider<C> provider = new RefreshingCredentialProvider<>(
                scope, issuer, event -> record(component, event), refreshers, clock, Ticker.SYSTEM);
        providers.add(provider);
        if (closed) {
            provider.close();
        }
        return provider;
    }

    /** Each credential is known as a secret before anybody has it. */
    private <C extends Credential> CredentialIssuer<C> watched(SecretWatch.Known whose, CredentialIssuer<C> issuer) {
        SecretMatcher.Slot lease = watch.lease(whose);
        return () -> {
            C credential = issuer.issue();
            if (credential != null) {
                watch.remember(whose.name(), lease, credential);
            }
            return credential;
        };
    }

    private void record(@Nullable String component, CredentialEvent event) {
        AuditEvent.Builder record;
        if (event instanceof CredentialEvent.Issued issued) {
            record = AuditEvent.of("credential.issued")
                    .attribute("secure_runtime.credential.scope", issued.scope())
                    .attribute("secure_runtime.credential.id", issued.id())
                    .attribute(
                            "secure_runtime.credential.expires_at",
                            issued.expiresAt().toString());
        } else {
            CredentialEvent.Failed failed = (CredentialEvent.Failed) event;
            record = AuditEvent.of("credential.failed")
                    .attribute("secure_runtime.credential.scope", failed.scope())
                    .attribute("secure_runtime.reason", failed.reason().name().toLowerCase(Locale.ROOT))
                    .attribute("error.type", failed.errorType());
        }
        if (component != null) {
            record.component(component);
        }
        events.publish(record.build());
    }

    @Override
    public void close() {
        closed = true;
        providers.forEach(RefreshingCredentialProvider::close);
        refreshers.shutdownNow();
    }
}
