/**
 * The question that an egress decision answers, its answer, and the refusal that a caller sees.
 */
@NullMarked
package dev.secureruntime.egress;

import org.jspecify.annotations.NullMarked;
