/**
 * Who acts: a component's name together with the code that claimed it.
 */
@NullMarked
package dev.secureruntime.identity;

import org.jspecify.annotations.NullMarked;
