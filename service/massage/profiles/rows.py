"""The rows of the profiles: one TOML file each, named by the profile's id.

``[[element]]`` is one element, in R4's order. Its columns:

    id        the path below the type, with the slice after a colon: ``identifier:placer.type``
    min, max  how often it occurs, where that is stricter than R4; max 0: never
    types     the types that are left: ``Quantity``, ``Reference(Patient|Group)``, ``Extension(timed-units)``
    sliced    what tells its slices apart: ``pattern type`` or ``value system``
    binding   the strength and a value set of the catalogue: ``required massage-referral``
    fixed..., pattern...
              the value, under FHIR's own name: ``fixedUri``, ``patternCodeableConcept``
    says      what it is for; sources: who asks for it (sources.toml, and that of the catalogue)

``[[rule]]`` is an invariant in FHIRPath: key, human, expression, severity (error unless it says warning), sources, and
`broken`: what to ``set`` and ``remove`` in the example to break it. ``[example]`` is a resource that meets the profile.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from service.massage.catalogue import rows as catalogue
from service.massage.data_files import read

FOLDER: Final = Path(__file__).parent
NAMES: Final = (
    "timed-units",
    "massage-referral",
    "massage-referral-task",
    "massage-care-plan",
    "massage-session",
    "massage-outcome",
)
_VALUES: Final = ("fixed", "pattern")


class Broken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the example is changed so that it breaks a rule: paths of names, with values or to be removed."""

    set: dict[str, Any] = msgspec.field(default_factory=dict)
    remove: tuple[str, ...] = ()


class ElementRow(Struct, frozen=True, kw_only=True):
    """One element; `value` is the property and value of fixed[x] or pattern[x]."""

    id: str
    min: int | None = None
    max: int | None = None
    types: tuple[str, ...] = ()
    sliced: str | None = None
    binding: str | None = None
    says: str | None = None
    sources: tuple[str, ...] = ()
    value: tuple[str, Any] | None = None


class RuleRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One invariant of the whole resource."""

    key: str
    human: str
    expression: str
    sources: tuple[str, ...]
    broken: Broken
    severity: Literal["error", "warning"] = "error"


class ProfileRows(Struct, frozen=True, kw_only=True):
    """One file."""

    id: str
    title: str
    type: str
    description: str
    sources: tuple[str, ...]
    elements: tuple[ElementRow, ...]
    rules: tuple[RuleRow, ...] = ()
    context: str | None = None
    example: dict[str, Any] | None = None


def load(folder: Path = FOLDER) -> tuple[ProfileRows, ...]:
    """All profiles; ValueError or msgspec.ValidationError for a file that is not as described above."""
    return tuple(_profile(name, read(folder / f"{name}.toml")) for name in NAMES)


def sources(folder: Path = FOLDER) -> dict[str, str]:
    """What sources are called."""
    own = read(folder / "sources.toml")
    known = read(catalogue.FOLDER / "sources.toml")
    return {key: row["display"] for key, row in (known | own).items()}


def _profile(name: str, found: dict[str, Any]) -> ProfileRows:
    elements = tuple(_element(row) for row in found.pop("element"))
    rules = msgspec.convert(found.pop("rule", []), tuple[RuleRow, ...])
    example = found.pop("example", None)
    if example is not None:
        example = {"resourceType": found["type"], **example}
    return msgspec.convert({**found, "id": name, "elements": elements, "rules": rules, "example": example}, ProfileRows)


def _element(row: dict[str, Any]) -> ElementRow:
    values = [(key, value) for key, value in row.items() if key.startswith(_VALUES)]
    columns = {key: value for key, value in row.items() if not key.startswith(_VALUES)}
    if unknown := columns.keys() - {*ElementRow.__struct_fields__} or len(values) > 1:
        raise ValueError(f"{row['id']} has columns that nobody reads: {unknown}")
    return msgspec.convert({**columns, "value": values[0] if values else None}, ElementRow)
