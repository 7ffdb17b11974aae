package dev.secureruntime.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.egress.EgressProxy;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What of the approved proxy's login is looked for in what leaves. */
class ProxyLoginTest {

    @ParameterizedTest
    @CsvSource(
            textBlock =
                    """
            # login                , text                       , looked for
            user:correct-horse     , user:correct-horse         , true
            user:correct-horse     , correct-horse              , true
            user:correct-horse     , say correct-horse.         , true
            user:correct-horse     , correct-hors               , false
            user:correct:horse     , correct:horse              , true
            long-user-name:horse   , horse                      , false
            long-user-name:horse   , long-user-name:horse       , true
            long-user-name:        , long-user-name             , false
            just-one-long-token    , just-one-long-token        , true
            """)
    void login_isKnownAsAWhole_andByItsPassword_fromEightBytesOn(String login, String text, boolean lookedFor) {
        SecretWatch watch = new SecretWatch();

        ApprovedProxy.of(
                EgressProxy.at("proxy.example:3128").login(() -> login.getBytes(StandardCharsets.US_ASCII)), watch);

        assertThat(watch.occursIn(text.getBytes(StandardCharsets.US_ASCII))).isEqualTo(lookedFor);
    }
}
