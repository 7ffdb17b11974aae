package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.InclusionProof;
import dev.secureruntime.core.audit.format.MalformedRecordException;
import dev.secureruntime.core.audit.format.PlainRecordMatcher;
import dev.secureruntime.core.audit.format.RecordParser;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.StoredRecord;
import dev.secureruntime.core.audit.format.VerifierKey;

/** Fuzz targets for the parsers of untrusted bytes; in a normal build they run on the seeds only. */
class AuditParsersFuzzTest {

    @FuzzTest(maxDuration = "60s")
    void parse_anyBytesAsRecord_acceptedOrMalformed(byte[] bytes) {
        RecordParser parser = new RecordParser();
        try {
            parser.parse(bytes, 0, bytes.length);
        } catch (MalformedRecordException e) {
            return;
        }
        StoredRecord record = parser.record();
        assertThat(record.seq()).isNotNegative();
        assertThat(record.type()).isNotEmpty();
    }

    @FuzzTest(maxDuration = "60s")
    void parse_anyBytesAsRetired_printsBackOrRefused(byte[] bytes) {
        try {
            assertThat(RetiredHead.parse(bytes).bytes()).isEqualTo(bytes);
        } catch (IllegalArgumentException e) {
            assertThat(e.getMessage()).isNotEmpty();
        }
    }

    @FuzzTest(maxDuration = "60s")
    void parse_anyBytesAsNote_printsBackOrRefused(byte[] bytes) {
        try {
            SignedNote note = SignedNote.parse(bytes);
            assertThat(note.bytes()).isEqualTo(bytes);
            assertThat(Checkpoint.parse(note.text()).text()).isEqualTo(note.text());
        } catch (IllegalArgumentException e) {
            assertThat(e.getMessage()).isNotEmpty();
        }
    }

    @FuzzTest(maxDuration = "60s")
    void parse_anyBytesAsSealedContent_printsBackOrNoEntry(byte[] bytes) {
        ContentEntry entry = ContentEntry.parse(bytes);
        if (entry != null) {
            assertThat(java.util.Arrays.copyOfRange(entry.bytes(), Integer.BYTES, Integer.BYTES + bytes.length))
                    .isEqualTo(bytes);
        }
    }

    /** The bytes stand twice, as two lines of a chunk, so that the second is compared with the first. */
    @FuzzTest(maxDuration = "60s")
    void match_anyBytesAsRecord_neverMoreThanTheParser(byte[] bytes) {
        byte[] buffer = new byte[2 * bytes.length + 3 + PlainRecordMatcher.SLACK];
        System.arraycopy(bytes, 0, buffer, 1, bytes.length);
        buffer[bytes.length + 1] = '\n';
        System.arraycopy(bytes, 0, buffer, bytes.length + 2, bytes.length);
        buffer[2 * bytes.length + 2] = '\n';
        PlainRecordMatcher matcher = new PlainRecordMatcher();
        matcher.reset(buffer);
        for (int from : new int[] {1, bytes.length + 2}) {
            int end = matcher.match(from);
            if (end < 0) {
                continue;
            }
            RecordParser parser = new RecordParser();
            try {
                parser.parse(buffer, from, end - from);
            } catch (MalformedRecordException e) {
                throw new AssertionError("the parser refuses what the matcher accepts", e);
            }
            assertThat(matcher.seq()).isEqualTo(parser.seq());
            assertThat(matcher.prevFrom()).isEqualTo(parser.prevFrom());
        }
    }

    @FuzzTest(maxDuration = "60s")
    void parse_anyBytesAsDisclosure_printsBackOrRefused(byte[] bytes) {
        try {
            Disclosure disclosure = Disclosure.parse(bytes);
            assertThat(disclosure.field()).isNotEmpty();
        } catch (IllegalArgumentException e) {
            assertThat(e.getMessage()).isNotEmpty();
        }
    }

    @FuzzTest(maxDuration = "60s")
    void parse_anyBytesAsProof_acceptedOrRefused(byte[] bytes) {
        try {
            assertThat(InclusionProof.parse(bytes)).isNotNull();
        } catch (IllegalArgumentException e) {
            assertThat(e.getMessage()).isNotEmpty();
        }
    }

    @FuzzTest(maxDuration = "60s")
    void parse_anyBytesAsKey_printsBackOrRefused(byte[] bytes) {
        String text = new String(bytes, java.nio.charset.StandardCharsets.UTF_8);
        try {
            assertThat(VerifierKey.parse(text).toString()).isEqualTo(text);
        } catch (IllegalArgumentException e) {
            assertThat(e.getMessage()).isNotEmpty();
        }
    }

    @FuzzTest(maxDuration = "60s")
    void parse_anyBytesAsDescription_acceptedOrRefused(byte[] bytes) {
        try {
            assertThat(LogDescription.parse(bytes).origin()).isNotEmpty();
        } catch (IllegalArgumentException e) {
            assertThat(e.getMessage()).isNotEmpty();
        }
    }
}
