"""The rows of the catalogue, as the data files beside this hold them; each file says what its columns mean."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from service.massage.data_files import rows

FOLDER: Final = Path(__file__).parent

Severity = Literal["absolute", "relative", "local"]
Scope = Literal["whole-body", "region", "site"]
Region = Literal["head", "neck", "trunk", "upper-limb", "lower-limb"]
Confidence = Literal["A", "B", "C"]
Sources = tuple[str, ...]
Codes = dict[str, str]
"""Code → display, empty where none is shipped."""


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """sources.toml"""

    display: str


INTERNAL: Final = frozenset({"S-0", "S-1", "S-2", "S-3", "S-4", "design", "memory", "none"})
"""Sources that tell nobody outside where something was read: they are not cited in documents."""


class BodySite(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """body_sites.toml"""

    display: str
    regions: tuple[Region, ...]
    sources: Sources


class Technique(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """techniques.toml"""

    display: str
    definition: str
    sources: Sources
    parent: str | None = None
    pressure: str | None = None
    wider: Codes = msgspec.field(default_factory=dict)
    cpt: Codes = msgspec.field(default_factory=dict)
    doubt: str | None = None


class Condition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """conditions.toml"""

    display: str
    sources: Sources
    snomed: Codes
    icd10cm: Codes = msgspec.field(default_factory=dict)
    techniques: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    note: str | None = None
    doubt: str | None = None


class IfConfirmed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Codes that count only together with something else, `by`."""

    by: str
    words: tuple[str, ...] = ()
    snomed: Codes = msgspec.field(default_factory=dict)
    icd10cm: tuple[str, ...] = ()


class Reading(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measurement that suffices by itself."""

    code: str
    unit: str
    sources: Sources
    above: float | None = None
    at_least: float | None = msgspec.field(default=None, name="from")
    below: float | None = None
    within_days: int | None = None


class Stricter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What raises the severity of a contraindication."""

    severity: Severity
    sources: Sources
    confidence: Confidence
    scope: Scope | None = None
    regions: tuple[Region, ...] = ()
    techniques: tuple[str, ...] = ()
    when: str | None = None


class Contraindication(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """contraindications.toml"""

    display: str
    severity: Severity
    scope: Scope
    sources: Sources
    confidence: Confidence
    regions: tuple[Region, ...] = ()
    emergency: bool = False
    snomed: Codes = msgspec.field(default_factory=dict)
    icd10cm: tuple[str, ...] = ()
    seventh: tuple[str, ...] = ()
    if_confirmed: IfConfirmed | None = None
    within_days: int | None = None
    observations: tuple[Reading, ...] = ()
    medicines: tuple[str, ...] = ()
    atc: tuple[str, ...] = ()
    substances: tuple[str, ...] = ()
    procedures: Codes = msgspec.field(default_factory=dict)
    without_reason: bool = False
    stricter: tuple[Stricter, ...] = ()
    clearance_for: tuple[str, ...] = ()
    advice: str | None = None
    doubt: str | None = None


class Unit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A unit that a measure may be given in, with its range."""

    unit: str
    low: float | None = None
    high: float | None = None
    whole: bool = False


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a source says of a meaningful change."""

    text: str
    sources: Sources


class Precision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far apart two measurements are that differ by the measuring alone."""

    text: str
    sources: Sources
    same_rater: float | None = None
    different_rater: float | None = None


class Band(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named range of scores."""

    low: float
    name: str
    unit: str
    high: float | None = None


class OutcomeMeasure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """outcome_measures.toml"""

    display: str
    sources: Sources
    parent: str | None = None
    abstract: bool = False
    loinc: Codes = msgspec.field(default_factory=dict)
    snomed: Codes = msgspec.field(default_factory=dict)
    values: tuple[Unit, ...] = ()
    direction: Literal["lower", "higher"] | None = None
    change: float | None = None
    percent: float | None = None
    changes: tuple[Change, ...] = ()
    precision: Precision | None = None
    bands: tuple[Band, ...] = ()
    confidence: Confidence | None = None
    doubt: str | None = None


class BusinessStatus(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """business_statuses.toml"""

    display: str
    definition: str
    allowed: tuple[str, ...]
    sources: Sources
    bser: str | None = None
    mapping: Literal["equivalent", "wider", "inexact"] | None = None
    comment: str | None = None


class StatusReason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """status_reasons.toml, override_reasons.toml, progress_classes.toml and task_codes.toml"""

    display: str
    sources: Sources


class TaskInputOrOutput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """task_inputs_and_outputs.toml"""

    display: str
    direction: Literal["input", "output"]
    sources: Sources
    type: str | None = None


class Qualification(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """qualifications.toml"""

    display: str
    sources: Sources
    techniques: tuple[str, ...] = ()
    patients: str | None = None
    doubt: str | None = None


class ProviderRole(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """provider_roles.toml"""

    display: str
    role: Literal["therapist", "referrer", "neighbour"]
    sources: Sources


class Catalogue(Struct, frozen=True, kw_only=True):
    """All rows, by their codes."""

    sources: dict[str, Source]
    body_sites: dict[str, BodySite]
    techniques: dict[str, Technique]
    conditions: dict[str, Condition]
    contraindications: dict[str, Contraindication]
    outcome_measures: dict[str, OutcomeMeasure]
    business_statuses: dict[str, BusinessStatus]
    status_reasons: dict[str, StatusReason]
    task_inputs_and_outputs: dict[str, TaskInputOrOutput]
    qualifications: dict[str, Qualification]
    provider_roles: dict[str, ProviderRole]
    override_reasons: dict[str, StatusReason]
    progress_classes: dict[str, StatusReason]
    task_codes: dict[str, StatusReason]


def load(folder: Path = FOLDER) -> Catalogue:
    """The rows of the data files; DataFileError where one of them is not what its columns allow."""
    return Catalogue(
        sources=rows(folder / "sources.toml", Source),
        body_sites=rows(folder / "body_sites.toml", BodySite),
        techniques=rows(folder / "techniques.toml", Technique),
        conditions=rows(folder / "conditions.toml", Condition),
        contraindications=rows(folder / "contraindications.toml", Contraindication),
        outcome_measures=rows(folder / "outcome_measures.toml", OutcomeMeasure),
        business_statuses=rows(folder / "business_statuses.toml", BusinessStatus),
        status_reasons=rows(folder / "status_reasons.toml", StatusReason),
        task_inputs_and_outputs=rows(folder / "task_inputs_and_outputs.toml", TaskInputOrOutput),
        qualifications=rows(folder / "qualifications.toml", Qualification),
        provider_roles=rows(folder / "provider_roles.toml", ProviderRole),
        override_reasons=rows(folder / "override_reasons.toml", StatusReason),
        progress_classes=rows(folder / "progress_classes.toml", StatusReason),
        task_codes=rows(folder / "task_codes.toml", StatusReason),
    )
