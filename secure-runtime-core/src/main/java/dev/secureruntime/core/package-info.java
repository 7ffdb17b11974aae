/**
 * The engine, and the one place that wires it: {@link dev.secureruntime.core.CoreRuntime#wire}.
 *
 * <p>{@link dev.secureruntime.core.Gate} is what every adapter asks: it decides, equips and records. {@code EventLine} is the
 * one place that every event passes. The packages below hold one capability each and know nothing of each other; the adapter
 * packages ({@code okhttp}, {@code anthropic}) know this package and {@code genai} only.
 */
@NullMarked
package dev.secureruntime.core;

import org.jspecify.annotations.NullMarked;
