package dev.secureruntime.policy;

/** What happens when a component asks for conspicuously many names below one domain, as a tunnel through DNS does. */
public enum OnManyNames {
    /** It is reported, and nothing is refused. */
    REPORT,
    /** It is reported, and further names below that domain are refused until the window of time ends. */
    BLOCK
}
