/**
 * Guarded HTTP for Apache HttpClient 5: {@link dev.secureruntime.core.apache.GuardedApache} is the way in, {@link
 * dev.secureruntime.core.apache.Generation#open} the one place that opens a connection.
 */
@NullMarked
package dev.secureruntime.core.apache;

import org.jspecify.annotations.NullMarked;
