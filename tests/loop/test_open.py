"""The sandbox: without access control a header says who acts, and a deployment may do without the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.outcome import assert_outcome
from tests.loop.side import Side, state
from tests.loop.story import Network, Story, begin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import MakeClient
    from tests.loop.side import Json

HEADER = "X-Actor-Organization"


@pytest.fixture(scope="module")
async def sandbox(make_client: MakeClient) -> AsyncIterator[Network]:
    """A service without access control; each side is a header."""
    async with make_client(referral_rules="on") as http:
        yield Network(
            **{
                name: Side(http, {HEADER: f"Organization/{name}"}, f"Organization/{name}")
                for name in ("referrer", "clinic", "other", "administrator")
            }
        )


@pytest.fixture
def played(sandbox: Network) -> Story:
    """A story in the sandbox."""
    return begin(sandbox)


async def test_the_header_says_who_acts(played: Story) -> None:
    await played.refer()
    refused = await played.referrer.change(played.task, status="accepted")
    told = assert_outcome(refused, 403, "wrong-actor", "Task.status")
    assert "Allowed from here: cancelled" in told["diagnostics"]
    accepted = await played.clinic.does(played.task, status="accepted")
    assert state(accepted) == ("accepted", "accepted-unscheduled")
    (care,) = await played.clinic.found(f"EpisodeOfCare?incoming-referral={played.referral}")
    assert care["managingOrganization"] == {"reference": "Organization/clinic"}


async def test_a_clinic_claims_an_open_task_by_the_header(played: Story) -> None:
    order = played.order()
    del order["performer"]
    await played.refer(order=order, task=played.coordination(owner=None))
    claimed = await played.network.other.does(played.task, status="accepted")
    assert claimed["owner"] == {"reference": "Organization/other"}
    assert_outcome(await played.clinic.change(played.task, status="rejected"), 403, "wrong-actor")


async def test_without_the_header_every_part_may_be_played(played: Story) -> None:
    everybody = Side(played.clinic.http, {}, "")
    played.network = Network(referrer=everybody, clinic=everybody, other=everybody, administrator=everybody)
    await (await played.refer()).accept()
    await played.draw_up()
    await played.deliver(1)
    assert state(await played.finish()) == ("completed", "closed-loop")


@pytest.mark.parametrize(
    "elements",
    [
        {"owner": {"reference": "Organization/clinic"}},
        {"restriction": {"period": {"end": "2020-01-01"}}},
        {"note": [{"text": "Not for us."}]},
    ],
)
async def test_who_has_not_claimed_an_open_task_changes_nothing_of_it(played: Story, elements: Json) -> None:
    """Least of all whose it is, and until when."""
    order = played.order()
    del order["performer"]
    await played.refer(order=order, task=played.coordination(owner=None))
    refused = await played.network.other.change(played.task, **elements)
    assert_outcome(refused, 403, "wrong-actor", "Task.owner")


@pytest.mark.parametrize("named", ["Patient/1", "Organization/", "clinic", "Organization/a/b"])
async def test_a_header_that_names_no_organisation_is_refused(played: Story, named: str) -> None:
    answered = await played.clinic("GET", "Task", **{HEADER: named})
    assert_outcome(answered, 400, "header-invalid", f"http.{HEADER}")


async def test_a_referral_without_a_task_gets_one(played: Story) -> None:
    await played.refer(task={})
    task = await played.clinic.read(played.task)
    assert state(task) == ("requested", "awaiting-triage")
    assert (task["focus"], task["owner"]) == ({"reference": played.referral}, {"reference": "Organization/clinic"})


async def test_without_the_rules_everything_is_plain_fhir(make_client: MakeClient) -> None:
    async with make_client(referral_rules="off") as http:
        plain = Side(http, {}, "")
        story = begin(Network(referrer=plain, clinic=plain, other=plain, administrator=plain))
        await story.refer("I82.402")
        task = await plain.read(story.task)
        assert (await plain("PUT", story.task, task | {"status": "completed"})).status_code == 200
        assert await plain.found("DetectedIssue") == []


async def test_the_patient_of_a_referral_is_the_referrers_to_change(played: Story) -> None:
    await played.refer()
    for side in (played.clinic, played.network.other):
        answered = await side.change(played.patient, name=[{"family": "Changed"}])
        assert_outcome(answered, 403, "wrong-actor", "Patient.name")
        assert (await side("DELETE", played.patient)).status_code == 403
    assert (await played.referrer.change(played.patient, name=[{"family": "Corrected"}])).status_code == 200


async def test_a_clinic_adds_its_number_of_the_patient_and_leaves_the_others(played: Story) -> None:
    number = {"system": "https://ehr.example.org/mrn", "value": f"open-{played.number}"}
    await played.refer(patient={"identifier": [number]})
    own = {"system": "https://clinic.example.org/patients", "value": "1"}
    assert_outcome(
        await played.clinic.change(played.patient, identifier=[own]), 403, "wrong-actor", "Patient.identifier"
    )
    assert (await played.clinic.change(played.patient, identifier=[number, own])).status_code == 200
    answered = await played.network.other.change(played.patient, identifier=[number])
    assert_outcome(answered, 403, "wrong-actor", "Patient.identifier")


async def test_a_patient_without_a_referral_is_plain_fhir(played: Story) -> None:
    alone = await played.referrer.post({"resourceType": "Patient", "name": [{"family": "Alone"}]})
    assert (await played.clinic.change(alone, name=[{"family": "Changed"}])).status_code == 200


async def test_whoever_refers_the_patient_may_correct_the_record_of_another_referral(played: Story) -> None:
    await played.refer()
    order = {name: each for name, each in played.order().items() if name != "reasonReference"}
    placer = [order["identifier"][0] | {"value": f"SECOND-{played.number}"}]
    order |= {
        "identifier": placer,
        "requester": {"reference": "Organization/other"},
        "subject": {"reference": played.patient},
    }
    assert (await played.network.other.tries(order)).status_code == 201
    for side in (played.referrer, played.network.other):
        assert (await side.change(played.patient, gender="female", active=side is played.referrer)).status_code == 200
