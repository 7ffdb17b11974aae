/**
 * What every HTTP adapter needs and no client library shows in: hops ({@link dev.secureruntime.core.http.GuardedHop}), what
 * headers may say and a redirect may carry, sockets that judge their address, what is under way and how it is cut.
 *
 * <p>Its types are public for the adapters' sake, and of no use to others: each of them is made from a {@link
 * dev.secureruntime.core.Gate}, which opens to adapters only, or knows nothing worth having.
 */
@NullMarked
package dev.secureruntime.core.http;

import org.jspecify.annotations.NullMarked;
