/**
 * Small text algorithms that several features need, free of any feature's types.
 */
@NullMarked
package dev.secureruntime.core.text;

import org.jspecify.annotations.NullMarked;
