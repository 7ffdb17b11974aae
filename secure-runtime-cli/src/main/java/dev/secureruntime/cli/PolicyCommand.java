package dev.secureruntime.cli;

import picocli.CommandLine.Command;

/** Groups the commands on policy files. */
@Command(
        name = "policy",
        description = "Checks, explains and compares policies.",
        subcommands = {PolicyValidateCommand.class, PolicyExplainCommand.class, PolicyDiffCommand.class})
final class PolicyCommand {}
