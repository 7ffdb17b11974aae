/**
 * What an application developer sees: {@link dev.secureruntime.SecureRuntime} is built once, {@link
 * dev.secureruntime.Component} is the handle that a part of the service works through.
 *
 * <p>Map: {@code policy} is the model of the policy file; {@code egress}, {@code secret}, {@code credential} and {@code
 * audit} hold the contract of one capability each; {@code identity} and {@code error} hold the values that all of them
 * share. {@link dev.secureruntime.RuntimeFactory} is the seam through which the engine is found.
 */
@NullMarked
package dev.secureruntime;

import org.jspecify.annotations.NullMarked;
