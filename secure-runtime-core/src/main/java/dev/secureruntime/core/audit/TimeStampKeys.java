package dev.secureruntime.core.audit;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.tsp.TSPAlgorithms;
import org.bouncycastle.tsp.TSPException;
import org.bouncycastle.tsp.TimeStampToken;
import org.jspecify.annotations.Nullable;

/**
 * The certificates of time-stamping authorities that are trusted: of an authority itself, or of a CA above it.
 *
 * <p>What holds for a valid token: it is over exactly the given SHA-256, its signature by a digest of the SHA-2 family is that
 * of an authority whose certificate was valid then, is named in the token (ESSCertID, RFC 3161 and 5816), has the one
 * critical extended key usage of time stamping, and is pinned or leads to a pinned CA. What does not: revocation is not looked
 * up; a token that brings more than {@value #MAX_CERTIFICATES} certificates is not trusted unless the authority itself is
 * pinned, since the search for a path through hostile ones takes longer with a power of their number. Immutable and thread-safe. Needs {@code bcpkix}, which is optional otherwise.
 */
final class TimeStampKeys {

    private static final Set<String> DIGESTS = Set.of(
            NISTObjectIdentifiers.id_sha256.getId(),
            NISTObjectIdentifiers.id_sha384.getId(),
            NISTObjectIdentifiers.id_sha512.getId());

    /** Authorities send their own and those of the few CAs above. */
    static final int MAX_CERTIFICATES = 8;

    private final List<X509Certificate> pinned;

    TimeStampKeys(List<X509Certificate> pinned) {
        this.pinned = List.copyOf(pinned);
    }

    /** Reads certificates in PEM or DER. */
    static TimeStampKeys parse(byte[] certificates) {
        List<X509Certificate> found = new ArrayList<>();
        try {
            CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(certificates))
                    .forEach(certificate -> found.add((X509Certificate) certificate));
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("expected certificates in PEM or DER", e);
        }
        if (found.isEmpty()) {
            throw new IllegalArgumentException("expected certificates in PEM or DER, found none");
        }
        return new TimeStampKeys(found);
    }

    /** What a token is worth. */
    sealed interface Finding {
        /** It is good, by the clock of a trusted authority. */
        record Valid(Instant time, String authority) implements Finding {}

        /** It is by an authority that isn't trusted here; nothing can be said about it. */
        record Foreign(String reason) implements Finding {}

        /** It is not what it claims to be. */
        record Invalid(String reason) implements Finding {}
    }

    /** Checks a token in DER against the SHA-256 that it should be over. */
    Finding check(byte[] der, byte[] sha256) {
        try {
            TimeStampToken token = new TimeStampToken(ContentInfo.getInstance(ASN1Primitive.fromByteArray(der)));
            if (!TSPAlgorithms.SHA256.equals(token.getTimeStampInfo().getMessageImprintAlgOID())
                    || !Arrays.equals(token.getTimeStampInfo().getMessageImprintDigest(), sha256)) {
                return new Finding.Invalid("the time stamp is over something else");
            }
            X509Certificate signer = signer(token);
            if (signer == null) {
                int given = token.getCertificates().getMatches(null).size();
                return new Finding.Foreign("the time stamp is by "
                        + token.getSID().getIssuer() + " number "
                        + token.getSID().getSerialNumber()
                        + ", which isn't trusted"
                        + (given > MAX_CERTIFICATES
                                ? "; it brings " + given
                                        + " certificates, and no path is searched for through more than "
                                        + MAX_CERTIFICATES
                                : ""));
            }
            for (SignerInformation information : token.toCMSSignedData().getSignerInfos()) {
                if (!DIGESTS.contains(information.getDigestAlgOID())) {
                    return new Finding.Invalid("the time stamp is signed with a digest that is not of SHA-2");
                }
            }
            token.validate(new JcaSimpleSignerInfoVerifierBuilder().build(signer));
            return new Finding.Valid(
                    token.getTimeStampInfo().getGenTime().toInstant(),
                    signer.getSubjectX500Principal().getName());
        } catch (TSPException
                | IOException
                | GeneralSecurityException
                | OperatorCreationException
                | RuntimeException e) {
            // Parsers of hostile bytes end in many ways; each of them says that it is no good token.
            return new Finding.Invalid("not a valid time stamp: " + e.getMessage());
        }
    }

    /** The signer's certificate: pinned itself, or from the token and under a pinned one; null when neither. */
    private @Nullable X509Certificate signer(TimeStampToken token) throws GeneralSecurityException {
        for (X509Certificate certificate : pinned) {
            if (token.getSID().match(new JcaX509CertificateHolder(certificate))) {
                return certificate;
            }
        }
        Collection<X509CertificateHolder> brought = token.getCertificates().getMatches(null);
        if (brought.size() > MAX_CERTIFICATES) {
            return null;
        }
        List<X509Certificate> given = new ArrayList<>();
        for (X509CertificateHolder holder : brought) {
            given.add(new JcaX509CertificateConverter().getCertificate(holder));
        }
        for (X509Certificate certificate : given) {
            if (token.getSID().match(new JcaX509CertificateHolder(certificate))
                    && isUnderPinned(certificate, given, token)) {
                return certificate;
            }
        }
        return null;
    }

    private boolean isUnderPinned(X509Certificate signer, List<X509Certificate> given, TimeStampToken token)
            throws GeneralSecurityException {
        Set<TrustAnchor> roots = new HashSet<>();
        pinned.forEach(certificate -> roots.add(new TrustAnchor(certificate, null)));
        X509CertSelector target = new X509CertSelector();
        target.setCertificate(signer);
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(roots, target);
        parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(given)));
        parameters.setRevocationEnabled(false);
        parameters.setDate(token.getTimeStampInfo().getGenTime());
        try {
            CertPathBuilder.getInstance("PKIX").build(parameters);
            return true;
        } catch (java.security.cert.CertPathBuilderException e) {
            return false;
        }
    }
}
