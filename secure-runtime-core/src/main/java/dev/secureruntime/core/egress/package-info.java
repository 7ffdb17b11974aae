/**
 * The egress decision: pure, without input or output after compilation, the same for every client.
 *
 * <p>{@link dev.secureruntime.core.egress.EgressPolicy} is the way in. A policy is compiled to one
 * {@code CompiledComponent} per component, which finds names with {@code NameIndex} and addresses with
 * {@code AddressRules}; {@code Refusals} finds the words when the answer is no, off the fast path. {@code HostForm},
 * {@code PathForm} and {@code AddressText} say which forms of hosts, paths and addresses are decided on at all;
 * {@code SpecialAddresses}, {@code EmbeddedIpv4} and {@code CategoryLists} hold what is known about the world;
 * {@code Categories} adds a policy's own lists.
 *
 * <p>Around the decision: {@code SquidExport}, {@code SmokescreenExport} and {@code NetworkPolicyExport} write a policy for
 * tools outside the process and name what those can't hold; {@code PolicyLearner} proposes one from what was seen; {@code
 * SubNameCounter} counts the names below a domain.
 */
@NullMarked
package dev.secureruntime.core.egress;

import org.jspecify.annotations.NullMarked;
