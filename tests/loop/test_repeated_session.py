"""A session that is sent again is recorded once, and another one under its identifier never."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.api.outcome import assert_outcome
from tests.builders import loop
from tests.loop.session_call import (
    IDENTIFIER,
    check,
    counted,
    named,
    next_visit,
    planned,
    record,
    recorded,
)
from tests.loop.story import now

if TYPE_CHECKING:
    from tests.loop.side import Json
    from tests.loop.story import Story


async def test_a_session_that_is_sent_again_is_recorded_once(story: Story) -> None:
    await planned(story)
    start = (now() + timedelta(days=7)).isoformat(timespec="seconds")
    more: Json = {"identifier": {"valueIdentifier": IDENTIFIER}}
    more |= next_visit(start)
    first = await recorded(story, **more)
    before = await counted(story)
    again = await recorded(story, **more)
    assert (first.pop("recorded"), again.pop("recorded")) == (True, False)
    assert again == first
    assert await counted(story) == before


async def test_of_two_at_the_same_time_one_records_it(story: Story) -> None:
    await planned(story)
    answers = await asyncio.gather(*(record(story, identifier={"valueIdentifier": IDENTIFIER}) for _ in range(3)))
    assert [each.status_code for each in answers] == [200] * 3
    assert sorted(named(each).pop("recorded") for each in answers) == [False, False, True]
    assert len({named(each)["session"] for each in answers}) == 1
    assert (await counted(story))["Encounter"] == 1


async def test_the_identifier_of_another_session_is_refused(story: Story) -> None:
    await planned(story)
    more: Json = {"identifier": {"valueIdentifier": IDENTIFIER}}
    await recorded(story, **more)
    before = await counted(story)
    others: list[Json] = [{"painBefore": {"valueInteger": 7}}, {"minutes": {"valueInteger": 45}}, {"region": None}]
    others.append({"questionnaireResponse": {"resource": check(story, 1) | {"item": [loop.red_flags("fever")]}}})
    others.append(next_visit(now().isoformat()))
    for other in others:
        assert_outcome(await record(story, **more, **other), 409, "duplicate", "http.identifier")
    assert_outcome(await record(story, 2, **more), 409, "duplicate", "http.identifier")
    assert await counted(story) == before


async def test_without_an_identifier_it_is_refused_the_second_time(story: Story) -> None:
    await planned(story)
    await recorded(story)
    before = await counted(story)
    refused = assert_outcome(await record(story), 422, "guard-visits", "Procedure.performed")
    assert "at the same time" in refused["diagnostics"]
    assert await counted(story) == before
