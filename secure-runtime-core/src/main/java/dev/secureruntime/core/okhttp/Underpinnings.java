package dev.secureruntime.core.okhttp;

import java.util.logging.Level;
import java.util.logging.Logger;
import okhttp3.OkHttpClient;
import okhttp3.internal.platform.Platform;
import org.jspecify.annotations.Nullable;

/**
 * What OkHttp stands on in the whole virtual machine, and any code may change: its platform object, which is handed every TLS
 * socket, and its loggers for frames and tasks, whose handlers run while a request is being written. Looked at before each hop.
 *
 * <p>What doesn't hold: code that changes them between the look and the use.
 */
final class Underpinnings {

    /** Held, since a logger that nobody holds forgets its level. */
    private static final Logger FRAMES = Logger.getLogger("okhttp3.internal.http2.Http2");

    private static final Logger TASKS = Logger.getLogger("okhttp3.internal.concurrent.TaskRunner");

    private Underpinnings() {}

    /** What is not as OkHttp made it; null when nothing is. */
    static @Nullable String fault() {
        Class<?> platform = Platform.get().getClass();
        if (!platform.getName().startsWith("okhttp3.internal.platform.")
                || platform.getClassLoader() != OkHttpClient.class.getClassLoader()) {
            return "OkHttp's platform was replaced by " + platform.getName()
                    + ", which would be handed the connections";
        }
        if (FRAMES.isLoggable(Level.FINE) || TASKS.isLoggable(Level.FINE)) {
            return "OkHttp logs its frames (java.util.logging, FINE), whose handlers run while requests are written";
        }
        return null;
    }
}
