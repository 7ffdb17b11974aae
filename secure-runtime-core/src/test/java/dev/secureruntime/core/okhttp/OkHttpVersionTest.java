package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;

import okhttp3.OkHttp;
import org.junit.jupiter.api.Test;

/** The tests of this package run on two releases of OkHttp; this one says that the second run is what it says. */
class OkHttpVersionTest {

    @Test
    void okHttp_onTheClassPath_isTheReleaseThatTheBuildMeant() {
        assertThat(OkHttp.VERSION).isEqualTo(System.getProperty("secureruntime.test.okhttp", OkHttp.VERSION));
    }
}
