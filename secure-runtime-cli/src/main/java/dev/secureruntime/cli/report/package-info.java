/** One HTML file about a log, which checks itself in the reader's browser. Presentation only: it decides nothing. */
@NullMarked
package dev.secureruntime.cli.report;

import org.jspecify.annotations.NullMarked;
