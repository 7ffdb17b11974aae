package dev.secureruntime.core.apache;

import dev.secureruntime.core.http.CredentialHeaders;
import dev.secureruntime.core.http.Origin;
import dev.secureruntime.core.http.Redirects;
import dev.secureruntime.core.http.RequestHeaders;
import dev.secureruntime.core.http.Target;
import dev.secureruntime.egress.EgressRequest;
import java.net.IDN;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.hc.client5.http.utils.URIUtils;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.message.BasicHeader;
import org.apache.hc.core5.net.URIAuthority;
import org.jspecify.annotations.Nullable;

/**
 * A request as it was read, once: a caller's request and target are the caller's code, which could say something else the
 * second time.
 *
 * @param method in upper case
 * @param scheme for the record, where the target can't be read
 * @param target where the request goes; a connection is opened with these very parts
 * @param headers copies
 * @param body null when there is none
 */
record Outgoing(
        String method, String scheme, Target target, List<Header> headers, @Nullable RecordedRequestEntity body) {

    /** Reads a caller's request, and that it is meant for {@code host}. */
    static Outgoing read(HttpHost host, ClassicHttpRequest request) {
        String scheme = known(lower(host.getSchemeName()));
        List<Header> headers = new ArrayList<>();
        for (Header header : request.getHeaders()) {
            String value = header.getValue();
            headers.add(new BasicHeader(header.getName(), value == null ? "" : value));
        }
        HttpEntity entity = request.getEntity();
        RecordedRequestEntity body = entity == null ? null : new RecordedRequestEntity(entity);
        return new Outgoing(request.getMethod().toUpperCase(Locale.ROOT), scheme, target(host, request), headers, body);
    }

    private static Target target(HttpHost host, ClassicHttpRequest request) {
        if (host.getAddress() != null) {
            return new Target.Refused("the target brings an address of its own, whatever its name is");
        }
        String scheme = lower(host.getSchemeName());
        String name = lower(host.getHostName());
        int port = port(scheme, host.getPort());
        String path = request.getPath();
        if (path == null || path.isEmpty()) {
            path = "/";
        } else if (path.startsWith("?")) {
            path = "/" + path;
        }
        URIAuthority own = request.getAuthority();
        if (own != null && own.getUserInfo() != null) {
            return new Target.Refused("the URL carries a user name or password");
        }
        String ownScheme = request.getScheme();
        if ((own != null && !(lower(own.getHostName()).equals(name) && port(scheme, own.getPort()) == port))
                || (ownScheme != null && !lower(ownScheme).equals(scheme))) {
            return new Target.Refused("the target and the request's own authority are two");
        }
        return strict(scheme, ascii(name), port, path);
    }

    /**
     * A name's {@code xn--} form, which Apache turned into characters: of a name that has no other form. Any other stays as it
     * is, and is refused.
     */
    private static String ascii(String name) {
        try {
            String ascii = IDN.toASCII(name);
            return IDN.toUnicode(ascii).equals(name) ? ascii : name;
        } catch (IllegalArgumentException e) {
            return name;
        }
    }

    /** The target that the parts are, where a strict parser finds the same parts in them. */
    private static Target strict(String scheme, String name, int port, String path) {
        boolean literal = name.indexOf(':') >= 0;
        String host = literal && !name.startsWith("[") ? "[" + name + "]" : name;
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            if (c <= ' ' || c >= 0x7f || c == '#') {
                return new Target.Refused("the path has characters that must be escaped");
            }
        }
        Target target = Target.of(scheme + "://" + host + ":" + port + path);
        if (target instanceof Target.Read read
                && !(sent(read).equals(path) && read.origin().port() == port && names(read.origin(), name))) {
            return new Target.Refused("host and path are not what they are when they are written as a URL");
        }
        return target;
    }

    private static boolean names(Origin origin, String name) {
        return origin.host().equals(name) || ("[" + origin.host() + "]").equals(name);
    }

    private static String lower(@Nullable String text) {
        return text == null ? "" : text.toLowerCase(Locale.ROOT);
    }

    /** A scheme for the record, which is no place for what a caller or a server makes up. */
    private static String known(String scheme) {
        return scheme.equals("https") || scheme.equals("http") ? scheme : "other";
    }

    private static int port(String scheme, int port) {
        return port >= 0 ? port : scheme.equals("http") ? 80 : 443;
    }

    /** What stands in the request line. */
    static String sent(Target.Read target) {
        return target.path() + target.query();
    }

    /** The question whether a component may send this. */
    EgressRequest asked(String component, List<String> redirectedFrom) {
        return target instanceof Target.Read read
                ? read.asked(component, method, redirectedFrom)
                : ((Target.Refused) target).asked(component, method, scheme, redirectedFrom);
    }

    /** What is wrong with the request's form, its method aside; null when nothing is. */
    @Nullable
    String fault() {
        if (target instanceof Target.Refused refused) {
            return refused.why();
        }
        for (Header header : headers) {
            if (header.getValue().chars().anyMatch(c -> c > 0xff || (c >= 0x80 && c < 0xa0))) {
                return "a header's value has characters that HTTP/1.1 can't carry";
            }
        }
        return RequestHeaders.fault(lines(), method, ((Target.Read) target).origin());
    }

    /** All values of a header in one; null when it has none. */
    @Nullable
    String header(String name) {
        List<String> values = headers.stream()
                .filter(header -> header.getName().equalsIgnoreCase(name))
                .map(Header::getValue)
                .toList();
        return values.isEmpty() ? null : String.join(",", values);
    }

    /** The URL as it will be written; empty where it is refused, and nothing will be. */
    String url() {
        return target instanceof Target.Read read ? read.url() : "";
    }

    RequestHeaders.Lines lines() {
        return new Lines(headers);
    }

    /** The request that a redirect asks for, with what may go along; empty when it asks for none that can be sent. */
    Optional<Outgoing> next(int status, @Nullable String location) {
        if (!Redirects.isRedirect(status) || location == null || !(target instanceof Target.Read from)) {
            return Optional.empty();
        }
        String url;
        try {
            url = URIUtils.resolve(URI.create(from.url()), URI.create(Redirects.ascii(location)))
                    .toString();
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // no URL: the caller gets the redirect itself
        }
        boolean keepsMethod = Redirects.keepsMethod(status, method);
        if (keepsMethod && body != null && !body.isRepeatable()) {
            return Optional.empty(); // it can't be sent again
        }
        Target to = Target.of(url);
        boolean stays = to instanceof Target.Read read && read.origin().equals(from.origin());
        List<Header> along = new ArrayList<>();
        for (Header header : headers) {
            boolean goes =
                    stays ? !header.getName().equalsIgnoreCase("Host") : CredentialHeaders.mayCross(header.getName());
            if (goes && (keepsMethod || !Redirects.describesBody(header.getName()))) {
                along.add(header);
            }
        }
        String scheme = known(lower(url.substring(0, Math.max(0, url.indexOf(':')))));
        return Optional.of(new Outgoing(keepsMethod ? method : "GET", scheme, to, along, keepsMethod ? body : null));
    }

    private record Lines(List<Header> headers) implements RequestHeaders.Lines {

        @Override
        public int size() {
            return headers.size();
        }

        @Override
        public String name(int line) {
            return headers.get(line).getName();
        }

        @Override
        public String value(int line) {
            return headers.get(line).getValue();
        }
    }
}
