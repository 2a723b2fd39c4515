"""What the parameters of $record-session tell of a session: https://hl7.org/fhir/R4/parameters.html

| parameter                                     | what it says                                                         |
| --------------------------------------------- | -------------------------------------------------------------------- |
| start, and end or minutes                     | from when to when; instants such as 2026-01-12T09:00:00Z             |
| performer                                     | the therapist, a Practitioner or PractitionerRole                    |
| technique *                                   | a code of massage-technique, or another concept                      |
| region *                                      | a SNOMED CT code of a body site, or another concept                  |
| painBefore, painAfter                         | ratings from 0 to 10                                                 |
| tolerance, reaction *                         | how it was borne; adverse reactions, of which the referrer is told   |
| finding *                                     | a text                                                               |
| units                                         | timed units as the client counts them; refused where they are others |
| identifier                                    | of the session: sent again, it is recorded once                      |
| encounter, appointment                        | the visit, where it is stored already                                |
| questionnaireResponse, observation *          | the check before the session; what else was measured                 |
| nextAppointment (start, and end or minutes)   | the visit that is booked now                                         |
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import SNOMED
from service.fhir.concept import codings
from service.fhir.outcome import failure
from service.fhir.reference import parse_local
from service.fhir.stamp import instant_text
from service.fhir.temporal import range_of
from service.massage.cycle.moment import minutes_between
from service.massage.session import Given, NextVisit
from service.massage.systems import TECHNIQUE
from service.operations.parameters import Sent, Taken, missing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from service.massage.catalogue.rows import Catalogue

Json = dict[str, Any]

TAKEN: Final = Taken(
    operation="record-session",
    kinds={
        "start": "text",
        "end": "text",
        "minutes": "integer",
        "performer": "Reference",
        "technique": "concept",
        "region": "concept",
        "painBefore": "integer",
        "painAfter": "integer",
        "tolerance": "concept",
        "reaction": "concept",
        "finding": "text",
        "units": "integer",
        "identifier": "Identifier",
        "encounter": "Reference",
        "appointment": "Reference",
        "questionnaireResponse": "resource",
        "observation": "resource",
        "nextAppointment": "parts",
    },
    repeating=frozenset({"technique", "region", "reaction", "finding", "observation"}),
)
_MOST_PAIN: Final = 10
_LONGEST_MINUTES: Final = 1440
_LAST: Final = datetime.max.replace(tzinfo=UTC) - timedelta(minutes=_LONGEST_MINUTES)
_THERAPISTS: Final = ("Practitioner", "PractitionerRole")
_NEEDED: Final = ("start", "performer", "technique")
_INSTANT: Final = "takes an instant with its offset, such as 2026-01-12T09:00:00Z."


class Telling:
    """Reads the parameters, by the codes of the catalogue."""

    def __init__(self, catalogue: Catalogue, types: Collection[str]) -> None:
        self._types = types
        self._techniques = {code: row.display for code, row in catalogue.techniques.items()}
        self._sites = {code: row.display for code, row in catalogue.body_sites.items()}
        tolerance = catalogue.outcome_measures["session-tolerance"]
        self._reactions = dict(tolerance.snomed)

    def given(self, sent: Sent, base: str) -> Given:
        """The session; FhirError parameter-required, parameter-value or outcome-invalid."""
        for name in _NEEDED:
            if not sent.all(name):
                raise missing(f"$record-session needs {', '.join(_NEEDED)}, and end or minutes.", name)
        start, end = _times(sent.one("start"), sent.one("end"), sent.one("minutes"), "")
        identifier = sent.one("identifier")
        if identifier is not None and not (identifier.get("system") and identifier.get("value")):
            raise failure("parameter-value", "identifier needs a system and a value.", "http.identifier")
        return Given(
            start=start,
            end=end,
            performer=self._performer(sent.one("performer"), base),
            techniques=tuple(_coded(each, TECHNIQUE, self._techniques, "technique") for each in sent.all("technique")),
            regions=tuple(_coded(each, SNOMED, self._sites, "region") for each in sent.all("region")),
            findings=tuple(sent.all("finding")),
            reactions=tuple(_coded(each, SNOMED, self._reactions, "reaction") for each in sent.all("reaction")),
            identifier=identifier,
            pain_before=_pain(sent, "painBefore"),
            pain_after=_pain(sent, "painAfter"),
            tolerance=_tolerance(sent.one("tolerance"), self._reactions),
            units=sent.one("units"),
            next_visit=_next(sent.one("nextAppointment")),
            check=sent.one("questionnaireResponse"),
            observations=tuple(sent.all("observation")),
        )

    def _performer(self, reference: str, base: str) -> str:
        target = parse_local(reference, base, self._types)
        if target is None or target.type not in _THERAPISTS:
            told = "performer takes a reference such as Practitioner/1 or PractitionerRole/1."
            raise failure("parameter-value", told, "http.performer")
        return f"{target.type}/{target.id}"


def _times(start: str, end: str | None, minutes: int | None, within: str) -> tuple[str, str]:
    """From when to when, as R4 writes it."""
    began = _instant(start, f"{within}start")
    if end is None:
        if minutes is None:
            raise missing(f"Say {within}end or {within}minutes.", f"{within}end")
        if not 0 < minutes <= _LONGEST_MINUTES:
            raise failure("parameter-value", "minutes are those of one visit.", f"http.{within}minutes")
        return start, _later(start, began, minutes)
    if _instant(end, f"{within}end") <= began:
        raise failure("parameter-value", "end must be after start.", f"http.{within}end")
    if minutes is not None and minutes != minutes_between(start, end):
        told = "minutes are not those from start to end; leave them out, or the end."
        raise failure("parameter-value", told, f"http.{within}minutes")
    return start, end


def _instant(text: str, name: str) -> datetime:
    found = range_of(text)
    has_offset = "T" in text and (text.endswith("Z") or text[-6:-5] in ("+", "-"))
    if found is None or not has_offset:
        raise failure("parameter-value", f"{name} {_INSTANT}", f"http.{name}")
    return found.low


def _later(text: str, began: datetime, minutes: int) -> str:
    """The end in the offset of the start, where that can be kept."""
    try:
        later = (datetime.fromisoformat(text) + timedelta(minutes=minutes)).isoformat()
    except (OverflowError, ValueError):  # more digits or seconds than Python's clock has, or the end of its calendar
        if began > _LAST:
            raise failure("parameter-value", "start is at the end of the calendar.", "http.start") from None
        return instant_text(began + timedelta(minutes=minutes))
    return later.replace("+00:00", "Z") if text.endswith("Z") else later


def _coded(concept: Json, system: str, known: Mapping[str, str], name: str) -> Json:
    """The concept, a plain code with its system and display; FhirError for a code that the catalogue has not."""
    found = []
    for coding in codings(concept):
        code = coding.get("code", "")
        # others than ours are not judged: the catalogue does not have all of SNOMED CT
        if "system" not in coding or coding["system"] == TECHNIQUE:
            if code not in known:
                told = f"{name} takes one of {', '.join(sorted(known))}, or a concept of another code system."
                raise failure("parameter-value", told, f"http.{name}")
            found.append({"system": system, **coding, "display": coding.get("display") or known[code]})
        else:
            found.append(coding)
    return {**concept, "coding": found} if found else concept


def _tolerance(concept: Json | None, reactions: Mapping[str, str]) -> Json | None:
    """How the session was borne: a word of the clinic's own, or a reaction."""
    if concept is None:
        return None
    plain = [each["code"] for each in codings(concept) if "system" not in each and "code" in each]
    if plain and plain[0] not in reactions:
        return {"text": plain[0]}
    return _coded(concept, SNOMED, reactions, "tolerance")


def _pain(sent: Sent, name: str) -> int | None:
    value: int | None = sent.one(name)
    if value is not None and value > _MOST_PAIN:
        raise failure("outcome-invalid", f"{name} is a whole number from 0 to {_MOST_PAIN}.", f"http.{name}")
    return value


def _next(parts: list[Json] | None) -> NextVisit | None:
    if parts is None:
        return None
    values: dict[str, Any] = {}
    for part in parts:
        name, within = part["name"], "nextAppointment."
        value = next((each for key, each in part.items() if key.startswith("value")), None)
        wanted = int if name == "minutes" else str
        if name not in ("start", "end", "minutes") or name in values or type(value) is not wanted:
            told = "nextAppointment has start as an instant, and end as one or minutes as an integer, each once."
            raise failure("parameter-value", told, f"http.{within}{name}")
        values[name] = value
    if "start" not in values:
        raise missing("nextAppointment needs its start.", "nextAppointment.start")
    start, end = _times(values["start"], values.get("end"), values.get("minutes"), "nextAppointment.")
    return NextVisit(start=start, end=end)
