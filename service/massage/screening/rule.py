"""A contraindication: what it looks at, and what follows from it for a referral."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from decimal import Decimal

    from service.massage.screening.body_site import Regions

Severity = Literal["absolute", "relative", "local"]
"""absolute: no massage until it is cleared; relative: with a physician's clearance, or within a restriction;
local: not on the area."""

Alert = Literal["COND", "DRG", "DUPTHPY"]
"""What kind of issue it is (v3-ActCode): a condition, a medication, a duplicate."""

Relation = Literal["above", "from", "below"]

RANKS: Final[Mapping[str, int]] = {"absolute": 2, "relative": 1, "local": 0}
"""Severity → how grave, to compare."""

ELSEWHERE: Final[Mapping[str, Severity | None]] = {"absolute": "relative", "relative": "local", "local": None}
"""What is left of a severity where the order is for another region than the affected one; None: nothing."""


class Threshold(Struct, frozen=True, kw_only=True):
    """An observed value that contraindicates: LOINC `code` above, from or below `bound`, in the UCUM `unit`.

    An observation older than `within` says nothing about today.
    """

    code: str
    relation: Relation
    bound: Decimal
    unit: str
    within: timedelta


class Stricter(Struct, frozen=True, kw_only=True):
    """What raises a rule's severity: for `techniques` (none named: for all), in the affected region or everywhere."""

    severity: Severity
    techniques: frozenset[str]
    is_regional: bool
    regions: Regions | None


class Rule(Struct, frozen=True, kw_only=True):
    """One row of the table of contraindications, as far as it does not say what it looks at (see `rules.Rules`).

    `is_regional`: the severity holds where the order and the affected area may meet. `within`: how long after its
    onset a condition counts, or a procedure after it was done. `overridden_from` is the table's severity where a
    deployment has chosen another one.
    """

    id: str
    title: str
    severity: Severity
    is_regional: bool
    regions: Regions | None
    red_flag: bool
    within: timedelta | None
    stricter: tuple[Stricter, ...]
    judged: tuple[str, ...]
    """What makes it graver and is for a person to judge, as sentences."""
    clearance_for: tuple[str, ...]
    """Techniques that are not to be used without clearance."""
    thresholds: tuple[Threshold, ...]
    confirming: frozenset[str]
    """Words beside a diagnosis that does not suffice by itself, any of which confirms it."""
    advice: str
    sources: tuple[str, ...]
    confidence: str
    overridden_from: Severity | None = None
