package dev.secureruntime.core;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.security.PrivateKey;

/** The directions of the house. */
@AnalyzeClasses(packages = "dev.secureruntime", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    private static final String[] FEATURES = {
        "dev.secureruntime.core.audit..",
        "dev.secureruntime.core.egress..",
        "dev.secureruntime.core.policy..",
        "dev.secureruntime.core.secret..",
        "dev.secureruntime.core.credential..",
        "dev.secureruntime.core.genai.."
    };

    private static final String[] ADAPTERS = {
        "dev.secureruntime.core.okhttp..",
        "dev.secureruntime.core.anthropic..",
        "dev.secureruntime.core.jdkhttp..",
        "dev.secureruntime.core.apache..",
        "dev.secureruntime.core.awssdk.."
    };

    @ArchTest
    static final ArchRule packages_haveNoCycles =
            slices().matching("dev.secureruntime.(**)").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule api_dependsOnTheJdkOnly = classes()
            .that()
            .resideInAPackage("dev.secureruntime..")
            .and()
            .resideOutsideOfPackage("dev.secureruntime.core..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage("java..", "javax.net..", "org.jspecify..", "dev.secureruntime", "dev.secureruntime..")
            .andShould()
            .onlyDependOnClassesThat()
            .resideOutsideOfPackage("dev.secureruntime.core..");

    @ArchTest
    static final ArchRule features_knowNothingOfTheWiringOrTheAdapters = noClasses()
            .that()
            .resideInAnyPackage(FEATURES)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("dev.secureruntime.core", "dev.secureruntime.core.http..")
            .orShould()
            .dependOnClassesThat()
            .resideInAnyPackage(ADAPTERS);

    @ArchTest
    static final ArchRule features_knowNothingOfEachOther = slices().matching(
                    "dev.secureruntime.core.(audit|egress|policy|secret|credential|genai)..")
            .should()
            .notDependOnEachOther();

    @ArchTest
    static final ArchRule adapters_knowTheWiringOnly = noClasses()
            .that()
            .resideInAnyPackage(ADAPTERS)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "dev.secureruntime.core.audit..",
                    "dev.secureruntime.core.egress..",
                    "dev.secureruntime.core.policy..",
                    "dev.secureruntime.core.secret..",
                    "dev.secureruntime.core.credential..");

    @ArchTest
    static final ArchRule okHttp_staysInItsAdapters = noClasses()
            .that()
            .resideOutsideOfPackages("dev.secureruntime.core.okhttp..", "dev.secureruntime.core.anthropic..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("okhttp3..", "okio..");

    @ArchTest
    static final ArchRule apacheHttpClient_staysInItsAdapters = noClasses()
            .that()
            .resideOutsideOfPackages("dev.secureruntime.core.apache..", "dev.secureruntime.core.awssdk..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.apache.hc..");

    @ArchTest
    static final ArchRule awsSdk_staysInItsAdapter = noClasses()
            .that()
            .resideOutsideOfPackage("dev.secureruntime.core.awssdk..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("software.amazon.awssdk..");

    /** The AWS SDK's adapter is a caller of guarded Apache clients, and needs no gate of its own. */
    @ArchTest
    static final ArchRule awsSdkAdapter_hasNoGate = noClasses()
            .that()
            .resideInAPackage("dev.secureruntime.core.awssdk..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("dev.secureruntime.core", "dev.secureruntime.core.http..");

    @ArchTest
    static final ArchRule sharedHttp_knowsNoClientAndNoAdapter = noClasses()
            .that()
            .resideInAPackage("dev.secureruntime.core.http..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("okhttp3..", "okio..", "java.net.http..", "org.apache..", "software.amazon..")
            .orShould()
            .dependOnClassesThat()
            .resideInAnyPackage(ADAPTERS);

    @ArchTest
    static final ArchRule jackson_staysInThePolicyReader = noClasses()
            .that()
            .resideOutsideOfPackage("dev.secureruntime.core.policy..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("com.fasterxml.jackson..");

    @ArchTest
    static final ArchRule bouncyCastle_staysInTheAuditLog = noClasses()
            .that()
            .resideOutsideOfPackage("dev.secureruntime.core.audit..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.bouncycastle..");

    /** What the bytes of a log mean can be read, and trusted, without a look at what is done with them. */
    @ArchTest
    static final ArchRule auditFormat_isPure = noClasses()
            .that()
            .resideInAPackage("dev.secureruntime.core.audit.format..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "dev.secureruntime.core.audit",
                    "java.nio.file..",
                    "java.nio.channels..",
                    "java.net..",
                    "java.util.concurrent..")
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(PrivateKey.class);
}
