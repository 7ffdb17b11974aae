package dev.secureruntime.identity;

/**
 * A component: its name in the policy, and the code that claimed that name. The name alone is no identity.
 *
 * @param name the name under {@code components} in the policy
 * @param code the code that claimed it
 */
public record ComponentId(String name, CodeIdentity code) {

    @Override
    public String toString() {
        return name + " (" + code.label() + ")";
    }
}
