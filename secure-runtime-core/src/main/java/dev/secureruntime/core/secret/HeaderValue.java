package dev.secureruntime.core.secret;

import java.util.Optional;

/**
 * Whether bytes can be sent as the value of an HTTP header and arrive unchanged (RFC 9110, section 5.5): printable ASCII
 * that doesn't begin or end with a space. A line break would end the header and begin another one of the secret's own.
 */
final class HeaderValue {

    private HeaderValue() {}

    /** What is wrong with the value, in words that don't show any of it; empty when it is fine. */
    static Optional<String> fault(byte[] value) {
        for (byte b : value) {
            if (b == '\r' || b == '\n') {
                return Optional.of("it contains a line break");
            }
            if (b == 0) {
                return Optional.of("it contains a NUL byte");
            }
            if (b < 0) {
                return Optional.of("it contains a byte that is not ASCII");
            }
            if (b < ' ' || b == 0x7f) {
                return Optional.of("it contains a control character");
            }
        }
        if (value.length > 0 && (value[0] == ' ' || value[value.length - 1] == ' ')) {
            return Optional.of("it begins or ends with a space");
        }
        return Optional.empty();
    }
}
