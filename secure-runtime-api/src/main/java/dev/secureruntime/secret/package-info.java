/**
 * Secrets: where they come from, who may read them, and the handle through which they are read.
 */
@NullMarked
package dev.secureruntime.secret;

import org.jspecify.annotations.NullMarked;
