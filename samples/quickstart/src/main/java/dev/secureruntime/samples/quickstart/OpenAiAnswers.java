package dev.secureruntime.samples.quickstart;

import com.fasterxml.jackson.databind.JsonNode;

/** What the stand-in for OpenAI answers: plain text, or calls of the agent's tools, following the conversation so far. */
final class OpenAiAnswers {

    private OpenAiAnswers() {}

    /** The next turn. The conversation about an order makes the model call a tool, and then believe what the tool read. */
    static String answer(JsonNode request) {
        String conversation = request.path("messages").toString();
        boolean hasTools = request.path("tools").isArray();
        String last = request.path("messages")
                .path(request.path("messages").size() - 1)
                .path("role")
                .asText();
        if (hasTools && !conversation.contains("\"tool_call_id\"")) {
            return toolCall(request, "call_1", "read_order", "{\\\"order\\\":\\\"4711\\\"}");
        }
        if (last.equals("tool") && conversation.contains("SYSTEM NOTE") && !conversation.contains("call_2")) {
            return toolCall(request, "call_2", "post_webhook", "{\\\"data\\\":\\\"customer record 4711\\\"}");
        }
        return completion(
                request, "{\"role\":\"assistant\",\"content\":\"Your order is on its way.\",\"refusal\":null}", "stop");
    }

    private static String toolCall(JsonNode request, String id, String name, String arguments) {
        return completion(
                request,
                "{\"role\":\"assistant\",\"content\":null,\"refusal\":null,\"tool_calls\":[{\"id\":\"" + id
                        + "\",\"type\":\"function\",\"function\":{\"name\":\"" + name + "\",\"arguments\":\""
                        + arguments + "\"}}]}",
                "tool_calls");
    }

    private static String completion(JsonNode request, String message, String finishReason) {
        return "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\""
                + request.path("model").asText() + "\",\"choices\":[{\"index\":0,\"message\":" + message
                + ",\"logprobs\":null,\"finish_reason\":\"" + finishReason
                + "\"}],\"usage\":{\"prompt_tokens\":42,\"completion_tokens\":9,\"total_tokens\":51}}";
    }

    static String stream(String model) {
        StringBuilder events = new StringBuilder();
        for (String word : new String[] {"Your ", "order ", "is ", "on ", "its ", "way."}) {
            events.append(chunk(model, "{\"content\":\"" + word + "\"}", "null"));
        }
        return events.append(chunk(model, "{}", "\"stop\""))
                .append("data: [DONE]\n\n")
                .toString();
    }

    private static String chunk(String model, String delta, String finishReason) {
        return "data: {\"id\":\"chatcmpl-2\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"" + model
                + "\",\"choices\":[{\"index\":0,\"delta\":" + delta + ",\"finish_reason\":" + finishReason + "}]}\n\n";
    }
}
