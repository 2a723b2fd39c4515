"""What is on record of an interaction, and how FHIR shows it: records, their chains, AuditEvent and its search."""
