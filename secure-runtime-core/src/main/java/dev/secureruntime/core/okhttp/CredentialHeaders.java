package dev.secureruntime.core.okhttp;

import java.util.List;

/** The headers that carry credentials, as the model providers and proxies name them. */
final class CredentialHeaders {

    static final List<String> NAMES = List.of(
            "Authorization",
            "Proxy-Authorization",
            "Cookie",
            "x-api-key",
            "api-key",
            "x-goog-api-key",
            "x-amz-security-token",
            "x-auth-token");

    /** What may cross to another host on a redirect: a list of the harmless, since a list of the harmful is never whole. */
    static final List<String> CROSS_HOST = List.of("Accept", "Accept-Language", "User-Agent");

    private CredentialHeaders() {}

    /** Whether a header of this name carries credentials. */
    static boolean contains(String name) {
        return NAMES.stream().anyMatch(name::equalsIgnoreCase);
    }
}
