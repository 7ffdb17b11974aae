package dev.secureruntime.cli;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** One run of the command in this process: its exit code and what it wrote. */
record CommandRun(int code, String out, String err) {

    static CommandRun of(Object... arguments) {
        return reading(InputStream.nullInputStream(), arguments);
    }

    static CommandRun reading(String input, Object... arguments) {
        return reading(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)), arguments);
    }

    static CommandRun reading(InputStream input, Object... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        String[] texts = Arrays.stream(arguments).map(String::valueOf).toArray(String[]::new);
        InputStream before = System.in;
        System.setIn(input);
        try {
            int code = SecureRuntimeCommand.run(new PrintWriter(out), new PrintWriter(err), texts);
            return new CommandRun(code, out.toString(), err.toString());
        } finally {
            System.setIn(before);
        }
    }

    String lastLine() {
        String[] lines = out.split("\n");
        return lines[lines.length - 1];
    }
}
