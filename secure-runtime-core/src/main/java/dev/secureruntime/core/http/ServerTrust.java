package dev.secureruntime.core.http;

import dev.secureruntime.core.Gate;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/**
 * Which servers are believed, and TLS set up with that. Made here, not by a client library, whose own way may ask objects
 * that any code can replace.
 *
 * @param manager decides on certificates
 * @param context a context that asks it
 */
public record ServerTrust(X509TrustManager manager, SSLContext context) {

    /** As the runtime was told, or the platform's. */
    public static ServerTrust of(Gate gate) {
        String debug = System.getProperty("javax.net.debug");
        if (debug != null && !debug.isEmpty()) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED,
                    "javax.net.debug is set: TLS would print requests with their keys; start without it");
        }
        X509TrustManager given = gate.trustManager();
        X509TrustManager manager = given == null ? platform() : given;
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {manager}, null);
            return new ServerTrust(manager, context);
        } catch (GeneralSecurityException e) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED, "TLS can't be set up with this trust manager", e);
        }
    }

    private static X509TrustManager platform() {
        try {
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init((KeyStore) null);
            for (TrustManager manager : factory.getTrustManagers()) {
                if (manager instanceof X509TrustManager x509) {
                    return x509;
                }
            }
        } catch (GeneralSecurityException e) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED, "the platform's trust store can't be used", e);
        }
        throw new SecureRuntimeException(ErrorCode.RUNTIME_MISCONFIGURED, "the platform has no X.509 trust manager");
    }
}
