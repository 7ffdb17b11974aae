package dev.secureruntime.core.egress;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The categories that are built in. Most are lists of names, read only by a policy that needs them; {@code
 * cloud-metadata} also holds addresses, and {@code raw-ip} is a form and has no list.
 */
enum Category {
    /** Hosts of large language models, curated; a name belongs to it exactly, not with all below it. */
    LLM_PROVIDER("llm-provider", "llm-provider.txt"),
    ANONYMOUS_WEB_PROXY("anonymous-web-proxy", "anonymous-web-proxy.maltrail.txt"),
    CHAT_WEBHOOK("chat-webhook"),
    DOH_RESOLVER("doh-resolver", "doh-resolver.crypt0rr.txt"),
    DYNAMIC_DNS("dynamic-dns", "dynamic-dns.misp.txt"),
    FILE_DROP("file-drop"),
    FREE_WEB_HOSTING("free-web-hosting", "free-web-hosting.maltrail.txt"),
    IPFS_GATEWAY("ipfs-gateway", "ipfs-gateway.misp.txt"),
    LINK_IN_BIO("link-in-bio", "link-in-bio.misp.txt"),
    LIVING_OFF_TRUSTED_SITES("living-off-trusted-sites", "living-off-trusted-sites.misp.txt", "object-storage.txt"),
    PASTE_SITE("paste-site"),
    TUNNEL("tunnel", "tunnel.maltrail.txt"),
    TUNNEL_DNS("tunnel-dns", "tunnel-dns.maltrail.txt"),
    URL_SHORTENER("url-shortener", "url-shortener.misp.txt"),
    WEBHOOK_CATCHER("webhook-catcher"),
    WHATS_MY_IP("whats-my-ip", "whats-my-ip.maltrail.txt", "whats-my-ip.misp.txt"),
    /** Names that resolve to an address written in them, or to several in turn. */
    WILDCARD_DNS("wildcard-dns", "wildcard-dns.txt"),
    CLOUD_METADATA("cloud-metadata", "cloud-metadata.txt"),
    RAW_IP("raw-ip");

    private final String label;
    private final List<String> files;

    Category(String label, String... files) {
        this.label = label;
        this.files = List.of(files);
    }

    /** The name that policies write. */
    String label() {
        return label;
    }

    /** The resources, beside this class in {@code categories}, that list its names. */
    List<String> files() {
        return files;
    }

    long bit() {
        return 1L << ordinal();
    }

    /** Whether a name below a listed one belongs to the category too. */
    boolean coversSubdomains() {
        return this != LLM_PROVIDER;
    }

    /** Whether a wildcard in {@code allow} stops short of it. */
    boolean isDeniedToWildcards() {
        return this != LLM_PROVIDER && this != RAW_IP;
    }

    /** Whether a rule may allow it as a whole; metadata and bare addresses are opened one by one, with {@code cidr}. */
    boolean mayBeAllowed() {
        return this != CLOUD_METADATA && this != RAW_IP;
    }

    static Optional<Category> named(String label) {
        return Arrays.stream(values()).filter(c -> c.label.equals(label)).findFirst();
    }
}
