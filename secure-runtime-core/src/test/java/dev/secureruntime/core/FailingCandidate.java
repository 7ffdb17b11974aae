package dev.secureruntime.core;

import dev.secureruntime.SecureRuntime;
import dev.secureruntime.core.ShadowPolicy.Candidate;
import dev.secureruntime.policy.PolicyVersion;

/** A candidate policy that breaks on every question. */
public final class FailingCandidate {

    private FailingCandidate() {}

    public static void beside(SecureRuntime runtime, PolicyVersion version, Error failure) {
        ((CoreRuntime) runtime)
                .shadow()
                .ask(new Candidate(
                        version,
                        hop -> {
                            throw failure;
                        },
                        (connection, addresses) -> {
                            throw failure;
                        }));
    }
}
