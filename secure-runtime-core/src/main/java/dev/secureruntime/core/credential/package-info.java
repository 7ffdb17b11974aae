/**
 * Short-lived credentials: {@link dev.secureruntime.core.credential.RefreshingCredentialProvider} caches and renews, {@link
 * dev.secureruntime.core.credential.RefreshSchedule} says when, and {@link
 * dev.secureruntime.core.credential.CredentialEvent} is what is told of each issuance.
 */
@NullMarked
package dev.secureruntime.core.credential;

import org.jspecify.annotations.NullMarked;
