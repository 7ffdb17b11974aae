package dev.secureruntime.core.http;

import dev.secureruntime.core.egress.TargetUrl;
import dev.secureruntime.egress.EgressRequest;
import java.util.List;
import java.util.Locale;

/**
 * The target of a request whose client hands its URL on as text, read once, strictly: the client must be given what {@link
 * Read#url} prints, so that it connects to what was judged. A client that parses URLs itself is asked for the parts
 * instead.
 */
public sealed interface Target {

    /** Reads a URL as it stands, nothing stripped. A fragment stays at home. */
    static Target of(String url) {
        int fragment = url.indexOf('#');
        String sent = fragment < 0 ? url : url.substring(0, fragment);
        TargetUrl target = TargetUrl.parse(sent);
        if (target instanceof TargetUrl.Parsed parsed) {
            Origin origin = new Origin(parsed.scheme(), parsed.host(), parsed.port());
            int query = sent.indexOf('?');
            return new Read(origin, parsed.path(), query < 0 ? "" : sent.substring(query));
        }
        return new Refused(((TargetUrl.Refused) target).why());
    }

    /**
     * A target on which parsers agree.
     *
     * @param origin scheme, host and port
     * @param path the path as written, {@code /} when empty
     * @param query the query with its question mark; empty when there is none
     */
    record Read(Origin origin, String path, String query) implements Target {

        /** The URL, written in the one way that is handed to the client. */
        public String url() {
            return origin.scheme() + "://" + origin.authority() + path + query;
        }

        /** The question whether a component may send a request here. */
        public EgressRequest asked(String component, String method, List<String> redirectedFrom) {
            return new EgressRequest(
                    component,
                    method.toUpperCase(Locale.ROOT),
                    origin.scheme(),
                    origin.host(),
                    origin.port(),
                    path,
                    redirectedFrom);
        }
    }

    /**
     * A URL that is refused.
     *
     * @param why what is wrong with it; quotes nothing of it
     */
    record Refused(String why) implements Target {

        /** The question that the refusal answers, for the record: what can't be read is left out. */
        public EgressRequest asked(String component, String method, String scheme, List<String> redirectedFrom) {
            return new EgressRequest(
                    component, method.toUpperCase(Locale.ROOT), scheme, "unreadable", 0, "/", redirectedFrom);
        }
    }
}
