/**
 * Benchmarks of the egress decision beside other ways to match a host against many rules.
 */
@NullMarked
package dev.secureruntime.benchmarks.egress;

import org.jspecify.annotations.NullMarked;
