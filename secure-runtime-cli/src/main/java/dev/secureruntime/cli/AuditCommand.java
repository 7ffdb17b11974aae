package dev.secureruntime.cli;

import picocli.CommandLine.Command;

/** Groups the commands on audit logs. */
@Command(
        name = "audit",
        description = "Writes, verifies and shows audit logs, and proves what is in them.",
        subcommands = {
            AuditAppendCommand.class,
            AuditVerifyCommand.class,
            AuditShowCommand.class,
            AuditProveCommand.class,
            AuditCheckProofCommand.class,
            AuditConsistencyCommand.class,
            AuditRetireCommand.class,
            AuditKeygenCommand.class
        })
final class AuditCommand {}
