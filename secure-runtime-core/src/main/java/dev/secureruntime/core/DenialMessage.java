package dev.secureruntime.core;

import dev.secureruntime.audit.Receipt;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressRequest;
import java.util.Optional;

/**
 * A refusal as the developer reads it in the log. It names what was tried and the remedy; path, query, headers and body
 * are never in it, and it is never handed to a caller, because a caller may show it to a model.
 */
final class DenialMessage {

    private DenialMessage() {}

    static String of(EgressRequest request, EgressDecision.Denied denied, String policy, Optional<Receipt> receipt) {
        StringBuilder text = new StringBuilder(256);
        text.append(denied.code()).append(" Egress denied: ").append(request.target());
        text.append("\n  component  ").append(padded(request.component(), 18));
        text.append("policy  ").append(policy);
        if (!denied.policyVersion().isEmpty()) {
            text.append(' ').append(denied.policyVersion());
        }
        text.append(" (egress default: deny)");
        text.append("\n  reason     ").append(denied.detail());
        denied.nearest().ifPresent(nearest -> text.append("\n  nearest    ").append(nearest));
        text.append("\n  fix        ").append(denied.remedy());
        text.append("\n  audit      ")
                .append(receipt.map(r -> "record #" + r.index())
                        .orElse("not recorded: the audit log can't be written"));
        return text.toString();
    }

    private static String padded(String text, int width) {
        return text.length() >= width ? text + "  " : text + " ".repeat(width - text.length());
    }
}
