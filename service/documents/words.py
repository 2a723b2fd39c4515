"""How what resources say is written for a reader: names, concepts, days and times, numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from service.fhir.concept import codings
from service.massage.cycle.terms import reference_in
from service.massage.systems import TECHNIQUE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, tzinfo

    from service.fhir.resource import Content
    from service.massage.catalogue.rows import Technique
    from service.massage.cycle.view import View
    from service.massage.visits import Term

_KIND: Final = re.compile(r" \((body structure|disorder|finding|morphologic abnormality|procedure)\)$")
UNKNOWN: Final = "not known"
_DEEPEST: Final = 3
_FIRST_USES: Final = ("official", "usual")
_PERIODS: Final = {"d": "day", "wk": "week", "mo": "month", "a": "year", "h": "hour", "min": "minute"}


def capital(text: str) -> str:
    """A text as a sentence begins."""
    return text[:1].upper() + text[1:]


def name_in(names: Iterable[Content]) -> str:
    """The official or usual name of a person, else the first; empty where there is none."""
    ordered = sorted(names, key=lambda each: _FIRST_USES.index(use) if (use := each.get("use")) in _FIRST_USES else 9)
    return next((text for each in ordered if (text := _whole_name(each))), "")


def _whole_name(name: Content) -> str:
    parts = [*name.get("given", ()), name.get("family", "")]
    return str(name.get("text") or " ".join(each for each in parts if each))


def concept(value: Any) -> str:
    """How a CodeableConcept is called: its text, else a display, else a code; empty where it says nothing."""
    if not isinstance(value, dict):
        return ""
    found = [value.get("text"), *(each.get("display") for each in codings(value))]
    found += [each.get("code") for each in codings(value)]
    return str(next((each for each in found if each), ""))


def term(each: Term, techniques: Mapping[str, Technique]) -> str:
    """How a term of the log is called: a technique that is given by its code alone as the catalogue has it.

    What SNOMED CT's full names say in brackets of the kind of concept is left out.
    """
    row = techniques.get(each.code) if each.system == TECHNIQUE and each.text in ("", each.code) else None
    return row.display if row is not None else _KIND.sub("", each.text)


def moment(instant: datetime | None, zone: tzinfo) -> str:
    """The day and the minute of an instant."""
    return UNKNOWN if instant is None else f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"


def day(instant: datetime | None, zone: tzinfo) -> str:
    """The day of an instant."""
    return UNKNOWN if instant is None else f"{instant.astimezone(zone):%Y-%m-%d}"


def clock(start: datetime | None, end: datetime | None, zone: tzinfo) -> str:
    """From when to when on a day."""
    if start is None or end is None:
        return UNKNOWN
    return f"{start.astimezone(zone):%H:%M} to {end.astimezone(zone):%H:%M}"


def count(number: int | None) -> str:
    """A number, or that nobody has said it."""
    return UNKNOWN if number is None else str(number)


def period(value: Any) -> str:
    """A Period of days."""
    if not isinstance(value, dict):
        return ""
    start, end = str(value.get("start", ""))[:10], str(value.get("end", ""))[:10]
    if start and end:
        return f"{start} to {end}"
    return f"from {start}" if start else f"until {end}" if end else ""


def timing(value: Any) -> str:
    """How often: what a Timing says in text, by its code, or by count, frequency and duration; empty for none."""
    if not isinstance(value, dict):
        return ""
    if told := concept(value.get("code")):
        return told
    repeat: Content = value.get("repeat", {})
    parts = []
    if "count" in repeat:
        parts.append(f"{repeat['count']} times")
    unit = _PERIODS.get(repeat.get("periodUnit", ""))
    if unit and "frequency" in repeat and "period" in repeat:
        every = f"a {unit}" if repeat["period"] == 1 else f"{repeat['period']} {unit}s"
        parts.append(f"{repeat['frequency']} in {every}")
    lasts = _PERIODS.get(repeat.get("durationUnit", ""))
    if lasts and "duration" in repeat:
        parts.append(f"{repeat['duration']} {lasts}s each")
    return ", ".join(parts)


def who(view: View, reference: Any, depth: int = 0) -> str:
    """The name of whom a Reference means: as it is here, with the organisation of a role; else as it is displayed."""
    found = view.find(reference_in(reference)) if reference else None
    if found is None or depth >= _DEEPEST:
        return str(reference.get("display", "")) if isinstance(reference, dict) else ""
    match found["resourceType"]:
        case "PractitionerRole":
            parts = [who(view, found.get(name), depth + 1) for name in ("practitioner", "organization")]
            return ", ".join(each for each in parts if each)
        case "Organization" | "HealthcareService" | "Location":
            return str(found.get("name", ""))
        case "Patient" | "Practitioner" | "RelatedPerson":
            return name_in(found.get("name", ()))
    return ""
