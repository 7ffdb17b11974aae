package dev.secureruntime.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.audit.Receipt;
import dev.secureruntime.core.egress.EgressPolicy;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.Policy;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

class DenialMessageTest {

    private static final EgressPolicy POLICY = EgressPolicy.compile(Policy.builder()
            .component(
                    "support-agent",
                    ComponentPolicy.builder().allowHost("api.openai.com").build())
            .build());

    @Test
    void of_redirectToAnotherHost_saysAllThatTheDeveloperNeeds_andNothingOfTheRequestsContent() {
        EgressRequest request = new EgressRequest(
                "support-agent", "POST", "https", "evil.example", 443, "/steal/the-data", List.of("api.openai.com"));

        String text =
                DenialMessage.of(request, (Denied) POLICY.decide(request), "policy.json", Optional.of(receipt(612)));

        assertThat(text)
                .isEqualTo(
                        """
                SR-EGRESS-001 Egress denied: POST https://evil.example:443
                  component  support-agent     policy  policy.json (egress default: deny)
                  reason     host not allowed; reached by redirect from api.openai.com
                  nearest    api.openai.com
                  fix        allow "evil.example" under components.support-agent.egress.allow
                  audit      record #612""");
    }

    @Test
    void of_refusalThatCouldNotBeRecorded_saysSo() {
        EgressRequest request = new EgressRequest("support-agent", "GET", "https", "evil.example", 443, "/", List.of());

        assertThat(DenialMessage.of(request, (Denied) POLICY.decide(request), "code", Optional.empty()))
                .contains("audit      not recorded");
    }

    private static Receipt receipt(long index) {
        return new Receipt() {
            @Override
            public long index() {
                return index;
            }

            @Override
            public CompletionStage<Receipt> reached(Stage stage) {
                return CompletableFuture.completedFuture(this);
            }
        };
    }
}
