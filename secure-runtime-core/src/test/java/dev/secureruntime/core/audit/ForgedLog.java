package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.TreeHasher;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;

/** What a thief of all keys that a process holds today can do: write the whole log anew under the stolen log key. */
final class ForgedLog {

    private ForgedLog() {}

    /** Replaces a text in all records of a copied log and signs it all again; the keys that the forged log names. */
    static List<String> rewrite(Path home, String text, String other) throws IOException {
        List<String> signer = Files.readAllLines(home.resolve("keys").resolve("signer"));
        SigningKey log = SigningKey.parse(signer.get(3).substring("log ".length()));
        SigningKey epoch = SigningKey.parse(signer.get(4).substring("epoch ".length()));
        String origin = log.verifier().name();
        String oldEpoch = signer.get(2).substring("first-epoch ".length());
        CompactRange tree = new CompactRange();
        TreeHasher hasher = new TreeHasher();
        byte[] leaf = new byte[32];
        StringBuilder segment = new StringBuilder();
        for (String line : LogFixture.records(home)) {
            boolean start = line.contains("\"type\":\"log.segment\"");
            boolean key = line.contains("\"type\":\"log.key\"");
            if (start && tree.size() > 0 || key) {
                continue;
            }
            String forged = line.replace(text, other)
                    .replace(oldEpoch, epoch.verifier().toString())
                    .replaceFirst("\\{\"seq\":[0-9]+", "{\"seq\":" + tree.size())
                    .replaceFirst("\"prev\":\"[0-9a-f]{64}\"", "\"prev\":\"" + Hex.text(leaf) + "\"");
            byte[] bytes = forged.getBytes(StandardCharsets.ISO_8859_1);
            hasher.leaf(bytes, 0, bytes.length, leaf, 0);
            tree.append(leaf, 0);
            segment.append(forged).append('\n');
        }
        List<Path> segments = LogFixture.segments(home);
        segments.subList(1, segments.size()).forEach(LogFixture::delete);
        LogFixture.write(segments.get(0), segment.toString());
        byte[] checkpoint = new Checkpoint(origin, tree.size(), tree.root(), new byte[32]).text();
        byte[] note = new SignedNote(checkpoint, List.of(log.sign(checkpoint), epoch.sign(checkpoint))).bytes();
        Files.write(LogFixture.log(home).resolve("checkpoints"), note);
        Files.write(LogFixture.log(home).resolve("checkpoint"), note);
        Files.write(
                LogFixture.log(home).resolve("log.json"),
                new LogDescription(origin, log.verifier(), epoch.verifier()).bytes());
        return List.of(log.verifier().toString(), epoch.verifier().toString());
    }

    static SigningKey anyKey(String name) {
        return SigningKey.generate(name, new SecureRandom());
    }
}
