package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.audit.Attribute;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.Commitment;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.MalformedRecordException;
import dev.secureruntime.core.audit.format.RecordEncoder;
import dev.secureruntime.core.audit.format.RecordParser;
import dev.secureruntime.core.audit.format.StoredRecord;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;

class RecordRoundTripTest {

    private final RecordEncoder encoder = new RecordEncoder();
    private final RecordParser parser = new RecordParser();
    private final byte[] buffer = new byte[RecordEncoder.ROOM];

    @Provide
    Arbitrary<Attribute> attributes() {
        Arbitrary<String> texts = Arbitraries.strings().ofMaxLength(40);
        return Arbitraries.oneOf(
                texts.map(Attribute.Text::new),
                Arbitraries.longs().map(Attribute.Whole::new),
                Arbitraries.doubles().map(Attribute.Decimal::new),
                Arbitraries.of(true, false).map(Attribute.Flag::new),
                texts.list().ofMaxSize(4).map(Attribute.Texts::new));
    }

    @Provide
    Arbitrary<AuditEvent> events() {
        Arbitrary<String> types =
                Arbitraries.strings().withCharRange('a', 'z').ofMinLength(1).ofMaxLength(9);
        Arbitrary<Map<String, Attribute>> attributes = Arbitraries.maps(
                        Arbitraries.strings().ofMaxLength(20), attributes())
                .ofMaxSize(25);
        Arbitrary<Map<String, Commitment>> commitments = Arbitraries.maps(
                        Arbitraries.strings().ofMaxLength(20),
                        Arbitraries.longs().greaterOrEqual(0).map(n -> new Commitment(n, "0f".repeat(32))))
                .ofMaxSize(20);
        return Combinators.combine(types, Arbitraries.strings().injectNull(0.3), attributes, commitments)
                .as((type, component, named, committed) -> {
                    AuditEvent.Builder event = AuditEvent.of(type + "." + type);
                    if (component != null) {
                        event.component(component);
                    }
                    named.forEach(event::attribute);
                    committed.forEach(event::commitment);
                    return event.build();
                });
    }

    @Property(tries = 500)
    void encode_anyEvent_parsesBackToTheSame(
            @ForAll("events") AuditEvent event,
            @ForAll @LongRange(min = 0) long seq,
            @ForAll @LongRange(min = 0, max = 250_000_000_000L) long second,
            @ForAll @IntRange(max = 999_999) int micros)
            throws MalformedRecordException {
        Instant time = Instant.ofEpochSecond(second, micros * 1_000L);
        int end;
        try {
            end = encoder.encode(buffer, 0, seq, time, event);
        } catch (SecureRuntimeException e) {
            // Random strings may hold unpaired surrogates; then, and only then, the event is refused.
            assertThat(e.code()).isEqualTo(ErrorCode.AUDIT_RECORD_REJECTED);
            assertThat(e.getMessage()).contains("surrogate");
            return;
        }
        Hex.write(new byte[32], buffer, RecordEncoder.prevOffset(end));
        parser.parse(buffer, 0, end - 1);

        StoredRecord record = parser.record();
        assertThat(buffer[end - 1]).isEqualTo((byte) '\n');
        assertThat(record.seq()).isEqualTo(seq);
        assertThat(record.time()).isEqualTo(time);
        assertThat(record.type()).isEqualTo(event.type());
        assertThat(record.component()).isEqualTo(event.component());
        assertThat(List.copyOf(record.attributes().entrySet()))
                .isEqualTo(List.copyOf(event.attributes().entrySet()));
        assertThat(List.copyOf(record.commitments().entrySet()))
                .isEqualTo(List.copyOf(event.commitments().entrySet()));
    }

    @Property(tries = 300)
    void encode_eventsThatComeAgain_areWrittenAsByAnEncoderThatNeverSawThem(
            @ForAll("events") AuditEvent first, @ForAll("events") AuditEvent second) {
        for (int round = 0; round < 4; round++) {
            for (AuditEvent event : List.of(first, second)) {
                assertThat(line(encoder, event)).isEqualTo(line(new RecordEncoder(), event));
            }
        }
    }

    /** The line, behind and in front of other bytes; or why it was refused. */
    private String line(RecordEncoder by, AuditEvent event) {
        byte[] target = new byte[RecordEncoder.ROOM + 7];
        Arrays.fill(target, (byte) '#');
        try {
            int end = by.encode(target, 7, 1_234_567, Instant.EPOCH, event);
            return new String(target, 0, end, StandardCharsets.ISO_8859_1);
        } catch (SecureRuntimeException e) {
            return e.getMessage();
        }
    }

    @Example
    void encode_namesAndTextsWithOneHash_areNotTakenForEachOther() {
        assertThat("Aa").hasSameHashCodeAs("BB");
        for (int round = 0; round < 4; round++) {
            for (String text : List.of("Aa", "BB")) {
                AuditEvent event = AuditEvent.of(text)
                        .component(text)
                        .attribute(text, text)
                        .build();
                assertThat(line(encoder, event))
                        .contains("\"type\":\"%1$s\",\"component\":\"%1$s\",\"attributes\":{\"%1$s\":\"%1$s\"}"
                                .formatted(text));
            }
        }
    }

    @Example
    void encode_sizesAroundTheLimit_areTheSameForTextsThatCameBefore() {
        Set<Boolean> fitted = new HashSet<>();
        for (int filler = 65_200; filler < 65_300; filler++) {
            AuditEvent event = AuditEvent.of("large")
                    .attribute("filler", "x".repeat(filler))
                    .attribute("a.name.that.comes.again", "and its text")
                    .attribute("another.name.that.comes.again", "another text")
                    .build();
            String fresh = line(new RecordEncoder(), event);
            for (int round = 0; round < 7; round++) {
                assertThat(line(encoder, event)).isEqualTo(fresh);
            }
            fitted.add(fresh.endsWith("}\n"));
        }
        assertThat(fitted).containsExactlyInAnyOrder(true, false);
    }

    @Property(tries = 500)
    void encode_valuesThatStayAndChange_asAFreshEncoder(
            @ForAll @Size(max = 40) List<@IntRange(max = 5) Integer> choices) {
        // Two of them have the same hash, one is too long to be remembered.
        List<String> values = List.of("Aa", "BB", "", "\"q\"", "\u00e9", "x".repeat(60));
        RecordEncoder old = new RecordEncoder();
        for (int choice : choices) {
            for (int times = 0; times <= choice; times++) {
                AuditEvent event = AuditEvent.of("type")
                        .attribute("first", values.get(choice))
                        .attribute("number", choice)
                        .attribute("a.name.that.takes.more.than.thirty.two.bytes", values.get(choices.get(0)))
                        .build();
                assertThat(line(old, event)).isEqualTo(line(new RecordEncoder(), event));
            }
        }
    }

    @Property(tries = 2_000)
    void parse_anyOneByteChanged_refusedOrStillARecord(
            @ForAll("events") AuditEvent event, @ForAll @IntRange(min = 0) int place, @ForAll byte value) {
        int end;
        try {
            end = encoder.encode(buffer, 0, 5, Instant.EPOCH, event);
        } catch (SecureRuntimeException e) {
            return;
        }
        Hex.write(new byte[32], buffer, RecordEncoder.prevOffset(end));
        buffer[place % (end - 1)] = value;
        try {
            parser.parse(buffer, 0, end - 1);
        } catch (MalformedRecordException e) {
            return;
        }
        // What the parser accepts, the reader of values reads.
        assertThat(parser.record().type()).isNotEmpty();
    }
}
