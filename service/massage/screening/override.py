"""Severities that a deployment has changed: a data file of its own, and what it says on record.

A TOML file with one table per rule, ``[severe-osteoporosis]``, ``severity = "absolute"``, ``reason = "..."``. Every
screening reports what is overridden, and so do the findings concerned.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from service.massage.screening.rule import RANKS, Severity


class RulesError(ValueError):
    """The data files do not make rules; the text says where, and what would be accepted."""


class Override(Struct, frozen=True, kw_only=True):
    """A rule's severity that a deployment has changed, with the reason that it gives."""

    rule: str
    table: Severity
    chosen: Severity
    reason: str


def override_of(rule: str, table: Severity, row: Any) -> Override:
    """One row of the file; RulesError."""
    if not isinstance(row, dict):
        raise RulesError(f"overrides: {rule} must be a table with severity and reason.")
    chosen: Severity = row.get("severity", "")
    reason = row.get("reason")
    if chosen not in RANKS:
        raise RulesError(f"overrides: {rule}.severity must be {', '.join(RANKS)}.")
    if not isinstance(reason, str) or not reason.strip():
        raise RulesError(f"overrides: {rule}.reason must say who decided so and why.")
    if unknown := row.keys() - {"severity", "reason"}:
        raise RulesError(f"overrides: {rule} has {', '.join(sorted(unknown))}; only severity and reason can be given.")
    return Override(rule=rule, table=table, chosen=chosen, reason=reason.strip())
