package dev.secureruntime.core.audit;

import dev.secureruntime.audit.VerificationResult.FirstBad;
import java.util.OptionalLong;

/** Ends a scan at the first place where a log is wrong. Without a stack trace: it is data, not a defect. */
final class LogFault extends Exception {

    private static final long serialVersionUID = 1L;

    private final long seq;
    private final String file;
    private final long offset;
    private final String reason;

    LogFault(long seq, String file, long offset, String reason) {
        super(reason, null, false, false);
        this.seq = seq;
        this.file = file;
        this.offset = offset;
        this.reason = reason;
    }

    FirstBad firstBad() {
        return new FirstBad(OptionalLong.of(seq), file, offset, reason);
    }
}
