"""Observation/$stats: https://hl7.org/fhir/R4/observation-operation-stats.html

Evaluated are quantities in UCUM, of Observations and of their components. Each code has an Observation of statistics
for each kind of unit: what UCUM converts is converted to the unit of the latest, a raw score and a percentage stay two.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir import codec
from service.fhir.code_systems import UCUM
from service.fhir.commensurable import in_unit
from service.fhir.concept import codings
from service.fhir.interaction import Answer
from service.fhir.observed import moment_of
from service.fhir.outcome import Result, failure
from service.fhir.reference import parse_local
from service.fhir.stamp import instant_text
from service.fhir.statistic import COMPUTED, COUNTS, SYSTEM, UNSUPPORTED, statistic
from service.operations.observations import MOST_FOUND, NO_OBSERVATIONS, observations, on_observations
from service.operations.parameters import Sent, Taken, missing, sent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.fhir.interaction import Context, Operation, Parameters
    from service.fhir.resource import Content
    from service.interactions.parts import Parts

TAKEN: Final = Taken(
    operation="stats",
    kinds={
        "subject": "text",
        "code": "text",
        "system": "text",
        "coding": "Coding",
        "duration": "decimal",
        "period": "Period",
        "statistic": "text",
        "include": "boolean",
        "limit": "integer",
    },
    repeating=frozenset({"code", "coding", "statistic"}),
)

MOST_CODES: Final = 20
_MOST_HOURS: Final = 24 * 366 * 100


class _Group(Struct, frozen=True):
    """Numbers in one unit; None where nothing was measured."""

    unit: str | None
    numbers: list[Decimal]


async def stats(parts: Parts, context: Context, operation: Operation) -> Answer:
    """Parameters with `statistics` and, if asked for, `source`; FhirError names the parameter that is wrong."""
    on_observations(operation)
    asked = sent(operation, TAKEN, parts.validator)
    if asked.one("limit") == 0:
        raise failure("parameter-value", "limit takes a whole number from 1.", "http.limit")
    codings, statistics, subject = _codings(asked), _statistics(asked), _subject(parts, context, asked)
    during, told = _during(context, asked)
    criteria = (("subject", subject), *during, *NO_OBSERVATIONS)
    any_code = ",".join(f"{_escaped(each['system'])}|{_escaped(each['code'])}" for each in codings)
    found = await observations(parts, context, (("combo-code", any_code), *criteria))
    contents: list[Content] = [codec.decode(each.content) for each in found]
    contents.sort(key=lambda each: moment_of(each, parts.zone).low, reverse=True)
    given: list[dict[str, Any]] = []
    for coding in codings:
        total = sum(1 for each in contents for _ in _holders(each, coding))
        for group in _grouped(contents, coding):
            components = [_component(code, group, total) for code in statistics]
            given.append({"name": "statistics", "resource": _observation(coding, subject, told, components)})
    if asked.flag("include"):
        limit = asked.one("limit")
        limit = MOST_FOUND if limit is None else limit
        given += [{"name": "source", "resource": each} for each in contents[:limit]]
    return Answer(result=Result.OK, body=codec.encode({"resourceType": "Parameters", "parameter": given}))


def _subject(parts: Parts, context: Context, asked: Sent) -> str:
    subject = asked.one("subject")
    if subject is None:
        raise missing("Say whose observations are evaluated, such as Patient/123.", "subject")
    target = parse_local(subject, context.base, parts.definitions.resource_types)
    if target is None:
        raise failure("parameter-value", "subject takes a reference on this server, Patient/123.", "http.subject")
    return f"{target.type}/{target.id}"


def _codings(asked: Sent) -> list[dict[str, Any]]:
    codes, system, listed = asked.all("code"), asked.one("system"), asked.all("coding")
    if codes and system is None:
        raise missing("A code goes with its system.", "system")
    if any("code" not in each or "system" not in each for each in listed):
        raise failure("parameter-value", "A coding takes a system and a code.", "http.coding")
    found = {(system, code): {"system": system, "code": code} for code in codes}
    found |= {(each["system"], each["code"]): each for each in listed}
    if not found:
        raise missing("Say what is evaluated, by code and system or by coding.", "code")
    if len(found) > MOST_CODES:
        raise failure("too-costly", f"At most {MOST_CODES} codes are evaluated at once.", "http.code")
    return list(found.values())


def _statistics(asked: Sent) -> list[str]:
    wanted = list(dict.fromkeys(asked.all("statistic")))
    if not wanted:
        raise missing("Say which statistics are wanted, such as average.", "statistic")
    known = sorted({*COMPUTED, *COUNTS})
    for code in wanted:
        if code in UNSUPPORTED:
            raise failure("parameter-unsupported", f"{code} is not computed.", "http.statistic")
        if code not in known:
            raise failure("parameter-value", f"statistic takes {', '.join(known)}.", "http.statistic")
    return wanted


def _during(context: Context, asked: Sent) -> tuple[Parameters, dict[str, str]]:
    """The criteria of the time that was asked for, and that time as a Period; empty for all times."""
    duration, period = asked.one("duration"), asked.one("period")
    if duration is not None and period is not None:
        raise failure("parameter-value", "$stats takes duration or period.", "http.duration")
    if duration is not None:
        if not 0 < duration <= _MOST_HOURS:
            raise failure("parameter-value", "duration takes hours above 0, up to a century.", "http.duration")
        start = context.received_at - timedelta(hours=float(duration))
        period = {"start": instant_text(start), "end": instant_text(context.received_at)}
    told = {name: period[name] for name in ("start", "end") if name in (period or {})}
    criteria = [("date", f"{'ge' if name == 'start' else 'le'}{text}") for name, text in told.items()]
    return tuple(criteria), told


def _holders(observation: Content, coding: dict[str, Any]) -> Iterator[Content]:
    """The Observation, and its components, that have the code."""
    for each in (observation, *observation.get("component", ())):
        named = ((one.get("system"), one.get("code")) for one in codings(each.get("code")))
        if (coding["system"], coding["code"]) in named:
            yield each


def _grouped(contents: Sequence[Content], coding: dict[str, Any]) -> list[_Group]:
    """The numbers by unit; `contents` are the latest first."""
    groups: list[_Group] = []
    for content in contents:
        for holder in _holders(content, coding):
            quantity = holder.get("valueQuantity", {})
            is_plain = quantity.get("system") == UCUM and "code" in quantity and "comparator" not in quantity
            # what a modifier extension makes of a value is not known
            is_modified = "modifierExtension" in content or "modifierExtension" in holder
            if is_plain and "value" in quantity and not is_modified:
                _sort_in(groups, Decimal(str(quantity["value"])), quantity["code"])
    return groups or [_Group(None, [])]


def _sort_in(groups: list[_Group], value: Decimal, code: str) -> None:
    for group in groups:
        number = in_unit(value, code, group.unit or "")
        if number is not None:
            group.numbers.append(number)
            return
    groups.append(_Group(code, [value]))


def _component(code: str, group: _Group, total: int) -> dict[str, Any]:
    told: dict[str, Any] = {"code": {"coding": [{"system": SYSTEM, "code": code}]}}
    if code in COUNTS:
        count = total if code == "total-count" else len(group.numbers)
        return told | {"valueQuantity": {"value": count, "system": UCUM, "code": "1"}}
    number = statistic(code, group.numbers)
    if number is None:
        absent = {"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "not-applicable"}
        return told | {"dataAbsentReason": {"coding": [absent]}}
    # a variance is in the square of the unit
    unit = {"system": UCUM, "code": group.unit} if code != "variance" else {}
    return told | {"valueQuantity": {"value": number, **unit}}


def _observation(
    coding: dict[str, Any], subject: str, during: dict[str, str], components: list[dict[str, Any]]
) -> Content:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [coding]},
        "subject": {"reference": subject},
        **({"effectivePeriod": during} if during else {}),
        "component": components,
    }


def _escaped(text: str) -> str:
    """A part of a token, in which search gives these characters a meaning."""
    for character in "\\,|$":
        text = text.replace(character, f"\\{character}")
    return text
