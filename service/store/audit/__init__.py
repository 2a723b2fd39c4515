"""Audit records in Postgres: they are only ever added, in chains, with what is written or before an answer leaves."""
