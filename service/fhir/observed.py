"""Observations by when they were made and by what they are of: https://hl7.org/fhir/R4/observation-operation-lastn.html

Codes are equal where their system and code are; the codings of one CodeableConcept are translations of each other, and
what they are equal to is equal, too. A concept without codes is what its text says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.temporal import EARLIEST, Range, range_of, range_of_period

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from service.fhir.resource import Content

_Name = tuple[str, str]
_NEVER: Final = Range(EARLIEST, EARLIEST)


def moment_of(observation: Content, zone: tzinfo) -> Range:
    """When it was observed, or else issued; the earliest instant where it does not say."""
    period = observation.get("effectivePeriod")
    if period is not None:
        return range_of_period(period, zone) or _NEVER
    for name in ("effectiveDateTime", "effectiveInstant", "issued"):
        if name in observation:
            return range_of(observation[name], zone) or _NEVER
    return _NEVER


def latest(observations: Sequence[Content], most: int, zone: tzinfo) -> list[int]:
    """The places of the `most` latest of each group of equal codes, the latest of all first; ties all of them."""
    moments = [moment_of(each, zone) for each in observations]
    groups: dict[_Name, list[int]] = {}
    for place, name in enumerate(_groups([_names(each) for each in observations])):
        groups.setdefault(name, []).append(place)
    found: list[int] = []
    for places in groups.values():
        places.sort(key=lambda place: (moments[place].low, moments[place].high), reverse=True)
        last = moments[places[min(most, len(places)) - 1]]
        found += [place for nth, place in enumerate(places) if nth < most or moments[place] == last]
    return sorted(found, key=lambda place: (moments[place].low, moments[place].high), reverse=True)


def _names(observation: Content) -> list[_Name]:
    code = observation.get("code", {})
    codings = [(each.get("system", ""), each["code"]) for each in code.get("coding", ()) if "code" in each]
    # no system has a blank in it
    return codings or [(" text", code.get("text", ""))]


def _groups(named: Sequence[Sequence[_Name]]) -> list[_Name]:
    """The name of the group of each, one of its names."""
    leaders: dict[_Name, _Name] = {}

    def leader(name: _Name) -> _Name:
        while leaders.setdefault(name, name) != name:
            leaders[name] = leaders[leaders[name]]
            name = leaders[name]
        return name

    for names in named:
        for other in names[1:]:
            leaders[leader(other)] = leader(names[0])
    return [leader(names[0]) for names in named]
