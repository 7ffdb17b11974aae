/**
 * The {@code secure-runtime} command. One class per command; what they do lives in core.
 */
@NullMarked
package dev.secureruntime.cli;

import org.jspecify.annotations.NullMarked;
