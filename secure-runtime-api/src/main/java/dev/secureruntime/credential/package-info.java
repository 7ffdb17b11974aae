/**
 * Short-lived credentials: the issuer asked, the provider that caches and renews, the values handed out.
 */
@NullMarked
package dev.secureruntime.credential;

import org.jspecify.annotations.NullMarked;
