package dev.secureruntime.aws;

import dev.secureruntime.core.credential.CredentialEvent;
import dev.secureruntime.core.credential.RefreshingCredentialProvider;
import dev.secureruntime.credential.Credential;
import dev.secureruntime.credential.CredentialIssuer;
import dev.secureruntime.credential.CredentialProvider;
import dev.secureruntime.credential.Credentials;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;

/** A component's credentials over the real engine, with time in the test's hand and renewal on the caller's thread. */
final class TestCredentials implements Credentials {

    final List<String> scopes = new ArrayList<>();
    final List<CredentialEvent> events = new ArrayList<>();
    final List<RefreshingCredentialProvider<?>> providers = new ArrayList<>();
    private Duration passed = Duration.ZERO;

    /** Whole seconds, as STS gives them. */
    private static final Instant START = Instant.parse("2026-01-02T03:04:05Z");

    @Override
    public <C extends Credential> CredentialProvider<C> provider(String scope, CredentialIssuer<C> issuer) {
        scopes.add(scope);
        RefreshingCredentialProvider<C> provider = new RefreshingCredentialProvider<>(
                scope, issuer, events::add, Runnable::run, clock(), () -> passed.toNanos());
        providers.add(provider);
        return provider;
    }

    void pass(Duration time) {
        passed = passed.plus(time);
    }

    Instant now() {
        return START.plus(passed);
    }

    private Clock clock() {
        return new Clock() {
            @Override
            public Instant instant() {
                return now();
            }

            @Override
            public ZoneId getZone() {
                return ZoneOffset.UTC;
            }

            @Override
            public Clock withZone(ZoneId zone) {
                return this;
            }
        };
    }
}
