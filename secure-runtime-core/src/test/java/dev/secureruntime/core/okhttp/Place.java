package dev.secureruntime.core.okhttp;

import java.util.stream.Stream;
import okhttp3.MediaType;
import okhttp3.Request;
import okhttp3.RequestBody;
import org.junit.jupiter.params.provider.Arguments;

/** A part of a request that carries text of the caller's. */
enum Place {
    PATH {
        @Override
        Request carry(Request.Builder to, String text) {
            Request plain = to.build();
            return to.url(plain.url().newBuilder().addPathSegment(text).build()).build();
        }
    },
    QUERY {
        @Override
        Request carry(Request.Builder to, String text) {
            Request plain = to.build();
            return to.url(plain.url().newBuilder().addQueryParameter("q", text).build())
                    .build();
        }
    },
    HEADER {
        @Override
        Request carry(Request.Builder to, String text) {
            return to.header("X-Debug", "v=" + text + ";").build();
        }
    },
    CREDENTIAL_HEADER {
        @Override
        Request carry(Request.Builder to, String text) {
            return to.header("Authorization", "Bearer " + text).build();
        }
    },
    CONTENT_TYPE {
        @Override
        Request carry(Request.Builder to, String text) {
            return to.post(RequestBody.create(LeakWorld.bytes("{}"), MediaType.get("text/plain; x=\"" + text + "\"")))
                    .build();
        }
    },
    BODY {
        @Override
        Request carry(Request.Builder to, String text) {
            return to.post(RequestBody.create("{\"prompt\":\"a" + text + "z\"}", MediaType.get("application/json")))
                    .build();
        }
    };

    abstract Request carry(Request.Builder to, String text);

    static Stream<Arguments> inEachForm() {
        return Stream.of(values()).flatMap(place -> Stream.of(SecretForm.values())
                // OkHttp takes no quotes within a media type's parameter.
                .filter(form -> place != CONTENT_TYPE || !form.of("\"").contains("\""))
                .map(form -> Arguments.of(place, form)));
    }
}
