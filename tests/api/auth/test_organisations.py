"""Each organisation sees its own: what it made, its referrals, and what hangs on them; nothing else is there."""

from __future__ import annotations

from typing import Any

from tests.api.auth.organisations import Network, condition, network, observation, patient, referral, task
from tests.api.outcome import assert_outcome
from tests.builders.resources import care_plan

__all__ = ["network"]


async def test_what_an_organisation_makes_nobody_else_sees(network: Network) -> None:
    made = await network.clinic.post(patient())
    assert await network.clinic.sees(made)
    for another in (network.referrer, network.other, network.administrator):
        assert not await another.sees(made)
        assert not await another.sees(f"{made}/_history/1")
        assert not await another.sees(f"{made}/_history")
        assert await another.found(f"Patient?_id={made.split('/')[1]}") == set()
        assert made not in await another.found("Patient/_history")
        assert made not in await another.found("_history")
        assert made not in await another.found("?_lastUpdated=gt2000&_type=Patient,Organization")


async def test_what_is_not_seen_is_told_as_what_is_not_there(network: Network) -> None:
    """To the letter, but for the id of the request."""
    made = await network.clinic.post(patient())
    number = made.split("/")[1]
    for method, hidden, missing, body in (
        ("GET", made, "Patient/none", None),
        ("GET", f"{made}/_history/1", "Patient/none/_history/1", None),
        ("GET", f"{made}/_history", "Patient/none/_history", None),
        ("PUT", made, "Patient/none", patient()),
        ("PATCH", made, "Patient/none", [{"op": "test", "path": "/active", "value": True}]),
        ("DELETE", made, "Patient/none", None),
    ):
        headers = {"Content-Type": "application/json-patch+json"} if isinstance(body, list) else {}
        answers = []
        for target in (hidden, missing):
            logical_id = number if target == hidden else "none"
            sent = body | {"id": logical_id} if isinstance(body, dict) else body
            answered = await network.other(method, target, sent, **headers)
            told = answered.text.replace(number, "none")
            kept = {name: value for name, value in answered.headers.items() if name != "x-request-id"}
            answers.append((answered.status_code, told, kept))
        assert answers[0] == answers[1], (method, hidden)
    assert await network.clinic.sees(made)


async def test_a_referral_shows_its_performer_what_hangs_on_it_and_no_more(network: Network) -> None:
    ordered, unseen = network.referrer, network.other
    subject = await ordered.post(patient())
    reason, other_reason = await ordered.post(condition(subject)), await ordered.post(condition(subject))
    made = await ordered.post(referral(subject, reasonReference=[{"reference": reason}]))
    asked = await ordered.post(task(made, "Organization/clinic"))
    for reference in (subject, reason, made, asked):
        assert await network.clinic.sees(reference), reference
        assert not await unseen.sees(reference), reference
    assert not await network.clinic.sees(other_reason)
    plan = await network.clinic.post(care_plan(subject, made))
    measured = await network.clinic.post(observation(subject, basedOn=[{"reference": plan}]))
    for reference in (plan, measured):
        assert await ordered.sees(reference), reference
        assert not await unseen.sees(reference), reference


async def test_all_of_it_may_come_in_one_transaction(network: Network) -> None:
    """In any order of the entries, links among them included."""
    entries = [
        ("urn:uuid:00000000-0000-4000-8000-000000000004", task("urn:uuid:00000000-0000-4000-8000-000000000003")),
        (
            "urn:uuid:00000000-0000-4000-8000-000000000003",
            referral(
                "urn:uuid:00000000-0000-4000-8000-000000000001",
                reasonReference=[{"reference": "urn:uuid:00000000-0000-4000-8000-000000000002"}],
            ),
        ),
        ("urn:uuid:00000000-0000-4000-8000-000000000002", condition("urn:uuid:00000000-0000-4000-8000-000000000001")),
        ("urn:uuid:00000000-0000-4000-8000-000000000001", patient()),
    ]
    body = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": url, "resource": content, "request": {"method": "POST", "url": content["resourceType"]}}
            for url, content in entries
        ],
    }
    answered = await network.referrer("POST", "", body)
    assert answered.status_code == 200, answered.text
    for each in answered.json()["entry"]:
        reference = each["response"]["location"].partition("/fhir/")[2].partition("/_history")[0]
        assert await network.clinic.sees(reference), reference
        assert not await network.other.sees(reference), reference


async def test_a_role_of_an_organisation_stands_for_it(network: Network) -> None:
    role = await network.clinic.post(
        {"resourceType": "PractitionerRole", "organization": {"reference": "Organization/clinic"}}
    )
    subject = await network.referrer.post(patient())
    made = await network.referrer.post(referral(subject, role))
    assert await network.clinic.sees(made)
    assert await network.clinic.sees(subject)
    assert not await network.other.sees(made)


async def test_an_open_referral_is_seen_by_every_clinic_until_one_claims_it(network: Network) -> None:
    subject = await network.referrer.post(patient())
    made = await network.referrer.post(referral(subject, None))
    asked = await network.referrer.post(task(made))
    for clinic in (network.clinic, network.other):
        assert await clinic.sees(made)
        assert await clinic.sees(subject)
        assert asked in await clinic.found("Task?owner:missing=true&status=requested")
    claimed = await network.other.put(asked, owner={"reference": "Organization/other"}, status="received")
    assert claimed.status_code == 200, claimed.text
    for reference in (made, asked, subject):
        assert await network.other.sees(reference), reference
        assert not await network.clinic.sees(reference), reference
    declined = await network.other.put(asked, status="rejected")
    assert declined.status_code == 200
    assert await network.clinic.sees(made)
    assert await network.other.sees(asked)


PATCH = {"Content-Type": "application/json-patch+json"}


def replacing(element: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": f"/{element}", "value": value}]


async def test_what_the_parties_to_a_referral_share_is_deleted_by_its_maker_alone(network: Network) -> None:
    """A message to somebody who takes no part is changed by him, and is on record with who asked him."""
    subject = await network.referrer.post(patient())
    made = await network.referrer.post(referral(subject, "Organization/clinic"))
    about = {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "abort"}]}
    issue = {"resourceType": "DetectedIssue", "status": "final", "implicated": [{"reference": made}]}
    for shared, reader in (
        (await network.referrer.post(task(made, "Organization/other") | {"code": about}), network.other),
        (await network.referrer.post(task(made, "Organization/clinic")), network.clinic),
        (await network.referrer.post(issue), network.clinic),
    ):
        assert_outcome(await reader("DELETE", shared), 403, "forbidden")
        assert (await reader.put(shared, language="en")).status_code == 200
        assert (await network.referrer("DELETE", shared)).status_code == 204


async def test_whose_part_has_ended_takes_it_up_again_by_no_change_of_the_task(network: Network) -> None:
    """Nor hands it on; who made the referral does, and whoever takes part."""
    subject = await network.referrer.post(patient())
    made = await network.referrer.post(referral(subject, "Organization/clinic"))
    asked = await network.referrer.post(task(made, "Organization/other"))
    assert await network.other.sees(subject)
    stopped = await network.referrer("PATCH", asked, replacing("status", "cancelled"), **PATCH)
    assert stopped.status_code == 200
    assert not await network.other.sees(subject)
    for element, value in (
        ("status", "accepted"),
        ("owner", {"reference": "Organization/third"}),
        ("requester", {"reference": "Organization/other"}),
    ):
        change = [{"op": "add", "path": f"/{element}", "value": value}]
        assert_outcome(await network.other("PATCH", asked, change, **PATCH), 403, "forbidden")
    noted = await network.other("PATCH", asked, [{"op": "add", "path": "/description", "value": "Sorry."}], **PATCH)
    assert noted.status_code == 200
    assert not await network.other.sees(subject)
    again = await network.referrer("PATCH", asked, replacing("status", "requested"), **PATCH)
    assert again.status_code == 200
    assert await network.other.sees(subject)


async def test_a_task_of_others_is_not_moved_to_a_referral_in_which_its_writer_takes_no_part(network: Network) -> None:
    """There it would count as one of who asks for both."""
    subject, hidden = [await network.referrer.post(patient()) for _ in range(2)]
    taken = await network.referrer.post(referral(subject, "Organization/other"))
    asked = await network.referrer.post(task(taken, "Organization/other", "accepted"))
    declined = await network.referrer.post(referral(hidden, "Organization/clinic"))
    await network.referrer.post(task(declined, "Organization/other", "rejected"))
    unseen = await network.referrer.post(referral(hidden, "Organization/clinic"))
    assert await network.other.sees(declined)
    change = [{"op": "add", "path": "/basedOn", "value": [{"reference": declined}]}]
    assert_outcome(await network.other("PATCH", asked, change, **PATCH), 403, "forbidden")
    for each in (unseen, "ServiceRequest/none"):
        change = [{"op": "add", "path": "/basedOn", "value": [{"reference": each}]}]
        assert (await network.other("PATCH", asked, change, **PATCH)).status_code == 200
    assert not await network.other.sees(hidden)


async def test_what_a_clinic_sees_of_an_open_referral_it_takes_into_nothing_else(network: Network) -> None:
    """Neither by an order of its own for the patient, nor by what it refers to beside it: another may claim it."""
    subject = await network.referrer.post(patient())
    reason = await network.referrer.post(condition(subject))
    made = await network.referrer.post(referral(subject, None, reasonReference=[{"reference": reason}]))
    requester = {"reference": "Organization/other"}
    own = await network.other.post(patient())
    ordered = [
        await network.other.post(referral(each, "Organization/other", requester=requester, **more))
        for each, more in (
            (subject, {"reasonReference": [{"reference": reason}]}),
            (own, {"supportingInfo": [{"reference": reason}], "basedOn": [{"reference": made}]}),
        )
    ]
    about = [{"reference": subject}]
    noted = await network.other.post(observation(own, basedOn=[{"reference": ordered[1]}], focus=about))
    assert (await network.other.put(noted, language="en")).status_code == 200
    for reference in (subject, reason, made):
        assert await network.other.sees(reference), reference
    await network.clinic.post(task(made, "Organization/clinic", "accepted"))
    for reference in (subject, reason, made):
        assert not await network.other.sees(reference), reference
        assert await network.clinic.sees(reference), reference
    for reference in (*ordered, noted, own):
        assert await network.other.sees(reference), reference


async def test_who_declined_sees_nothing_of_who_took_over(network: Network) -> None:
    """But the referral and its own Task, and what it wrote itself."""
    subject = await network.referrer.post(patient())
    made = await network.referrer.post(referral(subject, None))
    first = await network.referrer.post(task(made, "Organization/other"))
    assert await network.other.sees(subject)
    noted = await network.other.post(observation(subject, basedOn=[{"reference": made}]))
    assert (await network.other.put(first, status="rejected")).status_code == 200
    second = await network.referrer.post(task(made, "Organization/clinic"))
    measured = await network.clinic.post(observation(subject, basedOn=[{"reference": made}]))
    for reference in (made, first, noted):
        assert await network.other.sees(reference), reference
    for reference in (subject, second, measured):
        assert not await network.other.sees(reference), reference
        assert await network.clinic.sees(reference), reference


async def test_who_declined_sees_no_more_by_tasks_of_its_own(network: Network) -> None:
    """Whatever they ask for, and whoever they name."""
    subject = await network.referrer.post(patient())
    made = await network.referrer.post(referral(subject, None))
    first = await network.referrer.post(task(made, "Organization/other"))
    asks = {"requester": {"reference": "Organization/other"}, "owner": {"reference": "Organization/other"}}
    own = [await network.other.post({**task(made), **asks}), await network.other.post({**task(first), **asks})]
    assert (await network.other.put(first, status="rejected")).status_code == 200
    second = await network.referrer.post(task(made, "Organization/clinic"))
    measured = await network.clinic.post(observation(subject, basedOn=[{"reference": made}]))
    for reference in (subject, second, measured):
        assert not await network.other.sees(reference), reference
        assert await network.clinic.sees(reference), reference
    for reference in (made, *own):
        assert await network.other.sees(reference), reference


async def test_who_declined_sees_no_more_by_what_the_referrer_asked_it_beside(network: Network) -> None:
    subject = await network.referrer.post(patient())
    made = await network.referrer.post(referral(subject, None))
    first = await network.referrer.post(task(made, "Organization/other"))
    for code in ("abort", "change"):
        coding = {"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": code}
        await network.referrer.post({**task(first, "Organization/other"), "code": {"coding": [coding]}})
    assert (await network.other.put(first, status="rejected")).status_code == 200
    await network.referrer.post(task(made, "Organization/clinic"))
    measured = await network.referrer.post(observation(subject, basedOn=[{"reference": made}]))
    assert await network.clinic.sees(measured)
    assert not await network.other.sees(measured)


async def test_a_claim_of_its_own_keeps_nobody_else_away_once_it_was_declined(network: Network) -> None:
    subject = await network.referrer.post(patient())
    made = await network.referrer.post(referral(subject, None))
    asked = await network.referrer.post(task(made))
    claimed = await network.other.put(asked, owner={"reference": "Organization/other"}, status="received")
    assert claimed.status_code == 200
    await network.other.post(task(made, "Organization/other"))
    assert not await network.clinic.sees(made)
    assert (await network.other.put(asked, status="rejected")).status_code == 200
    assert await network.clinic.sees(made)


async def test_an_order_based_on_another_shows_nothing_of_what_is_done_for_that(network: Network) -> None:
    """Not even where whoever does it sees both."""
    subject = await network.referrer.post(patient())
    made = await network.referrer.post(referral(subject, None))
    based = await network.other.post(
        referral(
            subject,
            "Organization/clinic",
            requester={"reference": "Organization/other"},
            basedOn=[{"reference": made}],
        )
    )
    asked = await network.referrer.post(task(made, "Organization/clinic"))
    plan = await network.clinic.post(care_plan(subject, made))
    measured = await network.clinic.post(observation(subject, basedOn=[{"reference": plan}]))
    for reference in (asked, plan, measured):
        assert await network.clinic.sees(reference), reference
        assert not await network.other.sees(reference), reference
    reported = await network.clinic.post(observation(subject, basedOn=[{"reference": based}]))
    for organisation in (network.other, network.referrer):
        assert await organisation.sees(reported)
