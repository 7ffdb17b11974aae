package dev.secureruntime.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class AuditEventTest {

    @Test
    void build_thenBuilderUsedOn_eachEventKeepsWhatItHad() {
        AuditEvent.Builder builder =
                AuditEvent.of("tool.call").attribute("a", 1).content("c", new byte[] {1});
        AuditEvent first = builder.build();
        Commitment committed = first.commitments().get("c");
        AuditEvent second = builder.attribute("a", 2).attribute("b", 3).build();
        AuditEvent third =
                builder.commitment("c", Commitment.to("c", new byte[] {2})).build();

        assertThat(List.of(first, second, third))
                .extracting(event -> event.attributes().toString())
                .containsExactly(
                        "{a=Whole[value=1]}",
                        "{a=Whole[value=2], b=Whole[value=3]}",
                        "{a=Whole[value=2], b=Whole[value=3]}");
        assertThat(first.commitments()).containsEntry("c", committed);
        assertThat(first.openings()).containsOnlyKeys("c");
        assertThat(second.openings()).containsOnlyKeys("c");
        assertThat(third.commitments().get("c")).isNotEqualTo(committed);
        assertThat(third.openings()).isEmpty();
    }

    @Test
    void maps_ofAnEvent_cannotBeChanged() {
        AuditEvent event = AuditEvent.of("tool.call").attribute("a", 1).build();

        assertThatThrownBy(() -> event.attributes().clear()).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> event.commitments().clear()).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> event.openings().clear()).isInstanceOf(UnsupportedOperationException.class);
    }
}
