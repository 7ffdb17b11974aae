package dev.secureruntime.core;

import dev.secureruntime.audit.Attribute;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.Commitment;
import dev.secureruntime.core.audit.SecretCheck;
import dev.secureruntime.core.text.SecretMatcher;
import dev.secureruntime.credential.Credential;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The secrets that this runtime has seen, as what must not get into records, nor leave for where it doesn't belong: static ones as they are read, leased ones as
 * they are issued. It knows them by their matcher, which keeps no copy.
 *
 * <p>Thread-safe.
 */
final class SecretWatch implements SecretCheck {

    /** What stands in a record of the runtime's own where a registered secret stood. */
    static final String MARKER = "[redacted: registered secret]";

    /** The attribute that names what was redacted. */
    static final String REDACTED = "secure_runtime.redacted";

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");
    private static final int KEPT_VALUES = 8;
    private static final long EIGHT_DIGITS = 10_000_000;

    private final SecretMatcher matcher = new SecretMatcher();
    private final Map<String, SecretMatcher.Slot> slots = new ConcurrentHashMap<>();
    private final Map<SecretMatcher.Slot, Known> known = new ConcurrentHashMap<>();
    private final Set<String> tooShort = ConcurrentHashMap.newKeySet();

    /**
     * Whose a value is.
     *
     * @param name the secret's name in the policy, or the scope of a credential
     * @param leasedBy the component that asked for the credential itself; null when the name is one of the policy's
     */
    record Known(String name, @Nullable String leasedBy) {}

    /** Looks for the value of the secret {@code name} from now on, and for the ones before it. */
    void remember(String name, byte[] value) {
        tell(name, slots.computeIfAbsent(name, first -> slot(KEPT_VALUES, new Known(name, null))), value);
    }

    /** A place for the credentials of one provider. */
    SecretMatcher.Slot lease(Known whose) {
        return slot(2 * KEPT_VALUES, whose);
    }

    private SecretMatcher.Slot slot(int keep, Known whose) {
        SecretMatcher.Slot slot = matcher.slot(keep);
        known.put(slot, whose);
        return slot;
    }

    /** What finds the values, as slots. */
    SecretMatcher matcher() {
        return matcher;
    }

    /** Whose the slots' values are. */
    Set<Known> known(Set<SecretMatcher.Slot> found) {
        return found.stream()
                .map(slot -> known.getOrDefault(slot, new Known("unknown", null)))
                .collect(Collectors.toSet());
    }

    /** Looks for the secret parts of a credential from now on. */
    void remember(String scope, SecretMatcher.Slot lease, Credential credential) {
        credential.lendSecrets(part -> tell(scope, lease, part));
    }

    private void tell(String name, SecretMatcher.Slot slot, byte[] value) {
        if (slot.remember(value) == SecretMatcher.Outcome.TOO_SHORT && tooShort.add(name)) {
            LOG.warn("\"{}\" is shorter than eight bytes: records and requests are not searched for it", name);
        }
    }

    @Override
    public boolean occursIn(byte[] content) {
        return matcher.occursIn(content);
    }

    @Override
    public boolean occursIn(AuditEvent event) {
        if (matcher.isEmpty()) {
            return false;
        }
        if (matcher.occursIn(event.type())
                || event.component().isPresent()
                        && matcher.occursIn(event.component().get())) {
            return true;
        }
        for (Map.Entry<String, Attribute> attribute : event.attributes().entrySet()) {
            if (matcher.occursIn(attribute.getKey()) || occursIn(attribute.getValue())) {
                return true;
            }
        }
        for (Map.Entry<String, Commitment> commitment : event.commitments().entrySet()) {
            if (matcher.occursIn(commitment.getKey()) || occursIn(commitment.getValue())) {
                return true;
            }
        }
        return false;
    }

    private boolean occursIn(List<String> texts) {
        for (String text : texts) {
            if (matcher.occursIn(text)) {
                return true;
            }
        }
        return false;
    }

    private boolean occursIn(Commitment commitment) {
        return matcher.occursIn(commitment.sha256().getBytes(StandardCharsets.UTF_8)); // another one each time
    }

    private boolean occursIn(Attribute value) {
        if (value instanceof Attribute.Text text) {
            return matcher.occursIn(text.value());
        }
        if (value instanceof Attribute.Texts texts) {
            return occursIn(texts.values());
        }
        if (value instanceof Attribute.Whole whole) {
            return (whole.value() >= EIGHT_DIGITS || whole.value() <= -EIGHT_DIGITS)
                    && matcher.occursIn(Long.toString(whole.value()));
        }
        return value instanceof Attribute.Decimal decimal && matcher.occursIn(Double.toString(decimal.value()));
    }

    /** The same event, with {@link #MARKER} in place of each value that holds a registered secret. */
    AuditEvent redacted(AuditEvent event) {
        List<String> redacted = new ArrayList<>();
        AuditEvent.Builder copy = event.toBuilder();
        event.component().filter(matcher::occursIn).ifPresent(name -> {
            copy.component(MARKER);
            redacted.add("component");
        });
        event.attributes().forEach((name, value) -> {
            if (occursIn(value)) {
                copy.attribute(name, redacted(value));
                redacted.add(name);
            }
        });
        return redacted.isEmpty() ? event : copy.attribute(REDACTED, redacted).build();
    }

    private Attribute redacted(Attribute value) {
        if (value instanceof Attribute.Texts texts) {
            return new Attribute.Texts(texts.values().stream()
                    .map(text -> matcher.occursIn(text) ? MARKER : text)
                    .toList());
        }
        return new Attribute.Text(MARKER);
    }
}
