package dev.secureruntime.core.genai;

import dev.secureruntime.audit.AuditEvent;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What model traffic says about itself - model, token usage, finish reasons, names of called tools - under the names of
 * the OpenTelemetry GenAI conventions. Content is never kept.
 *
 * <p>Understands the chat completions and responses formats of OpenAI and the messages format of Anthropic, plain and as
 * server-sent events. What a server sends here is its own word: these are claims, recorded as such.
 *
 * <p>Thread-safe.
 */
public final class GenAiFacts {

    private static final int MAX_LIST = 64;
    private static final int MAX_TEXT = 128;

    private static final Map<String, String> REQUEST = Map.of(
            "model", "gen_ai.request.model",
            "max_tokens", "gen_ai.request.max_tokens",
            "max_completion_tokens", "gen_ai.request.max_tokens",
            "max_output_tokens", "gen_ai.request.max_tokens");

    private static final Map<String, String> RESPONSE = Map.ofEntries(
            Map.entry("id", "gen_ai.response.id"),
            Map.entry("message.id", "gen_ai.response.id"),
            Map.entry("response.id", "gen_ai.response.id"),
            Map.entry("model", "gen_ai.response.model"),
            Map.entry("message.model", "gen_ai.response.model"),
            Map.entry("response.model", "gen_ai.response.model"),
            Map.entry("usage.prompt_tokens", "gen_ai.usage.input_tokens"),
            Map.entry("usage.input_tokens", "gen_ai.usage.input_tokens"),
            Map.entry("message.usage.input_tokens", "gen_ai.usage.input_tokens"),
            Map.entry("response.usage.input_tokens", "gen_ai.usage.input_tokens"),
            Map.entry("usage.completion_tokens", "gen_ai.usage.output_tokens"),
            Map.entry("usage.output_tokens", "gen_ai.usage.output_tokens"),
            Map.entry("message.usage.output_tokens", "gen_ai.usage.output_tokens"),
            Map.entry("response.usage.output_tokens", "gen_ai.usage.output_tokens"));

    private static final Set<String> FINISH_REASONS =
            Set.of("choices.finish_reason", "stop_reason", "delta.stop_reason", "message.stop_reason");

    private static final Set<String> TOOL_NAMES = Set.of(
            "choices.message.tool_calls.function.name",
            "choices.delta.tool_calls.function.name",
            "content.name",
            "content_block.name",
            "output.name");

    /** The last event of a stream, by its type. */
    private static final Set<String> LAST_EVENTS = Set.of("message_stop", "response.completed", "response.incomplete");

    private static final Set<String> RESPONSE_PATHS =
            union(RESPONSE.keySet(), FINISH_REASONS, TOOL_NAMES, Set.of("type"));

    private final String provider;
    private final String operation;
    private final Map<String, String> texts = new LinkedHashMap<>();
    private final Map<String, Long> counts = new LinkedHashMap<>();
    private final List<String> finishReasons = new ArrayList<>();
    private final List<String> toolCalls = new ArrayList<>();
    private boolean finished;

    private GenAiFacts(String provider, String operation) {
        this.provider = provider;
        this.operation = operation;
    }

    /** The facts of a request to this path, if it is one to a model. */
    public static Optional<GenAiFacts> of(String host, String path) {
        if (path.endsWith("/chat/completions") || path.endsWith("/responses")) {
            return Optional.of(new GenAiFacts(provider(host, "openai"), "chat"));
        }
        if (path.endsWith("/v1/messages")) {
            return Optional.of(new GenAiFacts(provider(host, "anthropic"), "chat"));
        }
        if (path.endsWith("/embeddings")) {
            return Optional.of(new GenAiFacts(provider(host, "openai"), "embeddings"));
        }
        return Optional.empty();
    }

    private static String provider(String host, String format) {
        if (host.endsWith(".openai.azure.com")) {
            return "azure.ai.openai";
        }
        return format;
    }

    /** An observer of the request's body. */
    public BodyObserver request() {
        JsonObserver json = new JsonObserver(REQUEST.keySet(), this::requestScalar);
        return json::feed;
    }

    /** An observer of the response's body; empty when the media type is none that is understood. */
    public Optional<BodyObserver> response(@Nullable String mediaType) {
        if (mediaType == null) {
            return Optional.empty();
        }
        JsonObserver json = new JsonObserver(RESPONSE_PATHS, this::responseScalar);
        if (mediaType.startsWith("text/event-stream")) {
            return Optional.of(new ServerSentEvents(json));
        }
        return mediaType.startsWith("application/json") ? Optional.of(json::feed) : Optional.empty();
    }

    private synchronized void requestScalar(String path, String value) {
        put(REQUEST.get(path), value);
    }

    private synchronized void responseScalar(String path, String value) {
        if (path.equals("type")) {
            finished |= LAST_EVENTS.contains(value);
        } else if (FINISH_REASONS.contains(path)) {
            add(finishReasons, value);
        } else if (TOOL_NAMES.contains(path)) {
            add(toolCalls, value);
        } else {
            put(RESPONSE.get(path), value);
        }
    }

    private void put(@Nullable String attribute, String value) {
        if (attribute == null || value.equals("null")) {
            return;
        }
        if (attribute.endsWith("_tokens")) {
            if (isCount(value)) {
                counts.put(attribute, Long.parseLong(value));
            }
        } else if (value.length() <= MAX_TEXT) {
            texts.put(attribute, value);
        }
    }

    private static boolean isCount(String value) {
        for (int i = 0; i < value.length(); i++) {
            if (value.charAt(i) < '0' || value.charAt(i) > '9') {
                return false;
            }
        }
        return !value.isEmpty() && value.length() <= 18;
    }

    private static void add(List<String> list, String value) {
        if (!value.equals("null") && list.size() < MAX_LIST && value.length() <= MAX_TEXT) {
            list.add(value);
        }
    }

    /** Whether the model said that it was done: clients stop reading a stream there, before its end. */
    public synchronized boolean finished() {
        return finished || !finishReasons.isEmpty();
    }

    /** Adds what was seen to an event. */
    public synchronized void describe(AuditEvent.Builder event) {
        event.attribute("gen_ai.operation.name", operation);
        event.attribute("gen_ai.provider.name", provider);
        texts.forEach(event::attribute);
        counts.forEach(event::attribute);
        if (!finishReasons.isEmpty()) {
            event.attribute("gen_ai.response.finish_reasons", finishReasons);
        }
        if (!toolCalls.isEmpty()) {
            event.attribute("secure_runtime.tool_calls", toolCalls);
        }
    }

    @SafeVarargs
    private static Set<String> union(Set<String>... sets) {
        Set<String> all = new HashSet<>();
        for (Set<String> set : sets) {
            all.addAll(set);
        }
        return Set.copyOf(all);
    }
}
