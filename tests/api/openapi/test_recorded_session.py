"""What the OpenAPI document says of $record-session, the running service does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.builders import loop

if TYPE_CHECKING:
    import httpx

    from tests.api.openapi.described import Described
    from tests.conftest import MakeClient

Json = dict[str, Any]


async def test_a_session_is_recorded_as_described(make_client: MakeClient, described: Described) -> None:
    """For a referral in progress; the example says what a clinic would send, here an hour ago."""
    async with make_client(referral_rules="on") as client:
        story = await begun(client)
        path = "/CarePlan/{id}/$record-session"
        example = described.example("record-session")
        own: dict[str, Json] = {
            "performer": {"valueReference": {"reference": story["Practitioner"]}},
            "start": {"valueDateTime": (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")},
        }
        parameter = [
            {"name": each["name"], **own[each["name"]]} if each["name"] in own else each
            for each in example["parameter"]
        ]
        parameter.append({"name": "questionnaireResponse", "resource": story["check"]})
        sent = example | {"parameter": parameter}
        response = await client.post(path[1:].replace("CarePlan/{id}", story["CarePlan"]), json=sent)
        described.assert_success(response, "post", path)
        names = {each["name"] for each in response.json()["parameter"]}
        assert {each["name"] for each in described.example("recorded-session")["parameter"]} <= names


async def begun(client: httpx.AsyncClient) -> Json:
    """A referral that is accepted, a plan with a goal, a therapist, and answers to the check: references by type."""
    made: Json = {}

    async def create(content: Json) -> Json:
        answered = await client.post(content["resourceType"], json=content)
        assert answered.is_success, answered.text
        made[content["resourceType"]] = f"{content['resourceType']}/{answered.json()['id']}"
        stored: Json = answered.json()
        return stored

    patient = await create({"resourceType": "Patient"})
    subject = {"reference": f"Patient/{patient['id']}"}
    drop = ("id", "authoredOn")
    order = {key: value for key, value in loop.referral(subject=subject).items() if key not in drop}
    order |= {"requester": {"reference": "Organization/a"}, "performer": [{"reference": "Organization/b"}]}
    await create(order | {"authoredOn": (datetime.now(UTC) - timedelta(days=2)).isoformat()})
    (found,) = (await client.get(f"Task?focus={made['ServiceRequest']}")).json()["entry"]
    task = found["resource"] | {"status": "accepted"}
    tag = {"If-Match": f'W/"{task["meta"]["versionId"]}"'}
    accepted = await client.put(f"Task/{task['id']}", json=task, headers=tag)
    assert accepted.is_success, accepted.text
    anchor = [{"reference": made["ServiceRequest"]}]
    await create({**loop.goal(subject=subject), "addresses": anchor})
    goal = [{"reference": made["Goal"]}]
    await create(loop.plan(subject=subject, supportingInfo=anchor, goal=goal))
    await create({"resourceType": "Practitioner", "qualification": [{"code": {"text": "Licence"}}]})
    answers = loop.check(subject=subject)
    return made | {"check": {key: value for key, value in answers.items() if key != "encounter"}}
