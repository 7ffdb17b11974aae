package dev.secureruntime.core.http;

import java.util.List;

/** The headers that carry credentials, as the model providers and proxies name them. */
public final class CredentialHeaders {

    public static final List<String> NAMES = List.of(
            "Authorization",
            "Proxy-Authorization",
            "Cookie",
            "x-api-key",
            "api-key",
            "x-goog-api-key",
            "x-amz-security-token",
            "x-auth-token");

    /** What may cross to another host on a redirect: a list of the harmless, since a list of the harmful is never whole. */
    public static final List<String> CROSS_HOST = List.of("Accept", "Accept-Language", "User-Agent");

    private CredentialHeaders() {}

    /** Whether the header carries a credential. */
    public static boolean has(String name) {
        return isOneOf(NAMES, name);
    }

    /** Whether the header may cross to another host. */
    public static boolean mayCross(String name) {
        return isOneOf(CROSS_HOST, name);
    }

    private static boolean isOneOf(List<String> names, String name) {
        for (int i = 0; i < names.size(); i++) {
            if (names.get(i).equalsIgnoreCase(name)) {
                return true;
            }
        }
        return false;
    }
}
