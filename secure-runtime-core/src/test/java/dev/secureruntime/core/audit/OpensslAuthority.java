package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** A time-stamping authority: {@code openssl ts} behind a server on the loopback interface. */
final class OpensslAuthority implements AutoCloseable {

    private final Path work;
    private final HttpServer server;
    volatile UnaryOperator<byte[]> query = body -> body;
    volatile UnaryOperator<byte[]> reply = body -> body;
    volatile String contentType = "application/timestamp-reply";

    /** Makes a CA and an authority under it whose certificate has these extensions. */
    OpensslAuthority(Path work, String extendedKeyUsage) throws Exception {
        this.work = Files.createDirectories(work);
        Files.writeString(
                work.resolve("config"),
                """
                [req]
                distinguished_name = dn
                [dn]
                [ca]
                basicConstraints = critical,CA:TRUE
                [tsa]
                basicConstraints = CA:FALSE
                keyUsage = critical,digitalSignature
                extendedKeyUsage = %s
                [authority]
                serial = %s
                crypto_device = builtin
                signer_digest = sha256
                default_policy = 1.2.3.4.1
                digests = sha256, sha512
                ess_cert_id_chain = no
                ess_cert_id_alg = sha256
                """
                        .formatted(extendedKeyUsage, file("serial")));
        Files.writeString(work.resolve("serial"), "01\n");
        openssl(
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=Test CA",
                "-config",
                file("config"),
                "-extensions",
                "ca",
                "-keyout",
                file("ca.key"),
                "-out",
                file("ca.pem"));
        openssl(
                "req",
                "-new",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-subj",
                "/CN=Test TSA",
                "-config",
                file("config"),
                "-keyout",
                file("tsa.key"),
                "-out",
                file("tsa.csr"));
        openssl(
                "x509",
                "-req",
                "-in",
                file("tsa.csr"),
                "-CA",
                file("ca.pem"),
                "-CAkey",
                file("ca.key"),
                "-CAcreateserial",
                "-days",
                "2",
                "-extfile",
                file("config"),
                "-extensions",
                "tsa",
                "-out",
                file("tsa.pem"));
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    String file(String name) {
        return work.resolve(name).toString();
    }

    OtherPrograms.Run openssl(String... arguments) throws Exception {
        OtherPrograms.Run run = tryOpenssl(arguments);
        assertThat(run.code()).as(run.out()).isZero();
        return run;
    }

    static OtherPrograms.Run tryOpenssl(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(List.of(arguments));
        return OtherPrograms.run(Map.of(), command);
    }

    private void answer(HttpExchange exchange) throws IOException {
        try {
            Files.write(
                    work.resolve("query"), query.apply(exchange.getRequestBody().readAllBytes()));
            openssl(
                    "ts",
                    "-reply",
                    "-queryfile",
                    file("query"),
                    "-config",
                    file("config"),
                    "-section",
                    "authority",
                    "-signer",
                    file("tsa.pem"),
                    "-inkey",
                    file("tsa.key"),
                    "-chain",
                    file("ca.pem"),
                    "-out",
                    file("reply"));
            byte[] body = reply.apply(Files.readAllBytes(work.resolve("reply")));
            exchange.getResponseHeaders().set("Content-Type", contentType);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
        } catch (Exception | AssertionError e) {
            exchange.sendResponseHeaders(500, -1);
        } finally {
            exchange.close();
        }
    }

    URI address() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
    }

    X509Certificate certificate(String name) throws Exception {
        try (var in = Files.newInputStream(work.resolve(name))) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
