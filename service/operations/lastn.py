"""Observation/$lastn: https://hl7.org/fhir/R4/observation-operation-lastn.html

It takes what a search for Observations takes. Unless a status is asked for, what was entered in error or cancelled is
left out: R4 would include it, and whoever draws a trend must not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from service.fhir import codec
from service.fhir.bundle import Entry, bundle
from service.fhir.interaction import Answer
from service.fhir.observed import latest
from service.fhir.outcome import Result, failure
from service.fhir.search.result_parameters import RESULT_PARAMETERS
from service.operations.observations import MOST_FOUND, NO_OBSERVATIONS, OBSERVATION, observations, on_observations
from service.operations.parameters import missing

if TYPE_CHECKING:
    from service.fhir.interaction import Context, Operation, Parameters
    from service.interactions.parts import Parts

_MATCH: Final = b'{"search":{"mode":"match"}}'
_NAME: Final = re.compile(r"[^:.]+")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,3}")
_SUBJECT: Final = re.compile(r"(patient|subject)(:[A-Z][A-Za-z]*)?")
_SHAPING: Final = frozenset({"_format", "_pretty"})


async def lastn(parts: Parts, context: Context, operation: Operation) -> Answer:
    """A searchset Bundle of the latest of each code; FhirError parameter-required without a subject or a code."""
    on_observations(operation)
    sent = _sent(parts, operation)
    most = _most([value for name, value in sent if name == "max"])
    criteria = tuple((name, value) for name, value in sent if name != "max")
    _check(criteria)
    has_status = any(_base(name) == "status" for name, _ in criteria)
    found = await observations(parts, context, criteria if has_status else (*criteria, *NO_OBSERVATIONS))
    places = latest([codec.decode(each.content) for each in found], most, parts.zone)
    entries = [
        Entry(full_url=f"{context.base}/{OBSERVATION}/{found[place].id}", content=found[place].content, rest=_MATCH)
        for place in places
    ]
    links = [("self", f"{context.base}/{OBSERVATION}/$lastn?{urlencode(sent)}")]
    body = bundle("searchset", entries, built_at=context.received_at, total=len(entries), links=links)
    return Answer(result=Result.OK, body=body)


def _sent(parts: Parts, operation: Operation) -> Parameters:
    """The parameters of the URL and of a Parameters resource alike."""
    given = [(name, value) for name, value in operation.parameters if name not in _SHAPING]
    if operation.content is not None:
        parts.validator.check(operation.content, "Parameters")
        for place, each in enumerate(operation.content.get("parameter", ())):
            given.append((each["name"], _text(each, f"Parameters.parameter[{place}]")))
    return tuple(given)


def _text(parameter: dict[str, Any], where: str) -> str:
    value = next((each for name, each in parameter.items() if name.startswith("value")), None)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, dict | list):
        raise failure("parameter-value", "The parameter must be as in a URL: a text, a number, a date.", where)
    return str(value)


def _most(values: list[str]) -> int:
    if not values:
        return 1
    if len(values) > 1 or not _NUMBER.fullmatch(values[0]) or int(values[0]) > MOST_FOUND:
        raise failure("parameter-value", f"max takes one whole number from 1 to {MOST_FOUND}.", "http.max")
    return int(values[0])


def _check(criteria: Parameters) -> None:
    for name, _ in criteria:
        if _base(name) in RESULT_PARAMETERS:
            text = "$lastn returns all that it finds, the latest first; it takes search criteria and max."
            raise failure("parameter-unsupported", text, f"http.{name}")
    names = {_base(name) for name, _ in criteria}
    if not any(_SUBJECT.fullmatch(name) and "," not in value for name, value in criteria):
        raise missing("Say whose observations are asked for, by one reference as patient or subject.", "patient")
    if not any("code" in name or name == "category" for name in names):
        raise missing("Say what was observed, by code or category.", "code")


def _base(name: str) -> str:
    """The search parameter of a name with a modifier or a chain."""
    found = _NAME.match(name)
    return found[0] if found else ""
