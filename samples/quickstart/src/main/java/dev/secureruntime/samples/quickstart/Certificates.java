package dev.secureruntime.samples.quickstart;

import javax.net.ssl.SSLContext;
import javax.net.ssl.X509TrustManager;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;

/** A certificate authority for this run, and one certificate for all the names that the sample serves. */
final class Certificates {

    private final HandshakeCertificates client;
    private final HandshakeCertificates server;

    Certificates(String... names) {
        HeldCertificate root = new HeldCertificate.Builder()
                .certificateAuthority(0)
                .commonName("quickstart root")
                .build();
        HeldCertificate.Builder certificate = new HeldCertificate.Builder().signedBy(root);
        for (String name : names) {
            certificate.addSubjectAlternativeName(name);
        }
        this.client = new HandshakeCertificates.Builder()
                .addTrustedCertificate(root.certificate())
                .build();
        this.server = new HandshakeCertificates.Builder()
                .heldCertificate(certificate.build())
                .build();
    }

    X509TrustManager trustManager() {
        return client.trustManager();
    }

    SSLContext serverContext() {
        return server.sslContext();
    }
}
