package dev.secureruntime.samples.quickstart;

/** What the stand-in for Anthropic answers. */
final class AnthropicAnswers {

    static final String ANSWER =
            "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-sonnet-4-5\","
                    + "\"content\":[{\"type\":\"text\",\"text\":\"Your order is on its way.\"}],\"stop_reason\":\"end_turn\","
                    + "\"stop_sequence\":null,\"usage\":{\"input_tokens\":40,\"output_tokens\":8}}";

    static final String STREAM = event(
                    "message_start",
                    "\"message\":{\"id\":\"msg_2\",\"type\":\"message\",\"role\":"
                            + "\"assistant\",\"model\":\"claude-sonnet-4-5\",\"content\":[],\"stop_reason\":null,"
                            + "\"stop_sequence\":null,\"usage\":{\"input_tokens\":40,\"output_tokens\":1}}")
            + event("content_block_start", "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
            + event("content_block_delta", "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"On its way.\"}")
            + event("content_block_stop", "\"index\":0")
            + event(
                    "message_delta",
                    "\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":8}")
            + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

    private AnthropicAnswers() {}

    private static String event(String type, String members) {
        return "event: " + type + "\ndata: {\"type\":\"" + type + "\"," + members + "}\n\n";
    }
}
