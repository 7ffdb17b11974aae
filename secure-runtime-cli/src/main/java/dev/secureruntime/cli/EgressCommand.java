package dev.secureruntime.cli;

import picocli.CommandLine.Command;

/** Groups the commands on egress. */
@Command(
        name = "egress",
        description = "Says where a component may talk.",
        subcommands = {EgressCheckCommand.class})
final class EgressCommand {}
