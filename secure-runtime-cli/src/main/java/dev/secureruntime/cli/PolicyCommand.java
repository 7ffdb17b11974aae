package dev.secureruntime.cli;

import picocli.CommandLine.Command;

/** Groups the commands on policy files. */
@Command(
        name = "policy",
        description = "Checks, explains, compares, exports and proposes policies.",
        subcommands = {
            PolicyValidateCommand.class,
            PolicyExplainCommand.class,
            PolicyDiffCommand.class,
            PolicyExportCommand.class,
            PolicyLearnCommand.class
        })
final class PolicyCommand {}
