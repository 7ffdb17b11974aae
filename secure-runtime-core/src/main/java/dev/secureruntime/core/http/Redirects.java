package dev.secureruntime.core.http;

import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import java.nio.charset.StandardCharsets;

/**
 * What a redirect asks for (RFC 9110, section 15.4), and what of the request may go along.
 *
 * <p>Within one origin everything goes along. To another origin, neither the body nor any header that isn't known to be
 * harmless does ({@link CredentialHeaders#CROSS_HOST}); where the status demands that the body be sent again (307, 308), the
 * redirect is refused.
 */
public final class Redirects {

    /** How many are followed. */
    public static final int MAX = 10;

    private Redirects() {}

    /** Whether the status asks for another request, given a {@code Location}. */
    public static boolean isRedirect(int status) {
        return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    }

    /**
     * A {@code Location} in ASCII: servers write bytes beyond it, which the JDK and Apache read as one character each. They are
     * escaped as the bytes that they were.
     */
    public static String ascii(String location) {
        StringBuilder ascii = new StringBuilder(location.length());
        for (byte each : location.getBytes(StandardCharsets.ISO_8859_1)) {
            if (each < 0) {
                ascii.append(String.format("%%%02X", each & 0xff));
            } else {
                ascii.append((char) each);
            }
        }
        return ascii.toString();
    }

    /** Whether the next request has this one's method and body; otherwise it is a GET without one. */
    public static boolean keepsMethod(int status, String method) {
        return status == 307 || status == 308 || method.equals("GET") || method.equals("HEAD");
    }

    /** Whether a header describes the body, and goes when that does. */
    public static boolean describesBody(String header) {
        return header.equalsIgnoreCase("Content-Type")
                || header.equalsIgnoreCase("Content-Length")
                || header.equalsIgnoreCase("Transfer-Encoding");
    }

    /**
     * Refuses a hop with a body that goes to an origin other than the one that the caller addressed.
     *
     * @param length the body's; one of 0 bytes is no body, and negative means unknown
     */
    public static void requireBodyStays(EgressRequest hop, Origin callers, long length) throws EgressDeniedException {
        if (length == 0 || callers.equals(Origin.of(hop))) {
            return;
        }
        throw new EgressDeniedException(
                hop,
                new Denied(
                        ErrorCode.EGRESS_REDIRECT_REFUSED,
                        Reason.REDIRECT_WITH_BODY,
                        "a redirect from " + callers.host() + " would hand the request's body to another host",
                        null,
                        "address the other host directly, if it is meant to have the body"));
    }
}
