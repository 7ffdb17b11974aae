/** Guarded HTTP for the AWS SDK v2, on {@code core.apache}: {@link dev.secureruntime.core.awssdk.GuardedAwsHttp} is the way in. */
@NullMarked
package dev.secureruntime.core.awssdk;

import org.jspecify.annotations.NullMarked;
