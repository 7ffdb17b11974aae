/** Guarded HTTP for OkHttp: {@link dev.secureruntime.core.okhttp.GuardedOkHttp} is the way in, {@link dev.secureruntime.core.okhttp.HardenedClient#build} the list of layers. */
@NullMarked
package dev.secureruntime.core.okhttp;

import org.jspecify.annotations.NullMarked;
