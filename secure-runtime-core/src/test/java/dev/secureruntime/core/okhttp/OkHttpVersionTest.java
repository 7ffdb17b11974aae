package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.error.SecureRuntimeException;
import okhttp3.ResponseBody;
import org.junit.jupiter.api.Test;

/** The tests of this package run on two releases of OkHttp; this one says that the second run is what it says. */
class OkHttpVersionTest {

    @Test
    void okHttp_onTheClassPath_isTheReleaseThatTheBuildMeant() throws ReflectiveOperationException {
        // By reflection: the compiler would write the release that was compiled against into this class.
        Object present = Class.forName("okhttp3.OkHttp").getField("VERSION").get(null);

        assertThat(present).isEqualTo(System.getProperty("secureruntime.test.okhttp", "4.12.0"));
    }

    @Test
    void okHttp_thatIsTooOld_isRefusedBeforeItsFirstCall() {
        GuardedOkHttp.requireRecent(ResponseBody.class);

        assertThatThrownBy(() -> GuardedOkHttp.requireRecent(Object.class))
                .isInstanceOf(SecureRuntimeException.class)
                .hasMessageStartingWith("SR-RUNTIME-001")
                .hasMessageContaining("okhttp 4.12");
    }
}
