"""The pages below FHIR: an answer as a person reads it, and a work list.

A page shows what the interaction answered, and what further interactions answer, each asked for in the caller's name:
nothing is shown that the API would refuse, and all of it is on record. https://hl7.org/fhir/R4/http.html#mime-type
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from service.fhir import codec
from service.fhir.interaction import History, Operation, Read, Search
from service.fhir.outcome import Category, FhirError, failure
from service.pages.case import REFERRAL, referral_of
from service.pages.entries import MOST as MOST_ROWS
from service.pages.entries import unnamed
from service.pages.sheets import Sheets, Visited
from service.pages.work_searches import (
    LISTS,
    Asked,
    Found,
    appointments_of,
    conditions_of,
    task_criteria,
    visit_criteria,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from service.fhir.interaction import Answer, Interaction, Parameters
    from service.fhir.resource import Content
    from service.pages.work_searches import ListName

    Ask = Callable[[Interaction], Awaitable[Answer]]

MOST_BYTES: Final = 2 << 20
"""Of the JSON that a page is made of; of more there is only the JSON."""

_MOST_IN_A_CASE: Final = "1000"
_WITH_A_STORY: Final = (REFERRAL, "CarePlan", "Task")
_NO_REFERRALS: Final = "Your scopes do not let you read referrals, patients and safety issues: only Tasks are shown."
_NO_VISITS: Final = "Your scopes do not let you read visits."
_NO_CONDITIONS: Final = "Your scopes do not let you read diagnoses: which referrals are not screened is not shown."


class Pages:
    """Makes pages of what it asks for, on `sheets`.

    `base` is the URL of FHIR as clients see it, `target` the path and query below it, `now` the present instant. `ask`
    performs an interaction in the caller's name and puts it on record; FhirError where it is refused.
    """

    def __init__(self, sheets: Sheets) -> None:
        self._sheets = sheets

    async def answer(
        self, body: bytes, interaction: Interaction, *, base: str, target: str, now: datetime, ask: Ask
    ) -> bytes:
        """The page of what an interaction answered."""
        visited = Visited(base=base, target=target, now=now)
        if len(body) > MOST_BYTES:
            return self._sheets.too_large(visited)
        content: Content = await asyncio.to_thread(codec.decode, body)
        story, note = None, ""
        if isinstance(interaction, Read) and interaction.type in _WITH_A_STORY:
            story, note = await self._story(content, base, ask)
        patients = await self._patients(content, interaction, base, ask)
        return await asyncio.to_thread(self._sheets.page, body, content, visited, story, note, patients)

    def refusal(self, body: bytes, status: int, *, base: str, target: str, now: datetime) -> bytes:
        """The page of an OperationOutcome that says why there is no answer."""
        visited = Visited(base=base, target=target, now=now)
        return self._sheets.outcome(body, codec.decode(body), visited, status)

    async def work_list(
        self, clinic: str, show: str, after: str, *, base: str, target: str, now: datetime, ask: Ask
    ) -> bytes:
        """The work list; `clinic` is empty or the reference of the Tasks' owner. FhirError where Tasks are refused.

        `show` is empty or a list of Tasks, which goes on `after` a page of it; FhirError parameter-value for another.
        """
        name = next((each for each in LISTS if each == show), None)
        if (show or after) and name is None:
            raise failure("parameter-value", f"show takes one of {', '.join(LISTS)}.", "http.show")
        asked, notes = Asked(clinic=clinic, show=name, after=after), list[str]()
        tasks = await self._tasks(asked, notes, ask)
        visits = await _allowed(ask, _search("Appointment", visit_criteria(now, self._sheets.zone)))
        if visits is None:
            notes.append(_NO_VISITS)
        appointments = None if visits is None else await _each(ask, "Appointment", appointments_of, tasks, base)
        conditions = await _each(ask, "Condition", conditions_of, tasks, base)
        if conditions is None:
            notes.append(_NO_CONDITIONS)
        found = Found(tasks=tasks, visits=visits, appointments=appointments, conditions=conditions)
        visited = Visited(base=base, target=target, now=now)
        return await asyncio.to_thread(self._sheets.work_list, found, asked, visited, notes)

    async def _tasks(self, asked: Asked, notes: list[str], ask: Ask) -> dict[ListName, Content]:
        """The lists with what goes with their Tasks, as far as that may be read."""
        found: dict[ListName, Content] = {}
        for name in asked.lists:
            whole = None
            if not notes:
                whole = await _allowed(ask, _search("Task", task_criteria(name, asked, with_others=True)))
            if whole is None:
                notes[:] = [_NO_REFERRALS]
                alone = _search("Task", task_criteria(name, asked, with_others=False))
                whole = (await ask(alone)).body or b"{}"
            found[name] = await asyncio.to_thread(codec.decode, whole)
        return found

    async def _patients(self, content: Content, interaction: Interaction, base: str, ask: Ask) -> Content | None:
        """The names of the patients whom a search or history is about; None where it tells them, or nobody may."""
        wanted = unnamed(content, base) if isinstance(interaction, Search | History) else ()
        if not wanted:
            return None
        criteria = (("_id", ",".join(wanted)), ("_elements", "name"), ("_count", str(MOST_ROWS)))
        body = await _allowed(ask, _search("Patient", criteria))
        return None if body is None else codec.decode(body)

    async def _story(self, content: Content, base: str, ask: Ask) -> tuple[tuple[str, bytes] | None, str]:
        """The id of the referral that a resource belongs to with what $everything tells; why there is nothing."""
        referral = referral_of(content, base, self._sheets.types)
        if referral is None:
            return None, ""
        parameters = (("_count", _MOST_IN_A_CASE),)
        whole = Operation(name="everything", type=REFERRAL, id=referral, parameters=parameters, method="GET")
        try:
            body = (await ask(whole)).body
        except FhirError as error:
            if error.category is Category.FAULT or error.category is Category.UNAVAILABLE:
                raise
            return None, f"The episode is not shown: {error.issues[0].diagnostics}"
        if body is None or len(body) > MOST_BYTES:
            return None, "The episode is too large to be shown on a page."
        return (referral, body), ""


async def _allowed(ask: Ask, search: Search) -> bytes | None:
    """What a search answers; None where the caller's scopes do not allow it."""
    try:
        return (await ask(search)).body or b"{}"
    except FhirError as error:
        if error.category is not Category.FORBIDDEN:
            raise
        return None


async def _each(
    ask: Ask,
    type: str,
    criteria: Callable[[Content, str], Parameters | None],
    tasks: Mapping[ListName, Content],
    base: str,
) -> tuple[bytes, ...] | None:
    """What belongs to the Tasks of each list, by the criteria for it; None where it may not be read."""
    found = []
    for bundle in tasks.values():
        wanted = criteria(bundle, base)
        if wanted is None:
            continue
        answered = await _allowed(ask, _search(type, wanted))
        if answered is None:
            return None
        found.append(answered)
    return tuple(found)


def _search(type: str, parameters: Parameters) -> Search:
    return Search(type=type, parameters=parameters)
