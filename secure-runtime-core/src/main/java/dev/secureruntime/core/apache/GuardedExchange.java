package dev.secureruntime.core.apache;

import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.BodyWatch;
import dev.secureruntime.core.http.CredentialHeaders;
import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.core.http.Origin;
import dev.secureruntime.core.http.Redirects;
import dev.secureruntime.core.http.RequestHeaders;
import dev.secureruntime.core.http.Target;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ProtocolException;
import java.net.SocketException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.hc.client5.http.ClientProtocolException;
import org.apache.hc.core5.concurrent.CancellableDependency;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ConnectionClosedException;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.NoHttpResponseException;
import org.apache.hc.core5.http.ProtocolVersion;
import org.apache.hc.core5.http.impl.DefaultConnectionReuseStrategy;
import org.apache.hc.core5.http.impl.io.HttpRequestExecutor;
import org.apache.hc.core5.http.message.BasicClassicHttpRequest;
import org.apache.hc.core5.http.protocol.HttpCoreContext;
import org.apache.hc.core5.net.URIAuthority;
import org.jspecify.annotations.Nullable;

/**
 * One logical call: hop by hop, redirects followed here and judged like the first request, one record for all of it.
 */
final class GuardedExchange {

    /** May be sent twice to the same effect (RFC 9110, section 9.2.2). */
    private static final Set<String> IDEMPOTENT = Set.of("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE");

    private static final Set<String> ENCLOSING = Set.of("POST", "PUT", "PATCH");

    private final HardenedConnections connections;
    private final Gate gate;
    private final Outgoing first;
    private final CallerSettings settings;
    private final CallRecord record;
    private final Cancellation cancellation;
    private Hop hop;

    GuardedExchange(
            HardenedConnections connections, Outgoing first, CallerSettings settings, ClassicHttpRequest callers) {
        this.connections = connections;
        this.gate = connections.gate();
        this.first = first;
        this.settings = settings;
        this.hop = Hop.first(gate, first);
        this.record = hop.record();
        this.cancellation = new Cancellation(hop);
        if (callers instanceof CancellableDependency dependency) {
            dependency.setDependency(cancellation);
        }
    }

    ClassicHttpResponse run() throws IOException {
        try {
            hop.judge(first, settings.detour()); // before any code of the caller's body runs
            if (first.body() != null) {
                first.body().begin(record);
            }
            return follow();
        } catch (EgressDeniedException e) {
            Denied cut = hop.cut();
            if (cut == null) {
                record.denied(hop.outgoing().shown(), e.decision());
            } else {
                record.cut(hop.outgoing().shown(), cut, null);
            }
            throw new EgressDeniedException(hop.outgoing().shown(), e.decision());
        } catch (IOException | RuntimeException | Error e) {
            Denied cut = hop.cut();
            if (cut == null) {
                record.failed(e);
            } else { // the caller's body kept it to itself
                record.cut(hop.outgoing().shown(), cut, null);
            }
            throw e;
        }
    }

    private ClassicHttpResponse follow() throws IOException {
        Outgoing request = first;
        for (int redirects = 0; ; redirects++) {
            if (request.body() != null) {
                request.body().leavesWith(hop, request.header("Content-Encoding"));
            }
            Generation generation = connections.generation(hop.snapshot());
            LiveExchange exchange = generation.begin(hop);
            boolean handedOver = false;
            try {
                connections.requireOpen();
                Answer answer = send(request, generation, exchange);
                Optional<Outgoing> next = settings.maxRedirects() == 0
                        ? Optional.empty()
                        : request.next(answer.response.getCode(), location(answer.response));
                if (next.isEmpty()) {
                    handedOver = true;
                    return handOver(answer, generation, exchange);
                }
                answer.discard(generation);
                if (redirects == settings.maxRedirects()) {
                    throw new ProtocolException("more than " + settings.maxRedirects() + " redirects");
                }
                request = next.get();
                hop = hop.next(gate, request);
                hop.judge(request, null);
                if (request.body() != null) {
                    Redirects.requireBodyStays(
                            hop.asked(),
                            Origin.of(first.asked(gate.name(), List.of())),
                            request.body().getContentLength());
                }
                cancellation.follows(hop);
            } finally {
                if (!handedOver) {
                    exchange.close();
                }
            }
        }
    }

    private static @Nullable String location(ClassicHttpResponse response) {
        Header header = response.getFirstHeader("Location");
        return header == null ? null : header.getValue();
    }

    private Answer send(Outgoing request, Generation generation, LiveExchange exchange) throws IOException {
        try {
            Answer answer = sendOverKept(request, generation);
            return answer == null ? sendOver(open(request, generation), request) : answer;
        } catch (IOException e) {
            throw exchange.explained(e);
        } catch (HttpException e) {
            throw new ClientProtocolException(e);
        }
    }

    /** Over a connection that was kept; null when there is none, or it turns out to be gone before an answer came. */
    private @Nullable Answer sendOverKept(Outgoing request, Generation generation) throws IOException, HttpException {
        Wire kept = generation.kept(target(request).origin());
        if (kept == null) {
            return null;
        }
        try {
            return sendOver(kept, request);
        } catch (NoHttpResponseException | ConnectionClosedException | SocketException e) {
            boolean again = IDEMPOTENT.contains(request.method())
                    && (request.body() == null || request.body().isRepeatable());
            if (!again || hop.isCancelled() || hop.cut() != null) {
                throw e;
            }
            return null;
        }
    }

    private Wire open(Outgoing request, Generation generation) throws IOException {
        return generation.open(target(request).origin(), hop, settings.connectMillis());
    }

    private Answer sendOver(Wire wire, Outgoing request) throws IOException, HttpException {
        boolean answered = false;
        try {
            hop.runsOver(wire);
            requireConnectionAllowed(wire);
            InetAddress address = wire.judgedAddress();
            if (address != null) {
                hop.runsOver(wire.opened(), address);
            }
            wire.readTimeout(settings.responseMillis());
            BasicClassicHttpRequest head = equipped(request);
            record.sent();
            HttpCoreContext context = HttpCoreContext.create();
            ClassicHttpResponse response = new HttpRequestExecutor().execute(head, wire, context);
            boolean reusable =
                    wire.isConsistent() && DefaultConnectionReuseStrategy.INSTANCE.keepAlive(head, response, context);
            answered = true;
            return new Answer(wire, response, reusable);
        } finally {
            if (!answered) {
                wire.abort();
            }
        }
    }

    /** A policy that came into force since the hop began has looked through the hops that it knew the connections of. */
    private void requireConnectionAllowed(Wire wire) throws EgressDeniedException {
        ComponentSnapshot inForce = gate.inForce();
        if (inForce != hop.snapshot()) {
            Optional<Denied> denied = wire.denied(inForce);
            if (denied.isPresent()) {
                throw new EgressDeniedException(hop.asked(), denied.get().at(Layer.CONNECTION));
            }
        }
    }

    /** The request as it is written: framed by us, and with the credentials that belong on it. The last step. */
    private BasicClassicHttpRequest equipped(Outgoing request) throws EgressDeniedException {
        Target.Read target = target(request);
        Origin origin = target.origin();
        BasicClassicHttpRequest head = new BasicClassicHttpRequest(
                request.method(),
                origin.scheme(),
                new URIAuthority(origin.host(), origin.port()),
                Outgoing.sent(target));
        head.addHeader("Host", origin.authority());
        boolean bound = hop.isBound();
        for (Header header : request.headers()) {
            String name = header.getName();
            boolean ours = name.equalsIgnoreCase("Host") || RequestHeaders.isFraming(name);
            if (!ours && !(bound && CredentialHeaders.has(name))) {
                head.addHeader(name, header.getValue());
            }
        }
        frame(head, request.body());
        if (bound && hop.mayCarryCredentials()) {
            record.attached(hop.snapshot().attach(hop.asked(), head::setHeader));
        }
        return head;
    }

    private static void frame(BasicClassicHttpRequest head, @Nullable RecordedRequestEntity body) {
        if (body == null) {
            if (ENCLOSING.contains(head.getMethod())) {
                head.addHeader("Content-Length", "0");
            }
            return;
        }
        head.setEntity(body);
        if (body.isChunked()) {
            head.addHeader("Transfer-Encoding", "chunked");
        } else {
            head.addHeader("Content-Length", Long.toString(body.getContentLength()));
        }
        if (body.getContentType() != null && !head.containsHeader("Content-Type")) {
            head.addHeader("Content-Type", body.getContentType());
        }
        if (body.getContentEncoding() != null && !head.containsHeader("Content-Encoding")) {
            head.addHeader("Content-Encoding", body.getContentEncoding());
        }
    }

    private static Target.Read target(Outgoing request) {
        if (request.target() instanceof Target.Read read) {
            return read;
        }
        throw new IllegalStateException("a target that was refused is not sent to");
    }

    private ClassicHttpResponse handOver(Answer answer, Generation generation, LiveExchange exchange)
            throws IOException {
        ClassicHttpResponse response = answer.response;
        ProtocolVersion version = response.getVersion();
        record.responded(
                response.getCode(),
                version == null ? "http/1.1" : "http/" + version.getMajor() + "." + version.getMinor());
        ClassicHttpResponse handed = HandedResponse.of(response);
        HttpEntity entity = response.getEntity();
        String type = entity == null ? null : entity.getContentType();
        RecordedContent content = new RecordedContent(
                entity == null ? InputStream.nullInputStream() : entity.getContent(),
                entity == null ? 0 : entity.getContentLength(),
                BodyWatch.ofResponse(record, type),
                record,
                exchange,
                answer.wire,
                whole -> answer.release(generation, exchange, whole));
        if (entity == null || entity.getContentLength() == 0) {
            content.close();
        }
        if (entity != null) {
            handed.setEntity(new HandedResponse.Entity(entity, content));
        }
        return handed;
    }

    /** An answer whose body was not read, and the connection that it comes over. */
    private final class Answer {

        private final Wire wire;
        private final ClassicHttpResponse response;
        private final boolean reusable;

        Answer(Wire wire, ClassicHttpResponse response, boolean reusable) {
            this.wire = wire;
            this.response = response;
            this.reusable = reusable;
        }

        /** The body won't be read. */
        void discard(Generation generation) {
            HttpEntity entity = response.getEntity();
            free(generation, entity == null || entity.getContentLength() == 0);
        }

        /** The call is over. */
        void release(Generation generation, LiveExchange exchange, boolean whole) {
            free(generation, whole);
            exchange.close();
        }

        private void free(Generation generation, boolean whole) {
            hop.leavesWire();
            if (whole && reusable && !hop.isCancelled() && wire.isOpen()) {
                connections.keep(generation, wire);
            } else {
                wire.abort();
            }
        }
    }
}
