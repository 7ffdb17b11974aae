/**
 * The audit log: what is recorded, what a caller can wait for, and what a verification says.
 */
@NullMarked
package dev.secureruntime.audit;

import org.jspecify.annotations.NullMarked;
