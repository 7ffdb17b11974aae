/**
 * The engine, and the one place that wires it: {@link dev.secureruntime.core.CoreRuntime#wire}.
 *
 * <p>{@link dev.secureruntime.core.GuardedComponent} is what every adapter asks: it decides, equips and records. {@link
 * dev.secureruntime.core.EventLine} is the one place that every event passes. The packages below hold one capability each
 * and know nothing of each other; the adapter packages ({@code okhttp}, {@code anthropic}) know this package only.
 */
@NullMarked
package dev.secureruntime.core;

import org.jspecify.annotations.NullMarked;
