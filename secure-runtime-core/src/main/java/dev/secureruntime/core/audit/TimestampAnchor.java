package dev.secureruntime.core.audit;

import dev.secureruntime.audit.Anchor;
import dev.secureruntime.audit.AnchorEvidence;
import dev.secureruntime.audit.SealedCheckpoint;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.math.BigInteger;
import java.net.URI;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.bouncycastle.tsp.TSPAlgorithms;
import org.bouncycastle.tsp.TSPException;
import org.bouncycastle.tsp.TimeStampRequest;
import org.bouncycastle.tsp.TimeStampRequestGenerator;
import org.bouncycastle.tsp.TimeStampResponse;

/**
 * Has checkpoints time-stamped by an authority: RFC 3161 over HTTP, over the SHA-256 of the checkpoint's signed text.
 *
 * <p>What holds: the log up to that checkpoint existed at that time, by the authority's clock; who has all keys of the log
 * today can't give a rewritten past an older time stamp. What does not: an authority stamps whatever it is sent and keeps
 * nothing, so it never finds a rolled-back log by itself; the time stamps that the log lacks, or that are too young for its
 * records, show it. Revocation of the authority's certificate is not looked up.
 *
 * <p>Answers are taken only with the request's nonce and digest, signed by a pinned certificate or one under a pinned CA, with
 * a time within ten minutes of this machine's. Thread-safe. Needs {@code org.bouncycastle:bcpkix-jdk18on} beside the library.
 */
public final class TimestampAnchor implements Anchor {

    private static final Duration CLOCK = Duration.ofMinutes(10);
    private static final int NONCE_BITS = 64;

    private final AnchorHttp http;
    private final TimeStampKeys trusted;
    private final InstantSource clock;
    private final SecureRandom random = new SecureRandom();

    private TimestampAnchor(AnchorHttp http, TimeStampKeys trusted, InstantSource clock) {
        this.http = http;
        this.trusted = trusted;
        this.clock = clock;
    }

    /**
     * A time-stamping authority.
     *
     * @param address http or https; the answers are signed
     * @param trusted certificates of the authority itself, or of a CA above it
     * @throws SecureRuntimeException {@code SR-RUNTIME-001} when {@code bcpkix} is not on the class path
     */
    public static TimestampAnchor at(URI address, List<X509Certificate> trusted) {
        return at(address, trusted, Duration.ofSeconds(10), InstantSource.system());
    }

    static TimestampAnchor at(URI address, List<X509Certificate> trusted, Duration limit, InstantSource clock) {
        requireLibrary();
        return new TimestampAnchor(new AnchorHttp(address, limit), new TimeStampKeys(trusted), clock);
    }

    static void requireLibrary() {
        try {
            Class.forName("org.bouncycastle.tsp.TimeStampToken");
        } catch (ClassNotFoundException e) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED,
                    "Time stamps need a library that is not there: add org.bouncycastle:bcpkix-jdk18on",
                    e);
        }
    }

    @Override
    public AnchorEvidence take(SealedCheckpoint checkpoint) throws IOException {
        byte[] hash = checkpoint.hash();
        TimeStampRequestGenerator generator = new TimeStampRequestGenerator();
        generator.setCertReq(true);
        TimeStampRequest request = generator.generate(TSPAlgorithms.SHA256, hash, new BigInteger(NONCE_BITS, random));
        AnchorHttp.Answer answer =
                http.post("application/timestamp-query", request.getEncoded(), StoredEvidence.MAX_BYTES);
        if (answer.status() != 200 || !answer.contentType().startsWith("application/timestamp-reply")) {
            throw new IOException(
                    "the authority " + http.host() + " answered " + answer.status() + " and no time stamp");
        }
        byte[] token = token(request, answer.body());
        TimeStampKeys.Finding finding = trusted.check(token, hash);
        if (finding instanceof TimeStampKeys.Finding.Valid valid) {
            Duration off = Duration.between(valid.time(), clock.instant()).abs();
            if (off.compareTo(CLOCK) > 0) {
                throw new IOException("the time stamp is of " + valid.time() + ", which is " + off
                        + " from this machine's time: one of the clocks is wrong");
            }
            return new AnchorEvidence.TimeStamped(token);
        }
        throw new IOException(
                finding instanceof TimeStampKeys.Finding.Foreign foreign
                        ? foreign.reason()
                        : ((TimeStampKeys.Finding.Invalid) finding).reason());
    }

    private byte[] token(TimeStampRequest request, byte[] body) throws IOException {
        try {
            TimeStampResponse response = new TimeStampResponse(body);
            // Status, nonce, digest and policy must be those that were asked for.
            response.validate(request);
            if (response.getTimeStampToken() == null) {
                throw new IOException("the authority " + http.host() + " gave no time stamp, status "
                        + response.getStatus() + " " + response.getStatusString());
            }
            return response.getTimeStampToken().getEncoded();
        } catch (TSPException | RuntimeException e) {
            throw new IOException(
                    "the authority " + http.host() + " answered no good time stamp: " + e.getMessage(), e);
        }
    }
}
