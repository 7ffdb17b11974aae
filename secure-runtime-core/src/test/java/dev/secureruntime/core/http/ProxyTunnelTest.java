package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a proxy answers before a tunnel: bytes of another machine. */
class ProxyTunnelTest {

    private static InputStream bytes(String text) {
        return new ByteArrayInputStream(text.translateEscapes().getBytes(StandardCharsets.ISO_8859_1));
    }

    @ParameterizedTest
    @CsvSource({
        "200, HTTP/1.1 200 Connection established\\r\\n\\r\\n",
        "200, HTTP/1.0 200\\r\\n\\r\\n",
        "200, HTTP/1.1 200 OK\\nVia: x\\n\\n",
        "204, HTTP/1.1 204 \\r\\nContent-Length: 12\\r\\n\\r\\n",
        "200, HTTP/1.1 100 Continue\\r\\n\\r\\nHTTP/1.1 200 OK\\r\\n\\r\\n",
        "403, HTTP/1.1 403 Forbidden\\r\\nX: \\0\\377\\r\\n\\r\\n",
        "407, HTTP/1.1 407 Who\\r\\nProxy-Authenticate: Basic\\r\\n\\r\\n",
        "999, HTTP/1.1 999 x\\r\\n\\r\\n",
    })
    void status_isThatOfTheFinalAnswer_andWhatFollowsIsLeft(int status, String answer) throws IOException {
        InputStream in = bytes(answer + "\\26\\3\\1");
        assertThat(ProxyTunnel.status(in)).isEqualTo(status);
        assertThat(in.readAllBytes()).containsExactly(0x16, 3, 1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\\r\\n",
                "HTTP/2 200 OK\\r\\n\\r\\n",
                "HTTP/1.1 20 OK\\r\\n\\r\\n",
                "HTTP/1.1 2000 OK\\r\\n\\r\\n",
                "HTTP/1.1  200 OK\\r\\n\\r\\n",
                "HTTP/1.1 200OK\\r\\n\\r\\n",
                "HTTP/1.1 000 OK\\r\\n\\r\\n",
                " HTTP/1.1 200 OK\\r\\n\\r\\n",
                "ICY 200 OK\\r\\n\\r\\n",
                "SSH-2.0-x\\r\\n",
            })
    void whatIsNoHttp_opensNothing(String answer) {
        assertThatThrownBy(() -> ProxyTunnel.status(bytes(answer))).isInstanceOf(ProtocolException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "H", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\\r\\n", "HTTP/1.1 100 x\\r\\n\\r\\n"})
    void answerThatEnds_opensNothing(String answer) {
        assertThatThrownBy(() -> ProxyTunnel.status(bytes(answer))).isInstanceOf(EOFException.class);
    }

    @Test
    void answerWithoutEnd_isReadToItsLimit() {
        for (String unit : new String[] {"x", "HTTP/1.1 200 OK\r\nA: b\r\n", "HTTP/1.1 100 x\r\n\r\n"}) {
            ByteArrayInputStream in = new ByteArrayInputStream(
                    unit.repeat(10 * ProxyTunnel.MAX_ANSWER).getBytes(StandardCharsets.ISO_8859_1));
            int before = in.available();
            assertThatThrownBy(() -> ProxyTunnel.status(in)).isInstanceOf(ProtocolException.class);
            assertThat(before - in.available()).isLessThanOrEqualTo(3 * ProxyTunnel.MAX_ANSWER);
        }
    }

    @Property(tries = 2_000)
    void anyBytes_areAStatusOrRefused(@ForAll @Size(max = 200) byte[] answer, @ForAll @IntRange(max = 30) int kept)
            throws IOException {
        byte[] good = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1);
        byte[] all = new byte[Math.min(kept, good.length) + answer.length];
        System.arraycopy(good, 0, all, 0, all.length - answer.length);
        System.arraycopy(answer, 0, all, all.length - answer.length, answer.length);
        try {
            assertThat(ProxyTunnel.status(new ByteArrayInputStream(all))).isBetween(200, 999);
        } catch (ProtocolException | EOFException e) {
            assertThat(e.getMessage()).isNotEmpty();
        }
    }
}
