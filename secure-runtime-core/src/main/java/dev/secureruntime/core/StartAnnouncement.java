package dev.secureruntime.core;

import dev.secureruntime.RuntimeSettings;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.OnAuditFailure;
import dev.secureruntime.policy.Policy;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a runtime says of itself when it starts: what is in force, and what it doesn't see. */
final class StartAnnouncement {

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");

    private StartAnnouncement() {}

    /** Says it in the audit log, whose first record of this run it is, and in the developer's log. */
    static void of(
            PolicySnapshot snapshot, RuntimeSettings settings, @Nullable ApprovedProxy egressProxy, EventLine events) {
        Policy policy = snapshot.policy();
        List<String> okHttps = DuplicateClasses.find("okhttp3/OkHttpClient.class");
        AuditEvent.Builder start = AuditEvent.of("runtime.start");
        if (egressProxy != null) {
            start.attribute("secure_runtime.proxy", egressProxy.toString())
                    .attribute("secure_runtime.not_judged", List.of("addresses"));
        }
        events.publish(start.attribute("secure_runtime.policy.source", policy.source())
                .attribute("secure_runtime.policy.version", snapshot.version().toString())
                .attribute("secure_runtime.policy.sha256", snapshot.version().sha256())
                .attribute(
                        "secure_runtime.components",
                        List.copyOf(policy.components().keySet()))
                .attribute("secure_runtime.tier", "library")
                .attribute(
                        "secure_runtime.audit.on_failure",
                        settings.onAuditFailure().name().toLowerCase(Locale.ROOT))
                .build());
        LOG.info(
                "secure-runtime is up: policy {} of {}, components {}, audit log {}. A guard, not a sandbox: only calls through guarded"
                        + " clients are judged and recorded; code that opens its own sockets is not seen.",
                snapshot.version(),
                policy.source(),
                policy.components().keySet(),
                settings.audit().directory());
        if (egressProxy != null) {
            LOG.warn(
                    "guarded requests go through the proxy {}: hosts are judged by name, and their addresses by nobody here,"
                            + " since the proxy looks them up; let it refuse private and metadata addresses",
                    egressProxy);
        }
        if (settings.onAuditFailure() == OnAuditFailure.PROCEED_UNRECORDED) {
            LOG.warn("guarded calls go on unrecorded when the audit log can't be written (PROCEED_UNRECORDED)");
        }
        snapshot.egress().warnings().forEach(LOG::warn);
        if (okHttps.size() > 1) {
            LOG.warn("OkHttp is on the class path {} times, the first one is used: {}", okHttps.size(), okHttps);
        }
    }
}
