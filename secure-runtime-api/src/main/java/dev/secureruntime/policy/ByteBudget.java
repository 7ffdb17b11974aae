package dev.secureruntime.policy;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How many bytes a component may send to a host, or to all hosts together, within a window of time.
 *
 * <p>Counted are the bytes that are written to the component's sockets: TLS records with their handshakes, HTTP framing,
 * headers and bodies; not the headers of TCP and IP, and not the look-up of names. The window slides: no span of time as long
 * as {@code window} sees more than {@code bytes}. A pattern {@code *.suffix} has one budget for all names below the suffix
 * together. Several budgets may cover one host; each of them must have room.
 *
 * @param host the exact host or {@code *.suffix}; null for everything that the component sends, addresses included
 * @param bytes the most that may be sent within the window, from 1
 * @param window the window, from one second to 31 days
 */
public record ByteBudget(@Nullable String host, long bytes, Duration window) {

    private static final Duration SHORTEST = Duration.ofSeconds(1);
    private static final Duration LONGEST = Duration.ofDays(31);

    public ByteBudget {
        host = host == null ? null : HostPattern.require(host);
        if (bytes < 1) {
            throw new IllegalArgumentException("a budget is at least 1 byte, not " + bytes);
        }
        if (window.compareTo(SHORTEST) < 0 || window.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("a window lasts from 1 second (PT1S) to 31 days (P31D), not " + window);
        }
    }

    /** A budget for an exact host, or for all names below a {@code *.suffix} together. */
    public static ByteBudget of(String host, long bytes, Duration window) {
        return new ByteBudget(HostPattern.require(host), bytes, window);
    }

    /** A budget for everything that the component sends. */
    public static ByteBudget ofAll(long bytes, Duration window) {
        return new ByteBudget(null, bytes, window);
    }

    /** The host or {@code *.suffix}; empty for everything. */
    public Optional<String> pattern() {
        return Optional.ofNullable(host);
    }

    /** Whether bytes sent to a host, in lower case, count towards this budget. */
    public boolean covers(String target) {
        if (host == null) {
            return true;
        }
        return host.startsWith("*.")
                ? target.length() > host.length() - 1 && target.endsWith(host.substring(1))
                : target.equals(host);
    }

    /** The budget in words, for example {@code budget of 1048576 bytes in PT1H for api.openai.com}. */
    public String describe() {
        return "budget of " + bytes + " bytes in " + window + (host == null ? " for everything" : " for " + host);
    }
}
