package dev.secureruntime.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

        assertThatThrownBy(() -> event.attributes().put("b", new Attribute.Whole(2)))
                .isInstanceOf(UnsupportedOperationException.class);
        Iterator<String> names = event.attributes().keySet().iterator();
        names.next();
        assertThatThrownBy(names::remove).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> event.attributes().entrySet().iterator().next().setValue(new Attribute.Whole(2)))
                .isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> event.attributes().clear()).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> event.commitments().clear()).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> event.openings().clear()).isInstanceOf(UnsupportedOperationException.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 8, 9, 16, 17, 40, 50_000})
    void attributes_anyNumber_areThoseOfAMapThatKeepsTheirOrder(int number) {
        AuditEvent.Builder builder = AuditEvent.of("tool.call");
        Map<String, Attribute> expected = new LinkedHashMap<>();
        for (int i = 0; i < number; i++) {
            builder.attribute("name" + i, i);
            expected.put("name" + i, new Attribute.Whole(i));
        }
        for (int i = 0; i < number; i += 3) {
            builder.attribute("name" + i, "again");
            expected.put("name" + i, new Attribute.Text("again"));
        }
        Map<String, Attribute> attributes = builder.build().attributes();

        assertThat(new ArrayList<>(attributes.entrySet())).isEqualTo(new ArrayList<>(expected.entrySet()));
        assertThat(attributes).hasSameHashCodeAs(expected);
        assertThat(attributes.equals(expected)).isTrue();
        assertThat(attributes.get("name7")).isEqualTo(expected.get("name7"));
        assertThat(attributes.containsKey("name" + number)).isFalse();
        Map<String, Attribute> visited = new LinkedHashMap<>();
        attributes.forEach(visited::put);
        assertThat(new ArrayList<>(visited.entrySet())).isEqualTo(new ArrayList<>(expected.entrySet()));
    }

    @Test
    @SuppressWarnings("NullAway") // what code without such a check can do
    void attribute_withoutNameOrValue_isRefusedWhereItIsGiven() {
        AuditEvent.Builder builder = AuditEvent.of("tool.call");

        assertThatThrownBy(() -> builder.attribute("a", (Attribute) null)).hasMessageContaining("a has no value");
        assertThatThrownBy(() -> builder.attribute("a", (String) null)).hasMessageContaining("no value");
        assertThatThrownBy(() -> builder.attribute(null, 1)).hasMessageContaining("no name");
        assertThat(builder.build().attributes()).isEmpty();
    }
}
