package dev.secureruntime.core.egress;

import java.util.List;

/**
 * A policy in the language of a tool outside the process, and what that language could not hold.
 *
 * @param text the file for the tool; each gap stands in it as a comment too
 * @param gaps the rules that are not in it as the policy means them
 */
public record PolicyExport(String text, List<Gap> gaps) {

    public PolicyExport {
        gaps = List.copyOf(gaps);
    }

    /** What becomes of a rule that the tool's language can only hold wider than the policy means it. */
    public enum Precision {
        /** It is left out: the tool lets less through than the policy. */
        NARROWER,
        /** It goes in, under a comment: the tool lets more through than the policy, which still decides in the process. */
        WIDER
    }

    /** On which side of the policy a gap lies. */
    public enum Effect {
        /** The tool refuses what the rule allows. */
        LEFT_OUT,
        /** The tool lets through what the policy refuses. */
        WIDER
    }

    /**
     * A rule that the tool's language can't hold.
     *
     * @param component the component's name
     * @param rule the rule, as {@code allow api.example.com}
     * @param effect what the tool does instead
     * @param why why, in words
     */
    public record Gap(String component, String rule, Effect effect, String why) {
        @Override
        public String toString() {
            return component + ": " + (effect == Effect.WIDER ? "wider than " : "left out: ") + rule + ": " + why;
        }
    }
}
