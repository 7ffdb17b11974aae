package dev.secureruntime.core.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import okhttp3.FormBody;
import okhttp3.HttpUrl;
import org.junit.jupiter.api.Test;

/** The matcher beside naive searching: every encoding as common encoders write it, anything around it, any chunking. */
class SecretMatcherTest {

    private static final String ALPHABET = "aB0/+=-_ .~*\"\\\n\u00e9\u20ac";

    private final SecretMatcher matcher = new SecretMatcher();

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private void register(String secret) {
        assertThat(matcher.slot(4).remember(utf8(secret))).isEqualTo(SecretMatcher.Outcome.REGISTERED);
    }

    @Test
    void scan_secretInJsonThatMayStandInHtml_isFound() {
        register("a<b&c'deadbeef==");
        for (String written : List.of(
                "a\\u003cb\\u0026c'deadbeef==",
                "a\\u003cb\\u0026c\\u0027deadbeef\\u003d\\u003d",
                "a\\\\u003cb\\\\u0026c\\\\u0027deadbeef\\\\u003d\\\\u003d")) {
            assertThat(matcher.occursIn("{\"k\":\"" + written + "\"}")).isTrue();
        }
    }

    @Test
    void remember_valueThatCameBack_isTheNewestAgain() {
        SecretMatcher.Slot slot = matcher.slot(2);
        for (String value : List.of("value-one", "value-two", "value-one", "value-three")) {
            slot.remember(utf8(value));
        }
        assertThat(matcher.occursIn("value-one")).isTrue();
        assertThat(matcher.occursIn("value-three")).isTrue();
        assertThat(matcher.occursIn("value-two")).isFalse();
    }

    @Test
    void occursIn_textThatWasCleanBefore_isSearchedForASecretThatCameLater() {
        register("another-secret");
        String text = "server.secret-of-later.example";
        assertThat(matcher.occursIn(text)).isFalse();
        assertThat(matcher.occursIn(text)).isFalse();
        SecretMatcher.Slot later = matcher.slot(1);
        later.remember(utf8("secret-of-later"));
        assertThat(matcher.occursIn(text)).isTrue();
        assertThat(matcher.occursIn(text)).isTrue();
        later.close();
        assertThat(matcher.occursIn(text)).isFalse();
    }

    @Test
    void occursIn_textWithTheHashOfACleanOne_isSearched() {
        register("BBsecret");
        assertThat("AaAasecret".hashCode()).isEqualTo("AaBBsecret".hashCode());
        assertThat(matcher.occursIn("AaAasecret")).isFalse();
        assertThat(matcher.occursIn("AaBBsecret")).isTrue();
    }

    // ---- properties

    @Property(tries = 300)
    void scan_rawSecretInAnyChunking_foundExactlyWhereNaiveSearchFindsIt(
            @ForAll @Size(min = 8, max = 24) byte[] secret,
            @ForAll @Size(max = 60) byte[] noise,
            @ForAll @IntRange(max = 3) int times,
            @ForAll long seed) {
        SecretMatcher fresh = new SecretMatcher();
        fresh.slot(1).remember(secret);
        Random random = new Random(seed);
        byte[] text = noise;
        for (int i = 0; i < times; i++) {
            // A part of it or all of it: near misses count as much as hits.
            int length = random.nextInt(4) == 0 ? secret.length : random.nextInt(secret.length + 1);
            text = insert(text, secret, length, random.nextInt(text.length + 1));
        }
        assertThat(scanInChunks(fresh, text, random)).isEqualTo(contains(text, secret));
        assertThat(fresh.occursIn(text)).isEqualTo(contains(text, secret));
    }

    @Property(tries = 300)
    void scan_encodedSecretWithAnythingAround_isFound(
            @ForAll @Size(min = 8, max = 40) byte[] secret,
            @ForAll @Size(max = 20) byte[] front,
            @ForAll @Size(max = 20) byte[] back,
            @ForAll long seed) {
        SecretMatcher fresh = new SecretMatcher();
        fresh.slot(1).remember(secret);
        byte[] all = insert(insert(secret, front, front.length, 0), back, back.length, secret.length + front.length);
        Random random = new Random(seed);
        for (String encoded : List.of(
                Base64.getEncoder().encodeToString(all),
                Base64.getEncoder().withoutPadding().encodeToString(all),
                Base64.getUrlEncoder().encodeToString(all),
                HexFormat.of().formatHex(all),
                HexFormat.of().withUpperCase().formatHex(all),
                HexFormat.of().withPrefix("%").formatHex(all),
                HexFormat.of().withUpperCase().withPrefix("%").formatHex(all))) {
            assertThat(scanInChunks(fresh, utf8("x=" + encoded + "&"), random)).isTrue();
            assertThat(fresh.occursIn("x=" + encoded + "&")).isTrue();
        }
    }

    @Property(tries = 300)
    void scan_textSecretEscaped_isFound(@ForAll @Size(min = 8, max = 30) List<@IntRange(max = 16) Integer> letters) {
        StringBuilder text = new StringBuilder();
        letters.forEach(letter -> text.append(ALPHABET.charAt(letter)));
        String secret = text.toString();
        SecretMatcher fresh = new SecretMatcher();
        fresh.slot(1).remember(utf8(secret));
        String percent = URLEncoder.encode(secret, StandardCharsets.UTF_8);
        String json = json(secret);
        for (String form : List.of(
                secret,
                json,
                json(json),
                json.replace("/", "\\/"),
                json(json.replace("/", "\\/")),
                json(json.replace("/", "\\/")).replace("/", "\\/"),
                ascii(json),
                json(ascii(json)),
                form(secret),
                segment(secret),
                percent,
                percent.replace("+", "%20"),
                percent.toLowerCase(Locale.ROOT).equals(percent) ? percent : lowerDigits(percent))) {
            assertThat(fresh.occursIn("{\"a\":\"" + form + "\"}")).as(form).isTrue();
            assertThat(fresh.occursIn(utf8("{\"a\":\"" + form + "\"}")))
                    .as(form)
                    .isTrue();
        }
    }

    /** As one segment of a path. */
    private static String segment(String text) {
        return new HttpUrl.Builder()
                .scheme("https")
                .host("a.example")
                .addPathSegment(text)
                .build()
                .encodedPath()
                .substring(1);
    }

    /** As OkHttp writes it into a form. */
    private static String form(String text) {
        return new FormBody.Builder().add("key", text).build().encodedValue(0);
    }

    private static String json(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }

    private static String ascii(String text) {
        StringBuilder ascii = new StringBuilder();
        text.chars().forEach(c -> ascii.append(c < 128 ? String.valueOf((char) c) : String.format("\\u%04x", c)));
        return ascii.toString();
    }

    private static String lowerDigits(String percent) {
        return java.util.regex.Pattern.compile("%..").matcher(percent).replaceAll(match -> match.group()
                .toLowerCase(Locale.ROOT));
    }

    private static boolean scanInChunks(SecretMatcher matcher, byte[] text, Random random) {
        SecretScan scan = matcher.scan();
        int at = 0;
        while (at < text.length) {
            int length = 1 + random.nextInt(Math.min(9, text.length - at));
            byte[] chunk = new byte[length + 3];
            System.arraycopy(text, at, chunk, 2, length);
            scan.update(chunk, 2, length);
            at += length;
        }
        return scan.found();
    }

    private static byte[] insert(byte[] into, byte[] what, int length, int at) {
        byte[] all = new byte[into.length + length];
        System.arraycopy(into, 0, all, 0, at);
        System.arraycopy(what, 0, all, at, length);
        System.arraycopy(into, at, all, at + length, into.length - at);
        return all;
    }

    private static boolean contains(byte[] text, byte[] secret) {
        String latin = new String(text, StandardCharsets.ISO_8859_1);
        return latin.contains(new String(secret, StandardCharsets.ISO_8859_1));
    }

    // ---- what is registered

    @Test
    void occursIn_nothingRegistered_isFalse() {
        assertThat(matcher.isEmpty()).isTrue();
        assertThat(matcher.occursIn("anything at all")).isFalse();
        assertThat(matcher.scan().update(utf8("anything at all"), 0, 15)).isFalse();
    }

    @Test
    void remember_shorterThanEightBytes_isNotRegisteredAndSaysSo() {
        assertThat(matcher.slot(1).remember(utf8("1234567"))).isEqualTo(SecretMatcher.Outcome.TOO_SHORT);
        assertThat(matcher.isEmpty()).isTrue();
    }

    @Test
    void remember_longerThanItLooksFor_isFoundByItsFirstPart() {
        String secret = "0123456789abcdef".repeat(1_000);
        register(secret);
        assertThat(matcher.occursIn("x" + secret.substring(0, SecretMatcher.LONGEST)))
                .isTrue();
        assertThat(matcher.occursIn("x" + secret.substring(0, SecretMatcher.LONGEST - 1)))
                .isFalse();
    }

    @Test
    void slot_rotated_findsTheNewestAndForgetsTheOldest() {
        SecretMatcher.Slot slot = matcher.slot(2);
        for (int i = 0; i < 3; i++) {
            slot.remember(utf8("token-number-" + i));
            slot.remember(utf8("token-number-" + i));
        }
        assertThat(matcher.occursIn("token-number-0")).isFalse();
        assertThat(matcher.occursIn("token-number-1")).isTrue();
        assertThat(matcher.occursIn("token-number-2")).isTrue();
        slot.close();
        assertThat(matcher.isEmpty()).isTrue();
    }

    @Test
    void scan_secretRegisteredMeanwhile_isFoundFromThenOn() {
        register("short-secret");
        SecretScan scan = matcher.scan();
        assertThat(scan.update(utf8("xxxxxxxxxxxxxx longer-secret-that-comes-later xx long"), 0, 53))
                .isFalse();
        register("longer-secret-that-comes-later");
        assertThat(scan.update(utf8("er-secret-that-comes-"), 0, 21)).isFalse();
        assertThat(scan.update(utf8("later"), 0, 5)).isTrue();
    }

    @Test
    void pattern_keepsNoPartOfTheSecret() {
        byte[] secret = utf8("a-very-secret-value");
        byte[] key = new byte[32];
        PatternTable.Pattern pattern =
                PatternTable.pattern(secret, 0x9e3779b97f4a7c15L, new KeyedDigest(key), matcher.slot(1));
        assertThat(pattern.digest()).hasSize(32);
        assertThat(matcher.toString()).isEqualTo("SecretMatcher");
    }

    @Test
    void occursIn_whileOthersRotate_neverMissesTheOneThatStays() throws Exception {
        register("the-one-that-stays");
        SecretMatcher.Slot rotated = matcher.slot(2);
        CountDownLatch done = new CountDownLatch(1);
        Thread rotating = new Thread(() -> {
            for (int i = 0; i < 500; i++) {
                rotated.remember(utf8("rotated-number-" + i));
            }
            done.countDown();
        });
        rotating.start();
        while (done.getCount() > 0) {
            assertThat(matcher.occursIn("x the-one-that-stays x")).isTrue();
            assertThat(matcher.occursIn("x the-one-that-stay x")).isFalse();
        }
        rotating.join();
    }
}
