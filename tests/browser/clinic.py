"""A clinic of synthetic patients: a referral in each state that a page has something to say about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import LOINC, UCUM
from tests.builders.resources import reference
from tests.loop.side import Side
from tests.loop.story import THROMBOSIS, Network, Story, begin, now

if TYPE_CHECKING:
    import httpx

    from tests.loop.side import Json

PAIN: Final = "72514-3"
DISABILITY: Final = "97909-6"
NAMES: Final = {
    "Organization/referrer": "Family Practice Example",
    "Organization/clinic": "Massage Clinic Example",
}
HOSTILE: Final = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'\u202egnp.exe"
"""A name that leaves attributes, brings a script, and turns the order of what follows."""


@dataclass(frozen=True, kw_only=True)
class Clinic:
    """The stories by what is to be seen of them."""

    treated: Story
    dangerous: Story
    new: Story
    missed: Story
    hostile: Story


def open_network(http: httpx.AsyncClient) -> Network:
    """The parties of a sandbox, where a header says for whom a request acts."""
    sides = {
        name: Side(http, {"X-Actor-Organization": f"Organization/{name}"}, f"Organization/{name}")
        for name in ("referrer", "clinic", "other", "administrator")
    }
    return Network(**sides)


async def fill(http: httpx.AsyncClient, *, is_tame: bool = False) -> Clinic:
    """Store a clinic by what its sides would send; `is_tame`: for a picture, without an attack."""
    network = open_network(http)
    for name, called in NAMES.items():
        type, _, logical_id = name.partition("/")
        answered = await network.referrer("PUT", name, {"resourceType": type, "id": logical_id, "name": called})
        assert answered.status_code in (200, 201), answered.text
    return Clinic(
        treated=await _treated(network),
        dangerous=await _referred(network, "Bela", "Sample", THROMBOSIS),
        new=await _new(network),
        missed=await _missed(network),
        hostile=await _hostile(network, "Emil Patient" if is_tame else HOSTILE),
    )


async def _referred(network: Network, given: str, family: str, *codes: str, **parts: Any) -> Story:
    story = begin(network)
    name = {"name": [{"given": [given], "family": family}], "birthDate": "1980-02-29", "gender": "female"}
    return await story.refer(*codes, patient=name, **parts)


async def _treated(network: Network) -> Story:
    """Four of six sessions delivered, pain and disability on their way down, the next visit booked."""
    story = begin(network)
    name = {"name": [{"given": ["Ana"], "family": "Example"}], "birthDate": "1975-06-11", "gender": "female"}
    await story.refer(order=story.order(authoredOn=_day(-40)), patient=name)
    await story.accept()
    await story.draw_up(title="Myofascial release and heat, weekly")
    pain = {"coding": [{"system": LOINC, "code": PAIN}]}
    target = {"measure": pain, "detailQuantity": _score(4), "dueDate": _day(20)}
    await story.clinic.does(story.goal, description={"text": "Pain of 4 or less in daily life"}, target=[target])
    await story.employ()
    therapist = {"name": [{"given": ["Theo"], "family": "Therapist"}]}
    await story.clinic.does(story.therapist, **therapist)
    for number in range(1, 5):
        await story.deliver(number)
    for days, value in ((-38, 7), (-31, 6), (-24, 5), (-17, 4)):
        await story.clinic.post(measured(story, PAIN, days, value))
    for days, value in ((-38, 42), (-17, 28)):
        await story.clinic.post(measured(story, DISABILITY, days, value))
    await story.book(5, now() + timedelta(days=5))
    return story


async def _new(network: Network) -> Story:
    """Sent, and about to expire."""
    story = begin(network)
    name = {"name": [{"given": ["Cem"], "family": "Muster"}], "birthDate": "1992-11-03", "gender": "male"}
    soon = {"occurrencePeriod": {"start": _day(-3), "end": _day(6)}}
    order = {key: value for key, value in story.order(**soon).items() if key != "occurrenceTiming"}
    return await story.refer(order=order, patient=name)


async def _missed(network: Network) -> Story:
    """The first visit did not take place."""
    story = await _referred(network, "Dora", "Beispiel")
    await story.accept()
    await story.draw_up(title="Massage, weekly")
    appointment = await story.clinic.post(story.visit(1, start=_at(-26), end=_at(-25), description="First visit"))
    await story.clinic.does(appointment, status="noshow")
    return story


async def _hostile(network: Network, name: str) -> Story:
    """A patient whose name attacks whoever looks."""
    story = begin(network)
    patient = {"name": [{"text": name}], "birthDate": "1990-01-01"}
    reason = {} if name != HOSTILE else {"reasonCode": [{"text": HOSTILE}]}
    return await story.refer(order=story.order(**reason), patient=patient)


def measured(story: Story, code: str, days: int, value: float) -> Json:
    """A measurement of the story's patient, so many days from now."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": reference(story.patient),
        "basedOn": story.based_on,
        "effectiveDateTime": _day(days),
        "valueQuantity": _score(value) if code == PAIN else _score(value) | {"code": "%", "unit": "%"},
    }


def _score(value: float) -> Json:
    return {"value": value, "unit": "{score}", "system": UCUM, "code": "{score}"}


def _day(days: int) -> str:
    return (now() + timedelta(days=days)).date().isoformat()


def _at(hours: int) -> str:
    return (now() + timedelta(hours=hours)).isoformat(timespec="seconds")
