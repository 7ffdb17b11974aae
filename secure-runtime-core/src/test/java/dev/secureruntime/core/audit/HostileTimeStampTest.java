package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.security.InvalidAlgorithmParameterException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.CRL;
import java.security.cert.CRLSelector;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertSelector;
import java.security.cert.CertStore;
import java.security.cert.CertStoreParameters;
import java.security.cert.CertStoreSpi;
import java.security.cert.Certificate;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.tsp.TSPAlgorithms;
import org.bouncycastle.tsp.TimeStampRequestGenerator;
import org.bouncycastle.tsp.TimeStampTokenGenerator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Time stamps whose certificates are made to keep the search for a path to a trusted one busy. */
@Timeout(60)
class HostileTimeStampTest {

    private static final byte[] HASH = new byte[32];
    private static final Instant NOW = Instant.now().truncatedTo(ChronoUnit.SECONDS);

    private static KeyPair key;
    private static X509Certificate root;
    private static long serial = 1;

    @BeforeAll
    static void makeKeys() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(256);
        key = generator.generateKeyPair();
        root = certificate("CN=Root", "CN=Root", true);
    }

    /** All certificates have one key: each is signed as if by each that bears its issuer's name. */
    private static X509Certificate certificate(String issuer, String subject, boolean authority) throws Exception {
        var builder = new JcaX509v3CertificateBuilder(
                new X500Name(issuer),
                BigInteger.valueOf(serial++),
                Date.from(NOW.minus(Duration.ofDays(1))),
                Date.from(NOW.plus(Duration.ofDays(1))),
                new X500Name(subject),
                key.getPublic());
        if (authority) {
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
        } else {
            builder.addExtension(
                    Extension.extendedKeyUsage, true, new ExtendedKeyUsage(KeyPurposeId.id_kp_timeStamping));
        }
        return new JcaX509CertificateConverter()
                .getCertificate(builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(key.getPrivate())));
    }

    private static byte[] token(X509Certificate signer, List<X509Certificate> others) throws Exception {
        var generator = new TimeStampTokenGenerator(
                new JcaSimpleSignerInfoGeneratorBuilder().build("SHA256withECDSA", key.getPrivate(), signer),
                new JcaDigestCalculatorProviderBuilder()
                        .build()
                        .get(new org.bouncycastle.asn1.x509.AlgorithmIdentifier(
                                org.bouncycastle.asn1.nist.NISTObjectIdentifiers.id_sha256)),
                new ASN1ObjectIdentifier("1.2.3"));
        List<X509Certificate> all = new ArrayList<>(others);
        all.add(signer);
        generator.addCertificates(new JcaCertStore(all));
        TimeStampRequestGenerator request = new TimeStampRequestGenerator();
        request.setCertReq(true);
        return generator
                .generate(request.generate(TSPAlgorithms.SHA256, HASH), BigInteger.ONE, Date.from(NOW))
                .getEncoded();
    }

    /** Certificates in four layers: each of a layer was issued by each of the next, and the last by nobody who is there. */
    private static List<X509Certificate> layers(int wide) throws Exception {
        List<X509Certificate> all = new ArrayList<>();
        for (int layer = 0; layer < 4; layer++) {
            for (int i = 0; i < wide; i++) {
                all.add(certificate("CN=" + (layer + 1), "CN=" + layer, true));
            }
        }
        return all;
    }

    private static TimeStampKeys.Finding check(byte[] token) {
        return new TimeStampKeys(List.of(root)).check(token, HASH);
    }

    @Test
    void check_manyCertificatesThatIssuedEachOther_endsAndTrustsNone() throws Exception {
        X509Certificate signer = certificate("CN=0", "CN=Authority", false);
        for (int wide : new int[] {1, 2, 40}) {
            assertThat(check(token(signer, layers(wide)))).isInstanceOf(TimeStampKeys.Finding.Foreign.class);
        }
        // In rings, as wide as the bound allows.
        List<X509Certificate> ring = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            ring.add(certificate("CN=" + (i + 1) % 2, "CN=" + i % 2, true));
        }
        assertThat(check(token(signer, ring))).isInstanceOf(TimeStampKeys.Finding.Foreign.class);
    }

    @Test
    void check_tooManyCertificates_saysSo() throws Exception {
        X509Certificate signer = certificate("CN=Root", "CN=Authority", false);
        List<X509Certificate> others = layers(2);
        assertThat(check(token(signer, others.subList(0, 7)))).isInstanceOf(TimeStampKeys.Finding.Valid.class);
        assertThat(check(token(signer, others)))
                .isInstanceOfSatisfying(TimeStampKeys.Finding.Foreign.class, foreign -> assertThat(foreign.reason())
                        .contains("9 certificates"));
        // Where the authority itself is pinned, nothing is searched for.
        assertThat(new TimeStampKeys(List.of(signer)).check(token(signer, others), HASH))
                .isInstanceOf(TimeStampKeys.Finding.Valid.class);
    }

    @Test
    void check_threeAuthoritiesBelowThePinnedOne_isTrusted() throws Exception {
        List<X509Certificate> above = List.of(
                certificate("CN=Root", "CN=1", true),
                certificate("CN=1", "CN=2", true),
                certificate("CN=2", "CN=3", true),
                root);
        assertThat(check(token(certificate("CN=3", "CN=Authority", false), above)))
                .isInstanceOf(TimeStampKeys.Finding.Valid.class);
    }

    @Test
    void withoutTheBound_theSearchGrowsWithTheFourthPower() throws Exception {
        X509Certificate signer = certificate("CN=0", "CN=Authority", false);
        long two = steps(signer, layers(2));
        long four = steps(signer, layers(4));
        assertThat(two).isGreaterThan(2 * 2 * 2 * 2);
        assertThat(four).isGreaterThan(4 * 4 * 4 * 4);
    }

    /** How often a search without bounds asks for certificates. */
    private static long steps(X509Certificate signer, List<X509Certificate> others) throws Exception {
        AtomicLong asked = new AtomicLong();
        CertStoreSpi counting = new CertStoreSpi(null) {
            @Override
            public Collection<? extends Certificate> engineGetCertificates(CertSelector selector) {
                asked.incrementAndGet();
                return others.stream().filter(selector::match).toList();
            }

            @Override
            public Collection<? extends CRL> engineGetCRLs(CRLSelector selector) {
                return List.of();
            }
        };
        X509CertSelector target = new X509CertSelector();
        target.setCertificate(signer);
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(Set.of(new TrustAnchor(root, null)), target);
        parameters.addCertStore(new Store(counting));
        parameters.setRevocationEnabled(false);
        parameters.setDate(Date.from(NOW));
        try {
            CertPathBuilder.getInstance("PKIX").build(parameters);
            throw new AssertionError("nothing leads to the root");
        } catch (CertPathBuilderException e) {
            return asked.get();
        }
    }

    private static final class Store extends CertStore {
        Store(CertStoreSpi counting) throws InvalidAlgorithmParameterException {
            super(counting, null, "Counting", (CertStoreParameters) null);
        }
    }
}
