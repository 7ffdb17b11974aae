package dev.secureruntime.samples.quickstart;

import com.anthropic.client.AnthropicClient;
import com.anthropic.client.okhttp.AnthropicOkHttpClient;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import dev.secureruntime.Component;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.core.anthropic.GuardedAnthropic;
import dev.secureruntime.core.okhttp.GuardedOkHttp;
import java.nio.file.Path;

/** The code that the README shows; a test compares the two. */
final class ReadmeExample {

    private ReadmeExample() {}

    static void answer(ChatCompletionCreateParams params) {
        // README
        try (SecureRuntime runtime = SecureRuntime.builder()
                .policy(Path.of("policy.json"))
                .auditLog(Path.of("audit"))
                .build()) {
            Component agent = runtime.component("support-agent");

            OpenAIClient openAi = OpenAIOkHttpClient.builder()
                    .apiKey("attached-by-secure-runtime")
                    .okHttpClient(GuardedOkHttp.client(agent))
                    .build();
            AnthropicClient anthropic = AnthropicOkHttpClient.builder()
                    .apiKey("attached-by-secure-runtime")
                    .addInterceptor(GuardedAnthropic.interceptor(agent))
                    .build();

            openAi.chat().completions().create(params); // judged, credentialed, recorded
            anthropic.close();
        } // seals the log
        // README
    }
}
