package dev.secureruntime.core.secret;

import dev.secureruntime.core.text.SecretMatcher;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.identity.ComponentId;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import dev.secureruntime.secret.SecretDecision;
import dev.secureruntime.secret.SecretDeniedException;
import dev.secureruntime.secret.SecretHandle;
import dev.secureruntime.secret.SecretSource;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Hands a secret only to the component that the policy entitles to it.
 *
 * <p>What holds: a component that is not entitled learns nothing, not even whether the secret exists. A secret that the
 * policy binds to hosts is never handed out; it is lent only to {@link #useForAttachment}. A source is read at each use and
 * nothing is cached, so a rotated secret is picked up and nothing is kept. Copies are overwritten, also by exception. What
 * does not: {@link ComponentId} is taken at its word here; the runtime checks the code behind it when it is claimed.
 *
 * <p>Thread-safe, as far as the sources are. On failure nothing is handed out.
 */
public final class SecretGuard {

    private static final int LONGEST_NAME_SHOWN = 100;

    private final Policy policy;
    private final Map<String, SecretSource> sources;
    private final BiConsumer<String, byte[]> onRead;

    /** A guard whose secrets all come from sources; see {@link #SecretGuard(Policy, Map, Set)}. */
    public SecretGuard(Policy policy, Map<String, SecretSource> sourcesFromCode) {
        this(policy, sourcesFromCode, Set.of());
    }

    /**
     * A guard, with every secret accounted for: a service that lacks one stops here and not at its first call.
     *
     * @param policy who may have what
     * @param sourcesFromCode sources given in code; each beats the policy's source of that name
     * @param issued the names of bound secrets that token issuers fill; their values never pass through this guard
     * @throws SecureRuntimeException {@code SR-RUNTIME-001} when a component is entitled to a secret that comes from
     *     nowhere, as a canary may not either, or that has both a source in code and an issuer, or an issuer and no host that it is bound to
     */
    public SecretGuard(Policy policy, Map<String, SecretSource> sourcesFromCode, Set<String> issued) {
        this(policy, sourcesFromCode, issued, (name, value) -> {});
    }

    /** A guard that shows each value it reads to {@code onRead}, which must not keep the array. */
    public SecretGuard(
            Policy policy,
            Map<String, SecretSource> sourcesFromCode,
            Set<String> issued,
            BiConsumer<String, byte[]> onRead) {
        this.policy = policy;
        this.onRead = onRead;
        Map<String, SecretSource> resolved = new HashMap<>();
        policy.components().forEach((component, entitled) -> {
            for (String name : entitled.secrets()) {
                if (issued.contains(name)) {
                    checkIssued(component, name, sourcesFromCode);
                } else {
                    resolved.put(name, resolve(entitled(component, name), name, sourcesFromCode));
                }
            }
        });
        policy.secrets().forEach((name, secret) -> {
            if (secret.isCanary()) {
                resolved.put(name, resolve("secret \"" + name + "\", a canary,", name, sourcesFromCode));
            }
        });
        this.sources = Map.copyOf(resolved);
    }

    /**
     * Reads every secret once, so that {@code onRead} knows them before anything happens.
     *
     * @return the names of those that could not be read; they are shown when they can be
     * @throws SecureRuntimeException {@code SR-SECRET-002} when a canary can't be read, or is too short to be looked for: nobody
     *     reads it later
     */
    public List<String> showAll() {
        List<String> unread = new ArrayList<>();
        sources.forEach((name, source) -> {
            try {
                byte[] value = source.read();
                if (isCanary(name) && (value == null || value.length < SecretMatcher.SHORTEST)) {
                    throw new IOException("shorter than " + SecretMatcher.SHORTEST + " bytes");
                }
                if (value != null && value.length > 0) {
                    onRead.accept(name, value);
                    Arrays.fill(value, (byte) 0);
                }
            } catch (IOException | RuntimeException e) {
                if (isCanary(name)) {
                    throw new SecureRuntimeException(
                            ErrorCode.SECRET_UNAVAILABLE,
                            "the canary \"" + name
                                    + "\" can't be looked for: its source can't be read, or holds less than "
                                    + SecretMatcher.SHORTEST + " bytes; mend it, or take the canary out of the policy");
                }
                // Not an error yet: whoever asks for the secret gets it, with its cause.
                unread.add(name);
            }
        });
        return unread;
    }

    /** Whether the component may open the secret. Asks only: no source is read. */
    public SecretDecision decide(ComponentId component, String name) {
        if (!entitled(component, name)) {
            return notEntitled(component, name);
        }
        if (attachOnly(name)) {
            return new SecretDecision.Denied(
                    ErrorCode.SECRET_ATTACH_ONLY,
                    "it is attached to requests by guarded HTTP and never handed out",
                    "send the request through the component's guarded client, or unbind it from its hosts under secrets."
                            + shown(name));
        }
        return new SecretDecision.Granted();
    }

    /**
     * Opens a secret. The handle holds the value as it is now; open it again after a rotation.
     *
     * @throws SecretDeniedException {@code SR-SECRET-001} when the component is not entitled to it, {@code SR-SECRET-002}
     *     when it can't be read or is empty, {@code SR-SECRET-003} when it is only ever attached to requests
     */
    public SecretHandle open(ComponentId component, String name) {
        if (decide(component, name) instanceof SecretDecision.Denied denied) {
            throw refusal(component, name, denied, null);
        }
        return new WipingSecretHandle(name, read(component, name));
    }

    /**
     * Lends the value of a bound secret, to be put into the header of a request that is about to leave. The guarded HTTP
     * wiring is the only caller there may be: it has checked the host against the attachment, and it alone sees the value.
     * The array is overwritten when {@code reader} returns or throws.
     *
     * @throws SecretDeniedException {@code SR-SECRET-001} when the component is not entitled to it or it is bound to no
     *     host, {@code SR-SECRET-002} when it can't be read, is empty, or can't be the value of a header
     */
    public <T, X extends Exception> T useForAttachment(
            ComponentId component, String name, SecretHandle.Reader<T, X> reader) throws X {
        if (!entitled(component, name)) {
            throw refusal(component, name, notEntitled(component, name), null);
        }
        if (!attachOnly(name)) {
            throw refusal(
                    component,
                    name,
                    new SecretDecision.Denied(
                            ErrorCode.SECRET_NOT_ENTITLED,
                            "it is bound to no host",
                            "bind it to hosts under secrets." + shown(name)),
                    null);
        }
        byte[] value = read(component, name);
        try {
            HeaderValue.fault(value).ifPresent(fault -> {
                throw unavailable(
                        component, name, "it can't be sent in a header: " + fault, "correct its source", null);
            });
            return reader.read(value);
        } finally {
            Arrays.fill(value, (byte) 0);
        }
    }

    private boolean entitled(ComponentId component, String name) {
        ComponentPolicy entitlements = policy.components().get(component.name());
        return entitlements != null && entitlements.secrets().contains(name);
    }

    private boolean isCanary(String name) {
        SecretPolicy secret = policy.secrets().get(name);
        return secret != null && secret.isCanary();
    }

    private boolean attachOnly(String name) {
        SecretPolicy secret = policy.secrets().get(name);
        return secret != null && secret.attachment().isPresent();
    }

    private byte[] read(ComponentId component, String name) {
        SecretSource source = sources.get(name);
        if (source == null) {
            throw unavailable(
                    component,
                    name,
                    "it has an issuer and no source",
                    "use the issuer's tokens, or give it a source",
                    null);
        }
        byte[] value;
        try {
            value = source.read();
        } catch (IOException e) {
            throw unavailable(component, name, "its source can't be read", "check its source", e);
        } catch (RuntimeException e) {
            // What a source throws unasked is bound by no contract: its message may hold the secret, so only its type
            // is
            // told.
            throw unavailable(
                    component,
                    name,
                    "its source failed with " + e.getClass().getName(),
                    "a source reports what it can't read as an IOException",
                    null);
        }
        if (value == null || value.length == 0) {
            throw unavailable(component, name, "its source gave nothing", "put the secret into its source", null);
        }
        onRead.accept(name, value);
        return value;
    }

    private SecretSource resolve(String subject, String name, Map<String, SecretSource> code) {
        SecretSource given = code.get(name);
        if (given != null) {
            return given;
        }
        SecretPolicy secret = policy.secrets().get(name);
        if (secret != null && secret.source().isPresent()) {
            return source(secret.source().get());
        }
        throw misconfigured(
                subject,
                "comes from nowhere",
                "give it a \"source\" under secrets." + name + " in " + policy.source()
                        + ", or call secret(\"" + name + "\", ...) or credential(\"" + name
                        + "\", ...) on the runtime's builder");
    }

    private static SecretSource source(SecretPolicy.Source source) {
        if (source instanceof SecretPolicy.Source.File file) {
            return new FileSecretSource(file.path());
        }
        return new EnvironmentSecretSource(((SecretPolicy.Source.Environment) source).variable());
    }

    private void checkIssued(String component, String name, Map<String, SecretSource> code) {
        if (code.containsKey(name)) {
            throw misconfigured(
                    entitled(component, name),
                    "has both a source and an issuer in code",
                    "call either secret(...) or credential(...) for it on the runtime's builder");
        }
        if (!attachOnly(name)) {
            throw misconfigured(
                    entitled(component, name),
                    "has an issuer, and is bound to no host",
                    "bind it to hosts under secrets." + name);
        }
    }

    private static SecretDecision.Denied notEntitled(ComponentId component, String name) {
        return new SecretDecision.Denied(
                ErrorCode.SECRET_NOT_ENTITLED,
                "the policy doesn't entitle it",
                "add \"" + shown(name) + "\" under components." + component.name() + ".secrets");
    }

    private static SecretDeniedException unavailable(
            ComponentId component, String name, String detail, String remedy, @Nullable Throwable cause) {
        return refusal(component, name, new SecretDecision.Denied(ErrorCode.SECRET_UNAVAILABLE, detail, remedy), cause);
    }

    private static SecretDeniedException refusal(
            ComponentId component, String name, SecretDecision.Denied denied, @Nullable Throwable cause) {
        return new SecretDeniedException(
                denied.code(),
                "component \"" + component.name() + "\" doesn't get secret \"" + shown(name) + "\": " + denied.detail()
                        + "; " + denied.remedy(),
                cause);
    }

    private static String entitled(String component, String name) {
        return "secret \"" + name + "\", which component \"" + component + "\" is entitled to,";
    }

    private static SecureRuntimeException misconfigured(String subject, String problem, String remedy) {
        return new SecureRuntimeException(ErrorCode.RUNTIME_MISCONFIGURED, subject + " " + problem + ": " + remedy);
    }

    /** A name as callers gave it, made fit for one line of a log. */
    private static String shown(String name) {
        String cut = name.length() > LONGEST_NAME_SHOWN ? name.substring(0, LONGEST_NAME_SHOWN) + "..." : name;
        return cut.replaceAll("[^\\x20-\\x7e]", "?");
    }
}
