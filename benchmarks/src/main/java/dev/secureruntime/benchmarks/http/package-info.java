/** What a guarded call costs beside a bare one. */
@NullMarked
package dev.secureruntime.benchmarks.http;

import org.jspecify.annotations.NullMarked;
