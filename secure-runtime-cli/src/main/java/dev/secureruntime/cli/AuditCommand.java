package dev.secureruntime.cli;

import picocli.CommandLine.Command;

/** Groups the commands on audit logs. */
@Command(
        name = "audit",
        description = "Writes, verifies and shows audit logs, and proves what is in them.",
        subcommands = {
            AuditAppendCommand.class,
            AuditVerifyCommand.class,
            AuditReportCommand.class,
            AuditShowCommand.class,
            AuditProveCommand.class,
            AuditCheckProofCommand.class,
            AuditConsistencyCommand.class,
            AuditKeygenCommand.class,
            AuditDiscloseCommand.class,
            AuditCheckDisclosureCommand.class,
            AuditEraseCommand.class,
            AuditRetireCommand.class,
            AuditTilesCommand.class
        })
final class AuditCommand {}
