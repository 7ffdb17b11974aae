/**
 * The audit log in the format {@code secure-runtime-audit/1}: the writer, the files, and the verifier.
 *
 * <p>The way of a record: {@link dev.secureruntime.core.audit.HashChainedAuditLog} hands it to the append queue, which gives
 * it its index and encodes it in place; the log writer, one thread, chains the lines and writes them to the segment; the
 * sealer forces them, reads them back, and signs a checkpoint over the tree. The way of a verification: the log scan walks
 * segments and checkpoints side by side, once, and {@link dev.secureruntime.core.audit.AuditLogVerifier} makes a verdict of
 * what it found. What the bytes mean stands in {@code format}; files, keys that sign, and threads are here.
 */
@NullMarked
package dev.secureruntime.core.audit;

import org.jspecify.annotations.NullMarked;
