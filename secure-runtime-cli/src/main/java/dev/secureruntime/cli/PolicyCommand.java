package dev.secureruntime.cli;

import picocli.CommandLine.Command;

/** Groups the commands on policy files. */
@Command(
        name = "policy",
        description = "Checks, explains, compares and exports policies.",
        subcommands = {
            PolicyValidateCommand.class,
            PolicyExplainCommand.class,
            PolicyDiffCommand.class,
            PolicyExportCommand.class
        })
final class PolicyCommand {}
