"""$record-session as a client of the stories calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.builders import loop
from tests.builders.resources import reference
from tests.loop.story import new

if TYPE_CHECKING:
    import httpx

    from tests.loop.side import Json
    from tests.loop.story import Story

LUMBAR: Final = "52612000"
IDENTIFIER: Final[Json] = {"system": "https://clinic.example.org/sessions", "value": "17"}


async def planned(story: Story, **order: Any) -> Story:
    """The referral is accepted, a plan drawn up, a therapist employed."""
    await (await story.refer(order=story.order(**order))).accept()
    await story.draw_up()
    await story.employ()
    return story


def check(story: Story, number: int) -> Json:
    """The patient's answers before the n-th session."""
    authored = story.begins(number).isoformat(timespec="seconds")
    return new(loop.check(number), subject=reference(story.patient), encounter=None, authored=authored)


def told(story: Story, number: int = 1, **more: Any) -> Json:
    """Parameters of the n-th session: an hour, or as `more` says; None leaves a parameter out."""
    given: Json = {
        "start": {"valueDateTime": story.begins(number).isoformat(timespec="seconds")},
        "minutes": {"valueInteger": 60},
        "performer": {"valueReference": reference(story.therapist)},
        "technique": [{"valueCode": "trigger-point"}, {"valueCode": "myofascial-release"}],
        "region": {"valueCode": LUMBAR},
        "painBefore": {"valueInteger": 6},
        "painAfter": {"valueInteger": 3},
        "tolerance": {"valueString": "Well"},
        "finding": {"valueString": "Tight on the left."},
        "questionnaireResponse": {"resource": check(story, number)},
    } | more
    listed = [(name, each) for name, value in given.items() for each in (value if isinstance(value, list) else [value])]
    parameter = [{"name": name, **each} for name, each in listed if each is not None]
    return {"resourceType": "Parameters", "parameter": parameter}


def next_visit(start: str, minutes: int = 45) -> Json:
    """The parameter that books a visit with the session."""
    parts = [{"name": "start", "valueDateTime": start}, {"name": "minutes", "valueInteger": minutes}]
    return {"nextAppointment": {"part": parts}}


def flagged(story: Story, *flags: str, **elements: Any) -> Json:
    """The parameter of answers that name these red flags."""
    return {"resource": check(story, 1) | {"item": [loop.red_flags(*flags)]} | elements}


async def record(story: Story, number: int = 1, **more: Any) -> httpx.Response:
    """The answer to the call, told as in `told`."""
    return await story.clinic("POST", f"{story.plan}/$record-session", told(story, number, **more))


async def recorded(story: Story, number: int = 1, **more: Any) -> Json:
    """The parameters that name what was made, by name: references, or the value."""
    answered = await record(story, number, **more)
    assert answered.status_code == 200, answered.text
    return named(answered)


def named(answered: httpx.Response) -> Json:
    """The answer's parameters by name: references or values, of the techniques all of them."""
    found: dict[str, list[Any]] = {}
    for each in answered.json()["parameter"]:
        value = next(value for key, value in each.items() if key != "name")
        found.setdefault(each["name"], []).append(value["reference"] if isinstance(value, dict) else value)
    return {name: values if name == "technique" else values[0] for name, values in found.items()}


async def stored(story: Story) -> dict[str, list[Json]]:
    """What hangs on the referral, by type."""
    kinds = ("Appointment", "Encounter", "Observation", "Procedure", "QuestionnaireResponse")
    return {kind: await story.clinic.found(f"{kind}?patient={story.patient}&_sort=_id") for kind in kinds}


async def counted(story: Story) -> dict[str, int]:
    """How many resources of each type hang on the referral."""
    return {kind: len(found) for kind, found in (await stored(story)).items()}
