"""The rows of the protocols, as the data files beside this hold them; each file says what its columns mean."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from service.massage.catalogue import rows as catalogue
from service.massage.data_files import rows, whole

FOLDER: Final = Path(__file__).parent

Confidence = Literal["A", "B", "design"]
SHORTEST_MINUTES: Final = 30
LONGEST_MINUTES: Final = 90


class Statement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said, by whom, and how far that carries."""

    says: str
    sources: tuple[str, ...]
    confidence: Confidence


class TechniqueUse(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One technique of a protocol, and why."""

    code: str
    says: str
    sources: tuple[str, ...]
    confidence: Confidence


class Activity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What belongs to every plan beside the sessions."""

    id: str
    title: str
    kind: Literal["ServiceRequest", "Task", "CommunicationRequest"]
    when: str
    says: str
    sources: tuple[str, ...]
    confidence: Confidence
    technique: str | None = None


class Protocol(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """protocols.toml; the key is `id`."""

    id: str
    title: str
    conditions: tuple[str, ...]
    sites: tuple[str, ...]
    why: Statement
    techniques: tuple[TechniqueUse, ...]
    goals: tuple[str, ...]
    cautions: tuple[Statement, ...] = ()
    visits: int = 6
    minutes: int = 60
    every_weeks: int = 1


class _General(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """statements.toml"""

    activity: tuple[Activity, ...]
    judgement: Statement
    dosage: Statement
    continuation: Statement


class Protocols(Struct, frozen=True, kw_only=True):
    """All rows, with the catalogue that their codes are from."""

    rows: dict[str, Protocol]
    activities: tuple[Activity, ...]
    judgement: Statement
    dosage: Statement
    continuation: Statement
    catalogue: catalogue.Catalogue


def load(folder: Path = FOLDER) -> Protocols:
    """The rows of the data files; ValueError where one of them is not what its columns allow."""
    general = whole(folder / "statements.toml", _General)
    found = Protocols(
        rows=rows(folder / "protocols.toml", Protocol, key="id"),
        activities=general.activity,
        judgement=general.judgement,
        dosage=general.dosage,
        continuation=general.continuation,
        catalogue=catalogue.load(),
    )
    for row in found.rows.values():
        _check(row, found)
    return found


def _check(row: Protocol, found: Protocols) -> None:
    """ValueError for a code that the catalogue has not, or a number out of range."""
    known = found.catalogue
    statements: list[Statement | TechniqueUse] = [row.why, *row.techniques, *row.cautions]
    unknown = {
        *(each for each in row.conditions if each not in known.conditions),
        *(each for each in row.sites if each not in known.body_sites),
        *(each.code for each in row.techniques if each.code not in known.techniques),
        *(each for each in row.goals if each not in known.outcome_measures or known.outcome_measures[each].abstract),
        *(source for each in statements for source in each.sources if source not in known.sources),
    }
    if unknown:
        raise ValueError(f"protocols.toml: {row.id} names what the catalogue has not: {', '.join(sorted(unknown))}.")
    if not row.techniques or not row.goals or not row.sites:
        raise ValueError(f"protocols.toml: {row.id} needs techniques, goals and sites.")
    if not SHORTEST_MINUTES <= row.minutes <= LONGEST_MINUTES or row.visits < 1 or row.every_weeks < 1:
        raise ValueError(f"protocols.toml: {row.id} has a dosage out of range.")
