package dev.secureruntime.core;

import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;

/** What a policy says, as one hash: two policies that say the same have the same one. Each part is preceded by its length. */
final class PolicyDigest {

    private final MessageDigest digest;

    private PolicyDigest() {
        try {
            this.digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    static String of(Policy policy) {
        PolicyDigest said = new PolicyDigest();
        said.count(policy.components().size());
        new TreeMap<>(policy.components()).forEach((name, component) -> {
            said.text(name);
            said.component(component);
        });
        said.count(policy.secrets().size());
        new TreeMap<>(policy.secrets()).forEach((name, secret) -> {
            said.text(name);
            said.secret(secret);
        });
        said.count(policy.categories().size());
        new TreeMap<>(policy.categories()).forEach((name, category) -> {
            said.text(name);
            said.text(category.kind().name());
            said.text(category.hosts().sha256());
        });
        said.texts(policy.breakGlass().stream().map(BreakGlass::digest).toList());
        return HexFormat.of().formatHex(said.digest.digest());
    }

    private void component(ComponentPolicy component) {
        rules(component.allow());
        rules(component.deny());
        texts(component.secrets());
        text(component.mode().name());
        text(component.onManyNames().name());
        texts(component.budgets());
    }

    private void rules(List<EgressRule> rules) {
        count(rules.size());
        for (EgressRule rule : rules) {
            text(rule.describe());
            texts(rule.scope().ports());
            texts(rule.scope().schemes());
            texts(rule.scope().methods());
            texts(rule.scope().paths());
        }
    }

    private void secret(SecretPolicy secret) {
        text(secret.source().map(Object::toString).orElse(""));
        text(secret.isCanary() ? "canary" : "");
        texts(secret.sendTo());
        texts(secret.attachment()
                .map(bound -> List.of(
                        bound.hosts().stream()
                                .map(Object::toString)
                                .sorted()
                                .toList()
                                .toString(),
                        bound.header(),
                        bound.prefix()))
                .orElse(List.of()));
    }

    /** A set: its order says nothing. */
    private void texts(Collection<?> texts) {
        count(texts.size());
        texts.stream().map(Object::toString).sorted().forEach(this::text);
    }

    private void text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        count(bytes.length);
        digest.update(bytes);
    }

    private void count(int count) {
        digest.update(new byte[] {(byte) (count >>> 24), (byte) (count >>> 16), (byte) (count >>> 8), (byte) count});
    }
}
