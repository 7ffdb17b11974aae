/**
 * The format {@code secure-runtime-audit/1} as values: record, tree, signed note, checkpoint, keys that verify, proofs and tiles.
 *
 * <p>What a log means is decided here, byte by byte, and nothing else happens here: no file, no network, no clock, no private
 * key. Each form has one file that reads and prints it; only a record, which is written a million times, has a file for each
 * ({@code RecordEncoder}, {@code RecordParser}). Everything that reads takes untrusted bytes.
 */
@NullMarked
package dev.secureruntime.core.audit.format;

import org.jspecify.annotations.NullMarked;
