"""The search parameters of AuditEvent that records are searched by; every other one is refused by its name.

https://hl7.org/fhir/R4/auditevent.html#search
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.audit.event import CLIENT_SYSTEM, DICOM, EVENT_TYPE_SYSTEM, INTERACTION_SYSTEM, SECURITY_CODES
from service.fhir.audit.record import ACTIONS, ANCHOR, SECURITY, clue
from service.fhir.outcome import failure
from service.fhir.reference import parse_local
from service.fhir.search.refusal import refused_value
from service.fhir.search.result_parameters import parse_count
from service.fhir.temporal import parse_instant_range

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from datetime import datetime, tzinfo

    from service.fhir.audit.record import Event
    from service.fhir.interaction import Parameters
    from service.fhir.outcome import FhirError
    from service.fhir.search.result_parameters import SearchLimits

PARAMETERS: Final = (
    "_id",
    "action",
    "agent",
    "agent:identifier",
    "date",
    "entity",
    "outcome",
    "patient",
    "subtype",
    "type",
)
RESULT_PARAMETERS: Final = ("_count", "_cursor", "_format", "_pretty", "_sort")
ACTION_SYSTEM: Final = "http://hl7.org/fhir/audit-event-action"
OUTCOME_SYSTEM: Final = "http://hl7.org/fhir/audit-event-outcome"

_ID: Final = re.compile(r"([1-9][0-9]{0,8})-([1-9][0-9]{0,17})")
_LONGEST_LIST: Final = 100


class EventQuery(Struct, kw_only=True):
    """What records have to be: each field that is not None is a condition, and all of them hold.

    `client`, `organisation`, `person` and `entity` are texts as in a record, `patient` a logical id; `dates` are ranges
    of instants, `low` included and `high` not. `of_type` and `not_of_type` are interactions, too: by ``type``.
    """

    ids: list[tuple[int, int]] | None = None
    dates: list[tuple[datetime | None, datetime | None]]
    actions: list[str] | None = None
    outcomes: list[int] | None = None
    interactions: list[str] | None = None
    of_type: list[str] | None = None
    not_of_type: list[str] | None = None
    client: str | None = None
    organisation: str | None = None
    person: str | None = None
    entity: str | None = None
    patient: str | None = None
    nothing: bool = False
    count: int
    cursor: str | None = None

    @property
    def clue(self) -> int | None:
        """A number that leads to all records that hold, the fewest records first; None where there is none."""
        patient = None if self.patient is None else f"Patient/{self.patient}"
        texts = (patient, self.entity, self.person, self.client, self.organisation)
        return next((clue(text) for text in texts if text is not None), None)

    def holds(self, event: Event) -> bool:
        """Whether a record that was found by a number is what was asked for; dates have been looked at."""
        record = event.record
        return (
            record.interaction != ANCHOR
            and (self.ids is None or (event.chain, event.number) in self.ids)
            and self.client in (None, record.client)
            and self.organisation in (None, record.organisation)
            and self.person in (None, record.user)
            and self.entity in (None, record.entity)
            and (self.patient is None or self.patient in record.patients)
            and (self.actions is None or record.action in self.actions)
            and (self.outcomes is None or record.outcome in self.outcomes)
            and (self.interactions is None or record.interaction in self.interactions)
            and (self.of_type is None or record.interaction in self.of_type)
            and (self.not_of_type is None or record.interaction not in self.not_of_type)
        )


def parse_event_query(
    parameters: Parameters, *, base: str, types: Container[str], zone: tzinfo, limits: SearchLimits
) -> EventQuery:
    """The query; FhirError names the parameter that is wrong, or not supported here."""
    query = EventQuery(dates=[], count=limits.default_page_size)
    seen = set()
    for name, value in parameters:
        if name in seen and name != "date":
            raise refused_value(name, "may be given once")
        seen.add(name)
        if name == "_count":
            query.count = max(1, parse_count(value, limits))
        elif name == "date":
            query.dates.append(_date(value, zone))
        elif name in _REFERENCES:
            _REFERENCES[name](query, _reference(name, value, base, types))
        elif name in _TEXTS:
            _TEXTS[name](query, value)
        else:
            raise _unsupported(name)
    return query


def _after(query: EventQuery, value: str) -> None:
    query.cursor = value


def _about_form(_query: EventQuery, _value: str) -> None:
    """It says how the answer is written, which is seen to elsewhere."""


def _in_order(_query: EventQuery, value: str) -> None:
    if value != "-date":
        raise refused_value("_sort", "takes -date, the order in which records come anyway")


def _unsupported(name: str) -> FhirError:
    accepted = ", ".join((*PARAMETERS, *RESULT_PARAMETERS))
    return failure("parameter-unsupported", f"AuditEvents are searched by {accepted} only.", f"http.{name}")


def _date(value: str, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    prefix, text = (value[:2], value[2:]) if value[:2].isalpha() else ("eq", value)
    low, high = parse_instant_range(text, zone, "date")
    match prefix:
        case "eq":
            return low, high
        case "ge":
            return low, None
        case "gt":
            return high, None
        case "le":
            return None, high
        case "lt":
            return None, low
    raise refused_value("date", "takes the prefixes eq, ge, gt, le and lt")


def _reference(name: str, value: str, base: str, types: Container[str]) -> str:
    """The reference as records have it: Type/id; a patient may be given by the id alone."""
    if name == "patient" and "/" not in value:
        value = f"Patient/{value}"
    local = parse_local(value, base, types)
    if local is None or local.version_id is not None:
        raise refused_value(name, "takes one reference to a resource of this service, such as Patient/1")
    return f"{local.type}/{local.id}"


def _by_agent(query: EventQuery, reference: str) -> None:
    if reference.startswith("Organization/"):
        query.organisation = reference
    else:
        query.person = reference


def _by_entity(query: EventQuery, reference: str) -> None:
    query.entity = reference


def _by_patient(query: EventQuery, reference: str) -> None:
    if not reference.startswith("Patient/"):
        raise refused_value("patient", "takes the id of a patient, or Patient/id")
    if query.ids is not None:
        raise refused_value("patient", "cannot be combined with _id")
    query.patient = reference.removeprefix("Patient/")


def _by_client(query: EventQuery, value: str) -> None:
    system, bar, code = value.rpartition("|")
    if bar and system != CLIENT_SYSTEM:
        query.nothing = True
    query.client = code


def _by_id(query: EventQuery, value: str) -> None:
    matches = [_ID.fullmatch(each) for each in _listed("_id", value)]
    if query.patient is not None:
        raise refused_value("_id", "cannot be combined with patient")
    query.ids = [(int(match[1]), int(match[2])) for match in matches if match]


def _by_action(query: EventQuery, value: str) -> None:
    actions = {*ACTIONS.values(), "E"}
    query.actions = [each for each in _codes("action", value, ACTION_SYSTEM) if each in actions]


def _by_outcome(query: EventQuery, value: str) -> None:
    query.outcomes = [int(each) for each in _codes("outcome", value, OUTCOME_SYSTEM) if each in {"0", "4", "8", "12"}]


def _by_subtype(query: EventQuery, value: str) -> None:
    named = [each for each in _codes("subtype", value, INTERACTION_SYSTEM) if each and each not in SECURITY]
    codes = _codes("subtype", value, DICOM)
    query.interactions = named + [event for event, (_, subtype) in SECURITY_CODES.items() if subtype["code"] in codes]


def _by_type(query: EventQuery, value: str) -> None:
    codes = _codes("type", value, DICOM)
    named = [event for event, (kind, _) in SECURITY_CODES.items() if kind["code"] in codes]
    if "rest" in _codes("type", value, EVENT_TYPE_SYSTEM):
        query.not_of_type = [event for event in SECURITY if event not in named]
    else:
        query.of_type = named


def _codes(name: str, value: str, system: str) -> list[str]:
    """The codes of tokens; those of another system match nothing."""
    pairs = [each.rpartition("|") for each in _listed(name, value)]
    return [code for given, bar, code in pairs if not bar or given == system]


def _listed(name: str, value: str) -> list[str]:
    values = value.split(",")
    if not all(values) or len(values) > _LONGEST_LIST:
        raise refused_value(name, f"takes up to {_LONGEST_LIST} values, separated by commas")
    return values


_REFERENCES: Final[dict[str, Callable[[EventQuery, str], None]]] = {
    "agent": _by_agent,
    "entity": _by_entity,
    "patient": _by_patient,
}
_TEXTS: Final[dict[str, Callable[[EventQuery, str], None]]] = {
    "_cursor": _after,
    "_format": _about_form,
    "_pretty": _about_form,
    "_sort": _in_order,
    "_id": _by_id,
    "action": _by_action,
    "agent:identifier": _by_client,
    "outcome": _by_outcome,
    "subtype": _by_subtype,
    "type": _by_type,
}
