package dev.secureruntime.core.okhttp;

import com.anthropic.client.AnthropicClient;
import com.anthropic.client.okhttp.AnthropicOkHttpClient;
import com.anthropic.core.http.StreamResponse;
import com.anthropic.models.messages.MessageCreateParams;
import com.anthropic.models.messages.RawMessageStreamEvent;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import dev.secureruntime.core.anthropic.GuardedAnthropic;
import java.util.concurrent.TimeUnit;

/** The real clients, in the four ways in which an application calls a model. */
enum ModelClients {
    OPENAI_BLOCKING(true, false) {
        @Override
        void call(GuardedWorld world, String prompt) {
            try (OpenAI client = new OpenAI(world)) {
                client.real.chat().completions().create(openAi(prompt));
            }
        }
    },
    OPENAI_ASYNC(true, false) {
        @Override
        void call(GuardedWorld world, String prompt) throws Exception {
            try (OpenAI client = new OpenAI(world)) {
                client.real.async().chat().completions().create(openAi(prompt)).get(20, TimeUnit.SECONDS);
            }
        }
    },
    OPENAI_STREAMING(true, true) {
        @Override
        void call(GuardedWorld world, String prompt) {
            try (OpenAI client = new OpenAI(world);
                    com.openai.core.http.StreamResponse<ChatCompletionChunk> stream =
                            client.real.chat().completions().createStreaming(openAi(prompt))) {
                stream.stream().forEach(chunk -> {});
            }
        }
    },
    OPENAI_ASYNC_STREAMING(true, true) {
        @Override
        void call(GuardedWorld world, String prompt) throws Exception {
            try (OpenAI client = new OpenAI(world)) {
                client.real
                        .async()
                        .chat()
                        .completions()
                        .createStreaming(openAi(prompt))
                        .subscribe(chunk -> {})
                        .onCompleteFuture()
                        .get(20, TimeUnit.SECONDS);
            }
        }
    },
    ANTHROPIC_BLOCKING(false, false) {
        @Override
        void call(GuardedWorld world, String prompt) {
            try (Anthropic client = new Anthropic(world)) {
                client.real.messages().create(anthropic(prompt));
            }
        }
    },
    ANTHROPIC_ASYNC(false, false) {
        @Override
        void call(GuardedWorld world, String prompt) throws Exception {
            try (Anthropic client = new Anthropic(world)) {
                client.real.async().messages().create(anthropic(prompt)).get(20, TimeUnit.SECONDS);
            }
        }
    },
    ANTHROPIC_STREAMING(false, true) {
        @Override
        void call(GuardedWorld world, String prompt) {
            try (Anthropic client = new Anthropic(world);
                    StreamResponse<RawMessageStreamEvent> stream =
                            client.real.messages().createStreaming(anthropic(prompt))) {
                stream.stream().forEach(event -> {});
            }
        }
    },
    ANTHROPIC_ASYNC_STREAMING(false, true) {
        @Override
        void call(GuardedWorld world, String prompt) throws Exception {
            try (Anthropic client = new Anthropic(world)) {
                client.real
                        .async()
                        .messages()
                        .createStreaming(anthropic(prompt))
                        .subscribe(event -> {})
                        .onCompleteFuture()
                        .get(20, TimeUnit.SECONDS);
            }
        }
    };

    static final String PROMPT_TEXT = "my bank account is 123456";

    private static ChatCompletionCreateParams openAi(String prompt) {
        return ChatCompletionCreateParams.builder()
                .model("gpt-4o-mini")
                .addUserMessage(prompt)
                .build();
    }

    private static MessageCreateParams anthropic(String prompt) {
        return MessageCreateParams.builder()
                .model("claude-sonnet-4-5")
                .maxTokens(64)
                .addUserMessage(prompt)
                .build();
    }

    final boolean openAi;
    final boolean streaming;

    ModelClients(boolean openAi, boolean streaming) {
        this.openAi = openAi;
        this.streaming = streaming;
    }

    /** One logical call, to its end. */
    final void call(GuardedWorld world) throws Exception {
        call(world, PROMPT_TEXT);
    }

    /** One logical call with this prompt, to its end. */
    abstract void call(GuardedWorld world, String prompt) throws Exception;

    String host() {
        return openAi ? GuardedWorld.OPENAI : GuardedWorld.ANTHROPIC;
    }

    String path() {
        return openAi ? "/v1/chat/completions" : "/v1/messages";
    }

    private static final class OpenAI implements AutoCloseable {
        final OpenAIClient real;

        OpenAI(GuardedWorld world) {
            real = OpenAIOkHttpClient.builder()
                    .apiKey("attached-by-secure-runtime")
                    .baseUrl(world.url(GuardedWorld.OPENAI, "/v1"))
                    .okHttpClient(GuardedOkHttp.client(world.agent))
                    .build();
        }

        @Override
        public void close() {
            real.close();
        }
    }

    private static final class Anthropic implements AutoCloseable {
        final AnthropicClient real;

        Anthropic(GuardedWorld world) {
            real = AnthropicOkHttpClient.builder()
                    .apiKey("attached-by-secure-runtime")
                    .baseUrl(world.url(GuardedWorld.ANTHROPIC, ""))
                    .addInterceptor(GuardedAnthropic.interceptor(world.agent))
                    .build();
        }

        @Override
        public void close() {
            real.close();
        }
    }
}
