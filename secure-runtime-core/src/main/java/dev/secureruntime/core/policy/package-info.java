/**
 * Reads policy files. {@link dev.secureruntime.core.policy.PolicyReader} is the way in; behind it, a tree of nodes with
 * their places ({@code Node}) is built from JSON ({@code NodeReader}) or YAML ({@code YamlSyntax}, touched only when the
 * optional library is there) and interpreted ({@code PolicyInterpreter}, {@code EgressInterpreter},
 * {@code SecretInterpreter}).
 */
@NullMarked
package dev.secureruntime.core.policy;

import org.jspecify.annotations.NullMarked;
