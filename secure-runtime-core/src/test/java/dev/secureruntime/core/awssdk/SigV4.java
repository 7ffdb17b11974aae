package dev.secureruntime.core.awssdk;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import okhttp3.mockwebserver.RecordedRequest;
import okio.Buffer;

/**
 * A server's side of AWS Signature Version 4: computes the signature of the request as it arrived, from its request line
 * and headers alone, and compares.
 */
final class SigV4 {

    private static final Pattern AUTHORIZATION = Pattern.compile(
            "AWS4-HMAC-SHA256 Credential=[^/]+/(([0-9]{8})/([^/]+)/([^/]+)/aws4_request), *SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})");

    private SigV4() {}

    static boolean isValid(RecordedRequest request, String secret) throws GeneralSecurityException, IOException {
        Matcher parts = AUTHORIZATION.matcher(request.getHeader("Authorization"));
        if (!parts.matches()) {
            return false;
        }
        String service = parts.group(4);
        String[] target = request.getRequestLine().split(" ")[1].split("\\?", 2);
        StringBuilder canonical = new StringBuilder();
        canonical.append(request.getMethod()).append('\n');
        // All services but S3 sign the path escaped once more.
        canonical
                .append(service.equals("s3") ? target[0] : target[0].replace("%", "%25"))
                .append('\n');
        canonical.append(target.length == 1 ? "" : query(target[1])).append('\n');
        for (String name : parts.group(5).split(";")) {
            canonical.append(name).append(':');
            canonical.append(request.getHeaders().values(name).stream()
                    .map(value -> value.trim().replaceAll(" +", " "))
                    .collect(Collectors.joining(",")));
            canonical.append('\n');
        }
        canonical.append('\n').append(parts.group(5)).append('\n').append(payloadHash(request));
        String toSign = "AWS4-HMAC-SHA256\n" + request.getHeader("X-Amz-Date") + "\n" + parts.group(1) + "\n"
                + hex(sha256(canonical.toString().getBytes(StandardCharsets.UTF_8)));
        byte[] key = ("AWS4" + secret).getBytes(StandardCharsets.UTF_8);
        for (String step : new String[] {parts.group(2), parts.group(3), service, "aws4_request"}) {
            key = hmac(key, step);
        }
        return hex(hmac(key, toSign)).equals(parts.group(6));
    }

    private static String payloadHash(RecordedRequest request) throws GeneralSecurityException {
        String said = request.getHeader("x-amz-content-sha256");
        return said != null ? said : hex(sha256(request.getBody().clone().readByteArray()));
    }

    /** Parameters in order of their names; each has a value, if an empty one. */
    private static String query(String query) {
        TreeMap<String, String> sorted = new TreeMap<>();
        for (String parameter : query.split("&")) {
            String[] pair = parameter.split("=", 2);
            sorted.put(pair[0], pair.length == 2 ? pair[1] : "");
        }
        return sorted.entrySet().stream()
                .map(pair -> pair.getKey() + "=" + pair.getValue())
                .collect(Collectors.joining("&"));
    }

    /** A path as a server reads it: escapes once undone, a plus sign being one. */
    static String decoded(String path) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < path.length(); i++) {
            if (path.charAt(i) == '%') {
                bytes.write(Integer.parseInt(path.substring(i + 1, i + 3), 16));
                i += 2;
            } else {
                bytes.write(path.charAt(i));
            }
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    /** The content of a body in {@code aws-chunked} encoding. */
    static byte[] unchunked(Buffer body) throws IOException {
        Buffer content = new Buffer();
        while (true) {
            long length = Long.parseLong(body.readUtf8LineStrict().split(";")[0], 16);
            if (length == 0) {
                return content.readByteArray();
            }
            content.write(body, length);
            body.skip(2);
        }
    }

    private static byte[] sha256(byte[] bytes) throws GeneralSecurityException {
        return MessageDigest.getInstance("SHA-256").digest(bytes);
    }

    private static byte[] hmac(byte[] key, String text) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
