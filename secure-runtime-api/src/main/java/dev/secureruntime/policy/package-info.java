/**
 * The policy as values: what a policy file says, independent of the file's syntax.
 */
@NullMarked
package dev.secureruntime.policy;

import org.jspecify.annotations.NullMarked;
