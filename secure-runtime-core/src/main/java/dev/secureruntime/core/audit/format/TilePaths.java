package dev.secureruntime.core.audit.format;

/**
 * Where C2SP tlog-tiles puts things: {@code tile/<L>/<N>[.p/<W>]} and {@code tile/entries/<N>[.p/<W>]}, N in groups of three
 * digits, all but the last after an {@code x}: {@code x001/x234/067}.
 */
public final class TilePaths {

    /** The number of hashes or entries in a full tile. */
    static final int WIDTH = 256;

    private static final int GROUP = 1_000;

    private TilePaths() {}

    /** A tile of hashes with {@code width} of them. */
    public static String hashes(int level, long number, int width) {
        return "tile/" + level + "/" + index(number, width);
    }

    /** A bundle of {@code width} entries. */
    public static String entries(long number, int width) {
        return "tile/entries/" + index(number, width);
    }

    /** The directory of a tile's partial versions, by the path of the full one. */
    public static String partials(String full) {
        return full + ".p";
    }

    private static String index(long number, int width) {
        String path = digits(number % GROUP);
        for (long rest = number / GROUP; rest > 0; rest /= GROUP) {
            path = "x" + digits(rest % GROUP) + "/" + path;
        }
        return width == WIDTH ? path : path + ".p/" + width;
    }

    private static String digits(long group) {
        return String.format(java.util.Locale.ROOT, "%03d", group);
    }
}
