/**
 * Secrets: {@link dev.secureruntime.core.secret.SecretGuard} decides who may read which, the sources read them, and a
 * handle that wipes itself lends them.
 *
 * <p>The guard decides; what it decided is recorded by whoever wires it to the audit log.
 */
@NullMarked
package dev.secureruntime.core.secret;

import org.jspecify.annotations.NullMarked;
