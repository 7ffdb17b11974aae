/**
 * The egress decision: pure, without input or output after compilation, the same for every client.
 *
 * <p>{@link dev.secureruntime.core.egress.EgressPolicy} is the way in. A policy is compiled to one
 * {@code CompiledComponent} per component, which finds names with {@code NameIndex} and addresses with
 * {@code AddressRules}; {@code Refusals} finds the words when the answer is no, off the fast path. {@code HostForm},
 * {@code PathForm} and {@code AddressText} say which forms of hosts, paths and addresses are decided on at all;
 * {@code SpecialAddresses}, {@code EmbeddedIpv4} and {@code CategoryLists} hold what is known about the world.
 */
@NullMarked
package dev.secureruntime.core.egress;

import org.jspecify.annotations.NullMarked;
