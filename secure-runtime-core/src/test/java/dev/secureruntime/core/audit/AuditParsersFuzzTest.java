package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;

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
}
