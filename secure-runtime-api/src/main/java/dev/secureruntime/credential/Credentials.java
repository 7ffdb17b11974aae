package dev.secureruntime.credential;

/** The short-lived credentials of one component. Thread-safe. */
public interface Credentials {

    /**
     * A provider of this component's credential for {@code scope}. Every issuance and every failure is recorded in the
     * audit log with the credential's id, never its secret. The provider ends with the runtime: afterwards it throws.
     *
     * @param scope what the credential is for, in words for logs: a role's name, say
     * @param issuer who is asked for new ones
     */
    <C extends Credential> CredentialProvider<C> provider(String scope, CredentialIssuer<C> issuer);
}
