package dev.secureruntime.core.audit.format;

/** Says where a line stops being a record and what was expected there. Without a stack trace: it is data, not a defect. */
public final class MalformedRecordException extends Exception {

    private static final long serialVersionUID = 1L;

    MalformedRecordException(String expected, int offset) {
        super(expected + " at byte " + offset + " of the line", null, false, false);
    }
}
