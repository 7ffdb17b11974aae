/**
 * A support agent on the real OpenAI and Anthropic clients, guarded, against a provider on loopback: {@link
 * dev.secureruntime.samples.quickstart.Quickstart} runs it and checks what it shows.
 */
@NullMarked
package dev.secureruntime.samples.quickstart;

import org.jspecify.annotations.NullMarked;
