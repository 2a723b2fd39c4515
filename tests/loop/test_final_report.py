"""A care has one final report, however it is filed: by the operation, or as plain FHIR."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest

from service.fhir.concept import coded
from service.massage.cycle.terms import TASK_IO
from tests.api.outcome import assert_outcome
from tests.builders import loop
from tests.builders.resources import reference
from tests.loop.documents import asked, begun
from tests.loop.side import entry
from tests.loop.story import new

if TYPE_CHECKING:
    from tests.loop.side import Json
    from tests.loop.story import Story

CODED: Final = {"code": coded(TASK_IO, "final-report")}


def report(story: Story, **elements: Any) -> Json:
    """A final report as another system writes it."""
    return new(loop.report(), subject=reference(story.patient), basedOn=story.based_on) | elements


async def filed(story: Story) -> str:
    """The final report that the operation has filed."""
    await begun(story)
    answered = await story.clinic("POST", f"{story.plan}/$progress-report", asked(file=True, final=True))
    assert answered.status_code == 200, answered.text
    ((one,),) = [await story.clinic.everything("DiagnosticReport", story.referral)]
    return f"DiagnosticReport/{one['id']}"


async def test_no_second_one_is_filed_by_its_code(story: Story) -> None:
    first = await filed(story)
    for kind in ("final-report", "progress-report"):
        refused = await story.clinic.tries(report(story, code=coded(TASK_IO, kind)))
        issue = assert_outcome(refused, 422, "guard-report", "DiagnosticReport.status")
        assert first in issue["diagnostics"]
    assert len(await story.clinic.everything("DiagnosticReport", story.referral)) == 1


async def test_no_second_one_takes_its_place_in_the_output(story: Story) -> None:
    first = await filed(story)
    plain = await story.clinic.post(report(story))
    stays, other = loop.output("final-report", first), loop.output("final-report", plain)
    for outputs in ([stays, other], [other], None):
        refused = await story.clinic.change(story.task, output=outputs)
        issue = assert_outcome(refused, 422, "guard-report", "Task.output")
        assert first in issue["diagnostics"]
    assert str(first) in str((await story.clinic.read(story.task))["output"])


async def test_a_transaction_files_no_second_one(story: Story) -> None:
    await filed(story)
    task = await story.clinic.read(story.task)
    url = "urn:uuid:00000000-0000-4000-8000-000000000001"
    changed = task | {"output": [*task["output"], loop.output("final-report", url)]}
    version = f'W/"{task["meta"]["versionId"]}"'
    sent = await story.clinic.send(entry(report(story), full_url=url), entry(changed, url=story.task, if_match=version))
    assert_outcome(sent, 422, "guard-report")
    assert len(await story.clinic.everything("DiagnosticReport", story.referral)) == 1


@pytest.mark.parametrize("status", ["amended", "corrected", "appended"])
async def test_what_is_filed_is_amended(story: Story, status: str) -> None:
    """As R4 has it: https://hl7.org/fhir/R4/valueset-diagnostic-report-status.html"""
    first = await filed(story)
    changed = await story.clinic.does(first, status=status, conclusion="The left shoulder, not the right one.")
    assert changed["status"] == status
    assert_outcome(await story.clinic.change(first, status="final"), 422, "transition-not-allowed")


async def test_a_report_that_was_filed_by_mistake_makes_room_for_another(story: Story) -> None:
    first = await filed(story)
    await story.clinic.does(first, status="entered-in-error")
    await story.clinic.post(report(story, **CODED))


async def test_another_report_may_hang_on_the_referral(story: Story) -> None:
    """Of a laboratory, as it were: it is none of ours."""
    await filed(story)
    assert (await story.clinic.tries(report(story))).status_code == 201


async def test_of_two_at_once_one_is_filed(story: Story) -> None:
    await begun(story)
    answers = await asyncio.gather(*(story.clinic.tries(report(story, **CODED)) for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [201, 422, 422]
