package dev.secureruntime.core.policy;

import dev.secureruntime.core.policy.Node.Place;
import dev.secureruntime.core.text.NearestName;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.util.Collection;

/**
 * The errors of one policy file, each with file, line and column. Causes are never attached: a parser's own message may
 * quote the file, and what was pasted into the wrong file may be a secret.
 */
final class PolicyErrors {

    private final String file;

    PolicyErrors(String file) {
        this.file = file;
    }

    SecureRuntimeException unreadable(String why) {
        return new SecureRuntimeException(ErrorCode.POLICY_UNREADABLE, file + ": " + why);
    }

    SecureRuntimeException unreadable(Place at, String why) {
        return new SecureRuntimeException(ErrorCode.POLICY_UNREADABLE, prefix(at) + why);
    }

    SecureRuntimeException malformed(Place at, String why) {
        return new SecureRuntimeException(ErrorCode.POLICY_MALFORMED, prefix(at) + why);
    }

    SecureRuntimeException invalid(Place at, String why) {
        return new SecureRuntimeException(ErrorCode.POLICY_INVALID_VALUE, prefix(at) + why);
    }

    SecureRuntimeException unknownMember(Place at, String name, String path, Collection<String> expected) {
        String nearest = NearestName.of(name, expected)
                .map(known -> "; did you mean \"" + known + "\"?")
                .orElse("");
        return unknownMember(at, name, path, expected, nearest);
    }

    SecureRuntimeException unknownMember(Place at, String name, String path, Collection<String> expected, String hint) {
        return new SecureRuntimeException(
                ErrorCode.POLICY_UNKNOWN_MEMBER,
                prefix(at) + "unknown member \"" + shown(name) + "\" in " + path + "; expected one of "
                        + String.join(", ", expected) + hint);
    }

    /** A name as it may be printed: short, and without control characters. */
    static String shown(String name) {
        StringBuilder text = new StringBuilder();
        name.codePoints()
                .limit(64)
                .forEach(c -> text.appendCodePoint(
                        Character.isISOControl(c) || Character.getType(c) == Character.FORMAT || c == '"' ? '?' : c));
        return name.codePointCount(0, name.length()) > 64 ? text + "..." : text.toString();
    }

    /** The message of a check of the model, cut short and without control characters. */
    static String shownMessage(IllegalArgumentException failure) {
        String message = String.valueOf(failure.getMessage());
        StringBuilder text = new StringBuilder();
        message.codePoints()
                .limit(400)
                .forEach(c -> text.appendCodePoint(
                        Character.isISOControl(c) || Character.getType(c) == Character.FORMAT ? '?' : c));
        return text.toString();
    }

    private String prefix(Place at) {
        return file + ":" + at.line() + ":" + at.column() + ": ";
    }
}
