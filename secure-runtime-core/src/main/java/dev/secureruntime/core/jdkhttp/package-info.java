/**
 * Guarded HTTP for {@code java.net.http}: {@link dev.secureruntime.core.jdkhttp.GuardedJdkHttp} is the way in, {@link
 * dev.secureruntime.core.jdkhttp.GuardedSend} one call, {@link dev.secureruntime.core.jdkhttp.Relay} what connects.
 */
@NullMarked
package dev.secureruntime.core.jdkhttp;

import org.jspecify.annotations.NullMarked;
