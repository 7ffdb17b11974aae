package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.policy.SecretPolicy.Attachment;
import java.lang.reflect.Field;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RequestHeadersTest {

    /** The API has a list of its own, since it knows nothing of the core, and shows it to nobody. */
    @Test
    void headersThatFrameAMessage_areThoseThatNoSecretIsBoundTo_besideItsTargetsNames() throws Exception {
        Field reserved = Attachment.class.getDeclaredField("RESERVED");
        reserved.setAccessible(true);
        Set<String> unbound = new HashSet<>(RequestHeaders.FRAMING);
        unbound.addAll(List.of("host", "upgrade"));

        assertThat(reserved.get(null)).isEqualTo(unbound);
    }
}
