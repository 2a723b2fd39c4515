"""What an organisation adds to the Patient that another one made: identifiers of its own, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.access.registration import ROLE_SCOPES
from tests.api.auth.organisations import IDENTIFIER, Network, Organisation, network, patient, referral, task
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.auth.conftest import Workers

__all__ = ["network"]

THEIRS = {"system": IDENTIFIER, "value": "7"}
OWN = {"system": "urn:clinic", "value": "C-1", "assigner": {"reference": "Organization/clinic"}}


@pytest.fixture
async def shared(network: Network) -> str:
    """A patient of the referrer's, whom the clinic sees by a referral."""
    made = await network.referrer.post(patient() | {"identifier": [THEIRS]})
    order = await network.referrer.post(referral(made))
    await network.referrer.post(task(order, "Organization/clinic"))
    assert await network.clinic.sees(made)
    return made


async def test_a_clinic_adds_changes_and_takes_back_its_own_identifier(network: Network, shared: str) -> None:
    for identifiers in ([THEIRS, OWN], [OWN | {"value": "C-2"}, THEIRS], [THEIRS]):
        answered = await network.clinic.put(shared, identifier=identifiers)
        assert answered.status_code == 200, answered.text
        assert (await network.referrer("GET", shared)).json()["identifier"] == identifiers


async def test_it_does_so_by_a_patch_and_in_a_transaction_too(network: Network, shared: str) -> None:
    patch = [{"op": "add", "path": "/identifier/-", "value": OWN}]
    patched = await network.clinic("PATCH", shared, patch, **{"Content-Type": "application/json-patch+json"})
    assert patched.status_code == 200, patched.text
    again = patched.json() | {"identifier": [THEIRS, OWN | {"value": "C-3"}]}
    entry = {"resource": again, "request": {"method": "PUT", "url": shared}}
    sent = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    answered = await network.clinic("POST", "", sent)
    assert answered.status_code == 200, answered.text
    assert (await network.referrer("GET", shared)).json()["identifier"][1]["value"] == "C-3"


async def test_it_adds_none_to_a_patient_of_an_open_referral_before_it_has_claimed_that(network: Network) -> None:
    """Every clinic sees such a patient, and conditional creates of the referrer would match what it had added."""
    made = await network.referrer.post(patient() | {"identifier": [THEIRS]})
    order = await network.referrer.post(referral(made, None))
    assert_outcome(await network.clinic.put(made, identifier=[THEIRS, OWN]), 403, "forbidden")
    await network.clinic.post(task(order, "Organization/clinic", "accepted"))
    assert (await network.clinic.put(made, identifier=[THEIRS, OWN])).status_code == 200


REFUSED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "another name": lambda _: {"name": [{"family": "Other"}]},
    "a birth date": lambda _: {"birthDate": "1990-01-01"},
    "a label": lambda _: {"meta": {"security": [{"system": "urn:s", "code": "R"}]}},
    "an identifier of nobody": lambda _: {"identifier": [THEIRS, {"system": "urn:clinic", "value": "C-1"}]},
    "one of another organisation": lambda _: {
        "identifier": [THEIRS, OWN | {"assigner": {"reference": "Organization/other"}}]
    },
    "one elsewhere": lambda _: {
        "identifier": [THEIRS, OWN | {"assigner": {"reference": "https://elsewhere.example/Organization/clinic"}}]
    },
    "one in the referrer's system": lambda _: {"identifier": [THEIRS, OWN | {"system": IDENTIFIER}]},
    "one without a system": lambda _: {
        "identifier": [THEIRS, {"value": "C-1", "assigner": {"reference": "Organization/clinic"}}]
    },
    "without the referrer's": lambda _: {"identifier": [OWN]},
    "the referrer's changed": lambda _: {"identifier": [THEIRS | {"value": "8"}, OWN]},
    "the referrer's made its own": lambda _: {
        "identifier": [THEIRS | {"assigner": {"reference": "Organization/clinic"}}]
    },
    "its own and a name": lambda found: {"identifier": [THEIRS, OWN], "name": [*found["name"], {"family": "Other"}]},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
async def test_everything_else_is_the_makers(
    network: Network, shared: str, changes: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    before = (await network.referrer("GET", shared)).json()
    answered = await network.clinic.put(shared, **changes(before))
    assert_outcome(answered, 403, "forbidden")
    assert (await network.referrer("GET", shared)).json() == before


async def test_the_scopes_of_the_role_are_enough(network: Network, workers: Workers, shared: str) -> None:
    """Of a clinic that is registered without any of its own."""
    await workers.register("plain-clinic", ROLE_SCOPES["clinic"], role="clinic", organisation="Organization/clinic")
    plain = Organisation(workers.one, await workers.bearer("plain-clinic", ROLE_SCOPES["clinic"]))
    assert (await plain.put(shared, identifier=[THEIRS, OWN])).status_code == 200
    assert (await plain("POST", "Patient", patient())).status_code == 403


async def test_it_deletes_nothing(network: Network, shared: str) -> None:
    assert_outcome(await network.clinic("DELETE", shared), 403, "forbidden")
    assert await network.referrer.sees(shared)


async def test_who_does_not_see_the_patient_adds_nothing(network: Network, shared: str) -> None:
    sent = patient() | {"id": shared.split("/")[1], "identifier": [THEIRS, OWN]}
    assert_outcome(await network.other("PUT", shared, sent), 404, "not-found")


async def test_an_identifier_of_the_clinic_finds_no_other_patient_of_the_referrer(
    network: Network, shared: str
) -> None:
    """By its own system the referrer still finds, or creates, whom it means."""
    assert (await network.clinic.put(shared, identifier=[THEIRS, OWN])).status_code == 200
    criteria = {"If-None-Exist": f"identifier={IDENTIFIER}|C-1"}
    made = await network.referrer(
        "POST", "Patient", patient() | {"identifier": [THEIRS | {"value": "C-1"}]}, **criteria
    )
    assert made.status_code == 201
    assert f"Patient/{made.json()['id']}" != shared
