package dev.secureruntime.core.policy;

import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.error.YAMLException;

/**
 * YAML policies. The only class that touches the optional YAML library; it is loaded when a YAML policy is read, and not
 * otherwise.
 *
 * <p>Anchors and aliases are refused: a policy should be read as it stands, and expanding them is how a small file
 * becomes a large one. So are line ends other than LF and CR LF: this parser, which follows YAML 1.1, ends a line and a comment
 * at characters that YAML 1.2, editors and reviews don't, and a rule could hide behind one.
 */
final class YamlSyntax {

    private YamlSyntax() {}

    static Node read(String text, PolicyErrors errors) throws IOException {
        requirePlainLineEnds(text, errors);
        LoaderOptions options = new LoaderOptions();
        options.setCodePointLimit(PolicyReader.MAX_BYTES);
        options.setNestingDepthLimit(NodeReader.MAX_DEPTH);
        options.setMaxAliasesForCollections(0);
        YAMLFactory factory = YAMLFactory.builder()
                .loaderOptions(options)
                .streamReadConstraints(NodeReader.CONSTRAINTS)
                // An empty scalar is null in YAML; as an empty string it would give a misleading message.
                .disable(YAMLParser.Feature.EMPTY_STRING_AS_NULL)
                .build();
        try (YAMLParser parser = factory.createParser(text)) {
            return NodeReader.read(parser, parser::isCurrentAlias, errors, "YAML");
        } catch (YAMLException e) {
            // The parser translates its own library's errors, but not all of them.
            throw errors.malformed(Node.Place.START, "not well-formed YAML");
        }
    }

    private static void requirePlainLineEnds(String text, PolicyErrors errors) {
        int line = 1;
        int start = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\n') {
                line++;
                start = i + 1;
            } else if (c == '\r' ? !text.startsWith("\n", i + 1) : c == '\u0085' || c == '\u2028' || c == '\u2029') {
                throw errors.malformed(
                        new Node.Place(line, i - start + 1),
                        "a line ends with LF or CR LF in a policy, and with nothing else");
            }
        }
    }
}
