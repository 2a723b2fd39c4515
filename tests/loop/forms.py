"""$populate and $extract as the clinic of a story calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import CANONICAL
from tests.builders.resources import reference
from tests.loop.story import now

if TYPE_CHECKING:
    import httpx

    from tests.loop.side import Json, Side
    from tests.loop.story import Story

NPRS: Final = f"{CANONICAL}/Questionnaire/nprs"


def parameters(**values: Any) -> Json:
    """A Parameters resource: resources, or values by the type of their element."""
    found = []
    for name, value in values.items():
        named = name.replace("_", "-")
        found += [
            {"name": named} | (each if set(each) & {"part", "resource"} or len(each) == 1 else {"resource": each})
            for each in (value if isinstance(value, list) else [value])
        ]
    return {"resourceType": "Parameters"} | ({"parameter": found} if found else {})


def returned(answered: httpx.Response, name: str) -> Json:
    """The resource of a parameter."""
    assert answered.status_code == 200, answered.text
    (found,) = [each["resource"] for each in answered.json()["parameter"] if each["name"] == name]
    content: Json = found
    return content


async def populated(story: Story, query: str, form: str = "nprs", side: Side | None = None) -> Json:
    """A response to begin with."""
    return returned(await (side or story.clinic)("GET", f"Questionnaire/{form}/$populate?{query}"), "response")


def answers(items: list[Json]) -> dict[str, Any]:
    """LinkId → the value of the first answer, None where there is none."""
    found: dict[str, Any] = {}
    for item in items:
        found[item["linkId"]] = next(iter(item["answer"][0].values())) if "answer" in item else None
        found |= answers(item.get("item", []))
    return found


def rated(story: Story, number: int, **elements: Any) -> Json:
    """A pain rating by the form."""
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": NPRS,
        "subject": reference(story.patient),
        "basedOn": story.based_on,
        "authored": now().isoformat(timespec="seconds"),
        "item": [{"linkId": "pain", "answer": [{"valueInteger": number}]}],
    } | elements


async def extract(story: Story, response: Json, **more: Json) -> httpx.Response:
    """The answer about a response that is sent."""
    given = parameters(questionnaire_response={"resource": response}, **more)
    return await story.clinic("POST", "QuestionnaireResponse/$extract", given)
