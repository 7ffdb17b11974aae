/**
 * Benchmarks of the search for secrets in what leaves.
 */
@NullMarked
package dev.secureruntime.benchmarks.secret;

import org.jspecify.annotations.NullMarked;
