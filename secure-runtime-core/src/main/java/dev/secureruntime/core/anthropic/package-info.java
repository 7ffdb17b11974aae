/** Guarded HTTP for {@code anthropic-java}, which has no place to hand it an OkHttp client. */
@NullMarked
package dev.secureruntime.core.anthropic;

import org.jspecify.annotations.NullMarked;
