package dev.secureruntime.benchmarks;

import ch.qos.logback.classic.AsyncAppender;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import ch.qos.logback.core.FileAppender;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.slf4j.Logger;

/** The same fields through Logback's asynchronous file appender, set to drop nothing. */
final class LogbackCaller implements AutoCloseable {

    private final LoggerContext context = new LoggerContext();
    private final Path file;
    private final Logger logger;

    LogbackCaller(Path file, int queue) {
        this.file = file;
        context.setMDCAdapter(new LogbackMDCAdapter()); // without one each event fails, and tells nobody
        PatternLayoutEncoder encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern("%d{yyyy-MM-dd'T'HH:mm:ss.SSS} %logger %msg%n");
        encoder.start();
        FileAppender<ILoggingEvent> appender = new FileAppender<>();
        appender.setContext(context);
        appender.setFile(file.toString());
        appender.setEncoder(encoder);
        appender.setImmediateFlush(false);
        appender.start();
        AsyncAppender async = new AsyncAppender();
        async.setContext(context);
        async.setQueueSize(queue);
        async.setDiscardingThreshold(0);
        async.addAppender(appender);
        async.start();
        ch.qos.logback.classic.Logger root = context.getLogger("audit");
        root.addAppender(async);
        logger = root;
    }

    void log(int number) {
        logger.info(
                "tool.call component={} gen_ai.tool.name={} gen_ai.request.model={} gen_ai.usage.input_tokens={}"
                        + " gen_ai.usage.output_tokens={} server.address={} server.port={}",
                "chat",
                "search",
                "gpt-4o-mini",
                number,
                number / 2,
                "api.openai.com",
                443);
    }

    /** Closes it once everything is written, and says how many lines that were. */
    long written() throws IOException {
        context.stop();
        try (Stream<String> lines = Files.lines(file)) {
            return lines.count();
        }
    }

    @Override
    public void close() {
        context.stop();
    }
}
