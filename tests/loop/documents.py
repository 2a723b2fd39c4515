"""Referrals of which documents are made, and what is read of these."""

from __future__ import annotations

import base64
import hashlib
import io
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pypdf import PdfReader

from service.fhir import codec
from service.fhir.code_systems import LOINC, UCUM
from service.fhir.definitions import load
from service.fhir.validation import Validator
from service.massage.catalogue.published import canonical
from tests.builders import loop
from tests.builders.resources import concept, reference
from tests.loop.side import entry
from tests.loop.story import new, now

if TYPE_CHECKING:
    import httpx

    from tests.loop.side import Json
    from tests.loop.story import Story

PAIN: Final = concept(LOINC, "72514-3")
DISABILITY: Final = concept(LOINC, "97909-6")
TECHNIQUE: Final = canonical("CodeSystem", "massage-technique")


@cache
def validator() -> Validator:
    return Validator(load())


def on(number: int) -> str:
    """The day of the n-th session."""
    return f"{now() - timedelta(days=20 - number):%Y-%m-%d}"


def asked(**values: Any) -> Json:
    """Parameters; a list repeats a parameter."""
    kinds = {bool: "valueBoolean", str: "valueString", dict: "valueIdentifier"}
    pairs = [(name, each) for name, value in values.items() for each in (value if isinstance(value, list) else [value])]
    parameters = [{"name": name, kinds[type(each)]: each} for name, each in pairs]
    return {"resourceType": "Parameters"} | ({"parameter": parameters} if parameters else {})


async def begun(story: Story, **order: Any) -> Story:
    """An accepted referral of three weeks ago, with a plan."""
    before = (now() - timedelta(days=21)).isoformat(timespec="seconds")
    await story.refer(order=story.order(authoredOn=before, **order))
    return await planned(story)


def wanted(story: Story, text: str, measure: Json, value: int, unit: str) -> Json:
    """A goal in numbers, due in a month."""
    detail = {"value": value, "system": UCUM, "code": unit}
    due = f"{now() + timedelta(days=30):%Y-%m-%d}"
    return new(
        loop.goal(),
        description={"text": text},
        subject=reference(story.patient),
        addresses=[reference(story.referral)],
        target=[{"measure": measure, "detailQuantity": detail, "dueDate": due}],
    )


async def planned(story: Story) -> Story:
    """The referral accepted, with a therapist and a plan that has two goals in numbers."""
    await story.accept()
    goals = {
        story.url("pain"): wanted(story, "Less pain", PAIN, 5, "{score}"),
        story.url("work"): wanted(story, "Back to work", DISABILITY, 32, "%"),
    }
    plan = new(
        loop.plan(),
        subject=reference(story.patient),
        supportingInfo=story.based_on,
        addresses=[reference(story.condition)],
        goal=[reference(url) for url in goals],
        activity=[{"detail": {"status": "in-progress", "description": "Massage of the lower back, once a week"}}],
    )
    entries = [entry(goal, full_url=url) for url, goal in goals.items()]
    answered = await story.clinic.send(*entries, entry(plan, full_url=story.url("plan")))
    assert answered.status_code == 200, answered.text
    made = [each["response"]["location"].partition("/fhir/")[2] for each in answered.json()["entry"]]
    story.goal, _, story.plan = (each.partition("/_history")[0] for each in made)
    licence = {"code": {"text": "Licence"}, "period": {"start": "2020-01-01"}}
    person = {
        "resourceType": "Practitioner",
        "name": [{"given": ["Thea"], "family": "Ravn"}],
        "qualification": [licence],
    }
    story.therapist = await story.clinic.post(person)
    return story


async def treated(story: Story, number: int, pain: int, disability: int, **technique: Any) -> None:
    """The n-th session with its technique, and what was measured before it."""
    session = await story.deliver(number)
    await story.clinic.does(session, bodySite=[{"text": "Lower back"}])
    kneading = {"system": TECHNIQUE, "code": "deep-tissue", "display": "Deep tissue massage"}
    within: Json = {
        "resourceType": "Procedure",
        "status": "completed",
        "subject": reference(story.patient),
        "partOf": [reference(session)],
        "code": {"coding": [kneading]},
        "performedDateTime": story.begins(number).isoformat(timespec="seconds"),
    }
    await story.clinic.post(within | technique)
    measured = ((PAIN, {"valueInteger": pain}), (DISABILITY, {"valueQuantity": _percent(disability)}))
    for code, value in measured:
        observation: Json = {
            "resourceType": "Observation",
            "status": "final",
            "code": code,
            "subject": reference(story.patient),
            "basedOn": story.based_on,
            "effectiveDateTime": story.begins(number).isoformat(timespec="seconds"),
        }
        await story.clinic.post(observation | value)


def _percent(value: int) -> Json:
    return {"value": value, "unit": "%", "system": UCUM, "code": "%"}


async def course(story: Story) -> Story:
    """Three sessions of an hour: pain 7, 5, 3, disability 42, 36, 26 %."""
    await begun(story)
    for number, (pain, disability) in enumerate(((7, 42), (5, 36), (3, 26)), 1):
        await treated(story, number, pain, disability)
    return story


def document(answered: httpx.Response) -> Json:
    """The Bundle, which is a valid document."""
    assert answered.status_code == 200, answered.text
    assert validator().issues(codec.decode(answered.content), "Bundle") == []
    bundle: Json = answered.json()
    assert (bundle["type"], bundle["entry"][0]["resource"]["resourceType"]) == ("document", "Composition")
    assert bundle["identifier"]["value"].startswith("urn:uuid:")
    return bundle


def only(bundle: Json, kind: str) -> list[Json]:
    return [each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == kind]


def form(attachments: list[Json], media_type: str) -> bytes:
    """The data of a form, which are as long as they are said to be."""
    (found,) = [each for each in attachments if each["contentType"] == media_type]
    data = base64.b64decode(found["data"])
    digest = hashlib.sha1(data, usedforsecurity=False).digest()
    assert (found["size"], found["hash"]) == (len(data), base64.b64encode(digest).decode())
    return data


def printed(pdf: bytes) -> str:
    """The text of a PDF without the last line of each page, with each run of white space as one blank."""
    pages = [each.extract_text().rpartition("\n") for each in PdfReader(io.BytesIO(pdf)).pages]
    assert all("Page " in last for _, _, last in pages)
    return " ".join(" ".join(text for text, _, _ in pages).split())
