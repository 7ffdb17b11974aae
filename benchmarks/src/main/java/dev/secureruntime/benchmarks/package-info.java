/**
 * Measurements, each beside the limit that the machine sets, taken in the same run: figures are ratios.
 */
@NullMarked
package dev.secureruntime.benchmarks;

import org.jspecify.annotations.NullMarked;
