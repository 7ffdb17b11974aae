/** Reads model, token usage and tool names from model traffic as it passes, in constant memory. */
@NullMarked
package dev.secureruntime.core.genai;

import org.jspecify.annotations.NullMarked;
