package dev.secureruntime.core.okhttp;

import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.SocketPolicy;

/** What providers answer, in their formats. */
public final class ModelAnswers {

    public static final String ANSWER_TEXT = "the answer nobody may log";

    private static final String OPENAI =
            """
            {"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini-2024","choices":[{"index":0,\
            "message":{"role":"assistant","content":"%s","refusal":null},"logprobs":null,"finish_reason":"stop"}],\
            "usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}"""
                    .formatted(ANSWER_TEXT);

    private static final String OPENAI_STREAM =
            """
            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini-2024","choices":[{"index":0,"delta":{"role":"assistant","content":"%s"},"finish_reason":null}]}

            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini-2024","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini-2024","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}

            data: [DONE]

            """
                    .formatted(ANSWER_TEXT);

    private static final String ANTHROPIC =
            """
            {"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-2025","content":[{"type":"text",\
            "text":"%s"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":11,"output_tokens":7}}"""
                    .formatted(ANSWER_TEXT);

    private static final String ANTHROPIC_STREAM =
            """
            event: message_start
            data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-2025","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":11,"output_tokens":1}}}

            event: content_block_start
            data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

            event: content_block_delta
            data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}

            event: content_block_stop
            data: {"type":"content_block_stop","index":0}

            event: message_delta
            data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":7}}

            event: message_stop
            data: {"type":"message_stop"}

            """
                    .formatted(ANSWER_TEXT);

    private ModelAnswers() {}

    public static MockResponse good(ModelClients client) {
        if (client.streaming) {
            return new MockResponse()
                    .setHeader("Content-Type", "text/event-stream")
                    .setBody(client.openAi ? OPENAI_STREAM : ANTHROPIC_STREAM);
        }
        return LoopbackServer.json(client.openAi ? OPENAI : ANTHROPIC);
    }

    /** A response that ends in the middle of its body. */
    public static MockResponse cutOff(ModelClients client) {
        return good(client).setSocketPolicy(SocketPolicy.DISCONNECT_DURING_RESPONSE_BODY);
    }

    public static MockResponse tooMany() {
        return LoopbackServer.json("{\"error\":{\"message\":\"slow down\",\"type\":\"rate_limit_error\"}}")
                .setResponseCode(429)
                .setHeader("Retry-After-Ms", "20");
    }
}
