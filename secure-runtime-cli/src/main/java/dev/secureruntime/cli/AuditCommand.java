package dev.secureruntime.cli;

import picocli.CommandLine.Command;

/** Groups the commands on audit logs. */
@Command(
        name = "audit",
        description = "Appends to an audit log, and verifies one.",
        subcommands = {AuditAppendCommand.class, AuditVerifyCommand.class})
final class AuditCommand {}
