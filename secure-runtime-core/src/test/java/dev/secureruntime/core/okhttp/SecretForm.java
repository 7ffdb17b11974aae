package dev.secureruntime.core.okhttp;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;

/** How somebody who wants a secret out writes it. */
enum SecretForm {
    PLAIN {
        @Override
        String of(String secret) {
            return secret;
        }
    },
    JSON {
        @Override
        String of(String secret) {
            return secret.replace("\\", "\\\\").replace("\"", "\\\"");
        }
    },
    BASE64 {
        @Override
        String of(String secret) {
            return Base64.getEncoder().encodeToString(LeakWorld.bytes("x" + secret));
        }
    },
    BASE64_URL {
        @Override
        String of(String secret) {
            return Base64.getUrlEncoder().withoutPadding().encodeToString(LeakWorld.bytes("xy" + secret));
        }
    },
    HEX {
        @Override
        String of(String secret) {
            return HexFormat.of().formatHex(LeakWorld.bytes(secret));
        }
    },
    PERCENT {
        @Override
        String of(String secret) {
            return URLEncoder.encode(secret, StandardCharsets.UTF_8);
        }
    };

    abstract String of(String secret);
}
