/** Adds up what a log says, in constant memory, for people who read reports. It verifies nothing. */
@NullMarked
package dev.secureruntime.core.report;

import org.jspecify.annotations.NullMarked;
