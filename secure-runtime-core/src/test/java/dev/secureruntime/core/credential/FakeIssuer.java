package dev.secureruntime.core.credential;

import dev.secureruntime.credential.Credential;
import dev.secureruntime.credential.CredentialIssuer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An issuer with a memory: it does what it was last told, and knows when it was asked and what it gave. */
final class FakeIssuer implements CredentialIssuer<FakeIssuer.Key> {

    static final String SECRET = "wJalrXUtnFEMI-secret";

    /** A credential whose secret can be looked for. */
    static final class Key implements Credential {
        final String secret = SECRET;
        final long endsAtTick;
        final long lifetimeNanos;
        private final String id;
        private final Instant expiresAt;

        Key(String id, Instant expiresAt, long endsAtTick, long lifetimeNanos) {
            this.id = id;
            this.expiresAt = expiresAt;
            this.endsAtTick = endsAtTick;
            this.lifetimeNanos = lifetimeNanos;
        }

        @Override
        public String id() {
            return id;
        }

        @Override
        public Instant expiresAt() {
            return expiresAt;
        }

        @Override
        public String toString() {
            return "Key[" + id + "]";
        }
    }

    private final VirtualTime time;
    private final List<Long> calls = new ArrayList<>();
    private @Nullable Key newest;
    private CredentialIssuer<Key> behaviour = () -> {
        throw new IllegalStateException("told nothing yet");
    };

    FakeIssuer(VirtualTime time) {
        this.time = time;
    }

    void issueFor(Duration lifetime) {
        behave(() -> key(lifetime));
    }

    void fail() {
        behave(() -> {
            throw new java.io.IOException("403 from the issuer");
        });
    }

    synchronized void behave(CredentialIssuer<Key> behaviour) {
        this.behaviour = behaviour;
    }

    synchronized Key key(Duration lifetime) {
        long nanos = lifetime.toNanos();
        Key key = new Key("key-" + calls.size(), time.now().plus(lifetime), time.read() + nanos, nanos);
        newest = key;
        return key;
    }

    /** The key that it made last. */
    synchronized @Nullable Key newest() {
        return newest;
    }

    @Override
    public Key issue() throws Exception {
        CredentialIssuer<Key> now;
        synchronized (this) {
            calls.add(time.read());
            now = behaviour;
        }
        return now.issue();
    }

    /** When it was asked, by the ticker. */
    synchronized List<Long> calls() {
        return List.copyOf(calls);
    }
}
