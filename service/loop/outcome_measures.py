"""Organization/{id}/$outcome-measures: what comes of a clinic's referrals, as far as the caller sees and may read them.

| what is wrong                                                   | status and error code                         |
| --------------------------------------------------------------- | --------------------------------------------- |
| a parameter is missing, unknown, or no month or year            | 400 `parameter-required`, `parameter-value`   |
| the period is none of the grid, such as a half-year             | 400 `parameter-value`                         |
| the organisation is not there                                   | 404 `not-found`                               |
| the scopes do not let the caller read what is counted           | 403 `forbidden`                               |
| there are too many referrals in the period, or too much of them | 400 `too-costly`                              |
| it is not kept what belongs to a referral                       | 400 `not-supported`                           |

Of two periods that overlap the difference could be one patient: there is one grid of them, and no choice of conditions
or techniques. A sum over clinics would tell what is withheld of one of them, so there is none.
"""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from service.fhir import codec
from service.fhir.concept import code_in
from service.fhir.interaction import Answer, Read
from service.fhir.outcome import Result, failure
from service.fhir.search.parse import parse_criteria
from service.fhir.sight import REFERRAL
from service.fhir.temporal import range_of
from service.interactions.read import read
from service.loop.outcome_account import parameters
from service.loop.reading import readable_types
from service.massage.cycle.terms import TASK_CODE, reference_in
from service.massage.cycle.view import View
from service.massage.quality import account, facts_of, period_of
from service.massage.quality.facts import ACCEPTED
from service.operations.everything import NOT_KEPT
from service.operations.parameters import Taken, missing, sent
from service.store.membership import episodes_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

    from service.fhir.interaction import Context, Operation
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.massage.quality import Facts, Period, Told
    from service.operations.parameters import Sent
    from service.store.found import Found
    from service.store.store import Session

TAKEN: Final = Taken(operation="outcome-measures", kinds={"periodStart": "text", "periodEnd": "text"})

MOST_REFERRALS: Final = 1_000
MOST_MEMBERS: Final = 60_000
"""Referrals, and resources of them, that are looked at."""

_TYPE: Final = "Organization"
COUNTED: Final = ("Appointment", "Condition", "Observation", "Procedure", "Provenance", REFERRAL, "Task")
"""What is counted of a referral, beside who owns it."""
_OWNERS: Final = ("owner", "owner:PractitionerRole.organization", "owner:HealthcareService.organization")
_STAFF: Final = ("PractitionerRole", "HealthcareService")
_MONTH: Final = re.compile(r"\d{4}(-\d{2})?")
_BREATH: Final = 20
"""Referrals after which others have a turn."""


class OutcomeMeasures:
    """The operation; groups of fewer than `smallest_group` referrals are withheld, `period` is that of the grid."""

    def __init__(self, told: Told, smallest_group: int, period: Period) -> None:
        self._told = told
        self._least = smallest_group
        self._period = period

    async def __call__(self, parts: Parts, context: Context, operation: Operation) -> Answer:
        """Parameters; FhirError as the table above says."""
        if operation.type != _TYPE or operation.id is None:
            raise failure("operation-unknown", f"$outcome-measures works on an instance of {_TYPE}.")
        given = sent(operation, TAKEN, parts.validator)
        start, end = _month(parts, given, "periodStart"), _month(parts, given, "periodEnd")
        _require_period((start[0], end[1]), self._period, parts.zone)
        _require_scopes(context)
        async with parts.store.session() as session:
            await read(session, Read(type=_TYPE, id=operation.id))
            if parts.store.sight is None:
                raise failure("not-supported", NOT_KEPT)
            clinic = f"{_TYPE}/{operation.id}"
            tasks = await _tasks(parts, session, context, clinic, (start[0], end[1]))
            found = await episodes_of(session, tasks, COUNTED, step=ACCEPTED, limit=MOST_MEMBERS + 1)
        if sum(map(len, found.values())) > MOST_MEMBERS:
            raise _too_costly(f"more than {MOST_MEMBERS:,} resources")
        facts = await self._facts(parts, context, found, frozenset(tasks))
        told = account(facts, self._least)
        content = parameters(told, clinic, (given.one("periodStart"), given.one("periodEnd")), self._least, self._told)
        return Answer(result=Result.OK, body=codec.encode(content))

    async def _facts(
        self, parts: Parts, context: Context, found: dict[str, list[Found]], tasks: frozenset[str]
    ) -> list[Facts]:
        facts = []
        for number, (referral, members) in enumerate(found.items(), start=1):
            if number % _BREATH == 0:
                await asyncio.sleep(0)
            view = _view(referral, members, context.base)
            own = [each for each in view.tasks() if each["id"] in tasks]
            if own:  # of several, as after a clinic gave up, the last that was asked
                task = max(own, key=lambda each: str(each.get("authoredOn", "")))
                facts.append(facts_of(view, task, self._told, parts.zone, context.received_at))
        return facts


def _view(referral: str, members: Sequence[Found], base: str) -> View:
    by_type: dict[str, dict[str, Content]] = {}
    for each in members:
        by_type.setdefault(each.type, {})[each.id] = codec.decode(each.content)
    return View(referral, by_type, base)


def _month(parts: Parts, given: Sent, name: str) -> tuple[datetime, datetime]:
    """The first instant of a month or year, and the first after it; FhirError parameter-required, parameter-value."""
    text: Any = given.one(name)
    if text is None:
        raise missing(f"Name the months by {name}, such as 2026-01.", name)
    found = range_of(text, parts.zone) if _MONTH.fullmatch(text) else None
    if found is None:
        raise failure("parameter-value", f"{name} takes a month or a year, such as 2026-01 or 2026.", f"http.{name}")
    return found.low, found.high


def _require_period(asked: tuple[datetime, datetime], period: Period, zone: tzinfo) -> None:
    """FhirError parameter-value for what is none of the grid, with the one that it begins in."""
    first, after = (each.astimezone(zone).date() for each in asked)
    begins, ends = period_of(first, period)
    if (first, after) == (begins, ends):
        return
    wanted = f"{begins:%Y-%m} to {ends - timedelta(days=1):%Y-%m}"
    told = f"The account is of a {period} (OUTCOME_PERIOD), so that no two overlap; this one begins in {wanted}."
    raise failure("parameter-value", told, "http.periodStart" if first != begins else "http.periodEnd")


def _require_scopes(context: Context) -> None:
    needed = (_TYPE, *_STAFF, *COUNTED)
    readable = readable_types(context, needed)
    refused = [each for each in needed if each not in readable]
    if refused:
        told = f"$outcome-measures takes scopes that read, without a limit: {', '.join(refused)}."
        raise failure("forbidden", told, "http.Authorization")


async def _tasks(
    parts: Parts, session: Session, context: Context, clinic: str, period: tuple[datetime, datetime]
) -> list[str]:
    """The ids of the Tasks by which the clinic was asked in the period, those that coordinate a referral.

    They are owned by itself, or by a role or a service of it.
    """
    authored = (("authored-on", f"ge{period[0].isoformat()}"), ("authored-on", f"lt{period[1].isoformat()}"))
    ids: dict[str, None] = {}
    for owner in _OWNERS:
        query = parse_criteria(parts.registry, "Task", ((owner, clinic), *authored), base=context.base, zone=parts.zone)
        for each in await session.search(query, limit=MOST_REFERRALS + 1):
            content = codec.decode(each.content)
            is_coordinating = code_in(content.get("code"), TASK_CODE) in {None, "fulfill"}
            if is_coordinating and f"{REFERRAL}/" in reference_in(content.get("focus")):
                ids[content["id"]] = None
            if len(ids) > MOST_REFERRALS:
                raise _too_costly(f"more than {MOST_REFERRALS:,} Tasks")
    return list(ids)


def _too_costly(what: str) -> Exception:
    told = f"In this period there are {what} to look at; a shorter OUTCOME_PERIOD has fewer."
    return failure("too-costly", told, "http.periodEnd")
