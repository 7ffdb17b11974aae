package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.http.CredentialHeaders;
import dev.secureruntime.core.http.Origin;
import dev.secureruntime.core.http.Redirects;
import dev.secureruntime.core.http.RequestForm;
import dev.secureruntime.core.http.RequestHeaders;
import dev.secureruntime.core.http.Target;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import java.net.URI;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpClient.Version;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A request as it was when it was read, once: an {@code HttpRequest} may be a class of the caller's, which answers
 * differently each time. What is sent is built from this, and from nothing else.
 *
 * @param method the method as written
 * @param scheme the scheme in lower case, also of a target that is refused
 * @param target where it goes
 * @param lines the caller's headers
 * @param body what writes the body; null when there is none
 * @param version the version that the request itself asks for; null when it leaves that to the client
 * @param expectContinue whether the body waits for the server's word
 */
record SentRequest(
        String method,
        String scheme,
        Target target,
        List<Line> lines,
        @Nullable BodyPublisher body,
        @Nullable Version version,
        boolean expectContinue) {

    /**
     * A line of the headers.
     *
     * @param name as written
     * @param value as written
     */
    record Line(String name, String value) {}

    static SentRequest of(HttpRequest request) {
        URI uri = request.uri();
        return new SentRequest(
                request.method(),
                schemeOf(uri),
                Target.of(uri.toASCIIString()), // the JDK's client sends it escaped
                lines(request.headers()),
                request.bodyPublisher().orElse(null),
                request.version().orElse(null),
                request.expectContinue());
    }

    private static String schemeOf(URI uri) {
        return uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
    }

    private static List<Line> lines(HttpHeaders headers) {
        List<Line> lines = new ArrayList<>();
        for (Map.Entry<String, List<String>> header : headers.map().entrySet()) {
            header.getValue().forEach(value -> lines.add(new Line(header.getKey(), value)));
        }
        return List.copyOf(lines);
    }

    /** The question whether it may be sent. */
    EgressRequest asked(String component, List<String> redirectedFrom) {
        return target instanceof Target.Read read
                ? read.asked(component, method, redirectedFrom)
                : ((Target.Refused) target).asked(component, method, scheme, redirectedFrom);
    }

    /** Refuses or passes the hop that it is sent by: whether a secret would leave with it, then its form, then the policy. */
    void judge(JdkHop hop) throws EgressDeniedException {
        judge(hop, false);
    }

    /** The same for the opening of a WebSocket. */
    void judgeUpgrade(JdkHop hop) throws EgressDeniedException {
        judge(hop, true);
    }

    /** Secrets first: a refusal that names a host with a secret in it would tell the secret to the logs. */
    private void judge(JdkHop hop, boolean upgrade) throws EgressDeniedException {
        String url = target instanceof Target.Read read ? read.url() : "";
        hop.requireNoSecretLeaves(method, url, new Headers(lines));
        hop.pass(decide(hop, upgrade));
    }

    private EgressDecision decide(JdkHop hop, boolean upgrade) {
        Denied neverSent = RequestForm.refusalOfMethod(method);
        if (neverSent != null) {
            return neverSent.under(hop.snapshot().version());
        }
        String fault = fault(upgrade);
        return fault == null
                ? hop.decide()
                : RequestForm.malformed(fault).under(hop.snapshot().version());
    }

    private @Nullable String fault(boolean upgrade) {
        if (target instanceof Target.Refused refused) {
            return refused.why();
        }
        if (version != null && version != Version.HTTP_1_1 && version != Version.HTTP_2) {
            return "HTTP/1.1 and HTTP/2 are guarded, no other version";
        }
        Origin origin = ((Target.Read) target).origin();
        if (!isReadAlike((Target.Read) target)) {
            return "the URL is read in two ways";
        }
        Headers headers = new Headers(lines);
        return upgrade
                ? RequestHeaders.faultOfUpgrade(headers, method, origin)
                : RequestHeaders.fault(headers, method, origin);
    }

    /** Whether the client's parser finds in the URL that it is given what the guard judges. */
    private static boolean isReadAlike(Target.Read read) {
        try {
            URI sent = URI.create(read.url());
            int port = sent.getPort() >= 0
                    ? sent.getPort()
                    : read.origin().scheme().equals("https") ? 443 : 80;
            String host = sent.getHost();
            return host != null
                    && new Origin(sent.getScheme(), host.replaceAll("^\\[|]$", ""), port).equals(read.origin())
                    && read.path().equals(sent.getRawPath());
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private record Headers(List<Line> lines) implements RequestHeaders.Lines {

        @Override
        public int size() {
            return lines.size();
        }

        @Override
        public String name(int line) {
            return lines.get(line).name();
        }

        @Override
        public String value(int line) {
            return lines.get(line).value();
        }
    }

    /** The headers that are sent as the caller wrote them; credentials go where the policy has its own. */
    List<Line> kept(JdkHop hop) {
        return lines.stream()
                .filter(line -> !RequestHeaders.isFraming(line.name()))
                .filter(line -> !line.name().equalsIgnoreCase("Host")) // it names the URL's; the client writes it
                .filter(line -> !hop.isBound() || !CredentialHeaders.has(line.name()))
                .toList();
    }

    /** What the client is given: the judged URL, the headers that stay, and the credentials bound to the target. */
    HttpRequest equipped(JdkHop hop, Optional<Duration> timeout) throws EgressDeniedException {
        HttpRequest.Builder sent =
                HttpRequest.newBuilder(URI.create(hop.target().url()));
        kept(hop).forEach(line -> sent.header(line.name(), line.value()));
        sent.method(
                method, body == null ? BodyPublishers.noBody() : new RecordedPublisher(body, hop, contentEncoding()));
        if (hop.isBound() && hop.mayCarryCredentials()) {
            hop.record().attached(hop.snapshot().attach(hop.asked(), sent::setHeader));
        }
        sent.setHeader(Relay.TOKEN_HEADER, Relay.SCHEME + hop.token());
        sent.expectContinue(expectContinue);
        timeout.ifPresent(sent::timeout);
        if (scheme.equals("http")) {
            sent.version(Version.HTTP_1_1); // asking for HTTP/2 in the clear takes an Upgrade
        } else if (version != null) {
            sent.version(version);
        }
        return sent.build();
    }

    private @Nullable String contentEncoding() {
        List<String> codings = lines.stream()
                .filter(line -> line.name().equalsIgnoreCase("Content-Encoding"))
                .map(Line::value)
                .toList();
        return codings.isEmpty() ? null : String.join(",", codings);
    }

    /** The request that a response asks for; empty when it asks for none, or for one that is not followed. */
    Optional<SentRequest> redirected(int status, HttpHeaders response, Redirect redirects) {
        String location = response.firstValue("Location").orElse(null);
        if (redirects == Redirect.NEVER
                || location == null
                || !Redirects.isRedirect(status)
                || !(target instanceof Target.Read from)) {
            return Optional.empty();
        }
        URI to;
        try {
            to = URI.create(from.url()).resolve(Redirects.ascii(location));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
        String next = schemeOf(to);
        boolean downgrade = scheme.equals("https") && next.equals("http");
        if ((!next.equals("https") && !next.equals("http")) || (downgrade && redirects == Redirect.NORMAL)) {
            return Optional.empty();
        }
        return Optional.of(followUp(status, next, Target.of(to.toString()), from.origin()));
    }

    private SentRequest followUp(int status, String nextScheme, Target next, Origin from) {
        boolean keepsMethod = Redirects.keepsMethod(status, method);
        // Libraries say "no body" with an empty one, for GET too.
        BodyPublisher again = keepsMethod && body != null && body.contentLength() != 0 ? body : null;
        boolean atHome = next instanceof Target.Read read && read.origin().equals(from);
        List<Line> kept = lines.stream()
                .filter(line -> atHome || CredentialHeaders.mayCross(line.name()))
                .filter(line -> keepsMethod || !Redirects.describesBody(line.name()))
                .filter(line -> !line.name().equalsIgnoreCase("Host"))
                .toList();
        return new SentRequest(
                keepsMethod ? method : "GET", nextScheme, next, kept, again, version, keepsMethod && expectContinue);
    }
}
