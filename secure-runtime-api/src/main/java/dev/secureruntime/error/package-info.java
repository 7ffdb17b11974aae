/**
 * The error codes and the root of the unchecked errors.
 */
@NullMarked
package dev.secureruntime.error;

import org.jspecify.annotations.NullMarked;
