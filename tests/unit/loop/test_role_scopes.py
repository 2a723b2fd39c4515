"""What a client of a role may do without scopes of its own is enough for what the role has to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.access.permission import may_read
from service.access.registration import ROLE_SCOPES
from service.access.scopes import known_scopes
from service.fhir.actor import Actor, Client
from service.loop.documentation import TYPES as DOCUMENTED
from service.loop.outcome_measures import COUNTED

if TYPE_CHECKING:
    from service.fhir.actor import Role

MADE_OF = {
    "a report and a packet": DOCUMENTED,
    "the work list": ("Task", "ServiceRequest", "Patient", "DetectedIssue", "Appointment", "Condition"),
    "the account of a clinic": (*COUNTED, "Organization", "PractitionerRole", "HealthcareService"),
}


@pytest.mark.parametrize("types", MADE_OF.values(), ids=MADE_OF)
@pytest.mark.parametrize("role", ["clinic", "referrer"])
def test_a_side_may_read_what_it_is_shown(role: Role, types: tuple[str, ...]) -> None:
    client = Client(id="x", name="x", role=role, organisation="Organization/x")
    actor = Actor(client=client, scopes=known_scopes(ROLE_SCOPES[role]))
    assert [each for each in types if not may_read(actor, each)] == []


def test_the_referrer_writes_the_payers_answer() -> None:
    """As the order is the referrer's, so is its authorisation."""
    assert "system/ClaimResponse.crus" in ROLE_SCOPES["referrer"].split()
    assert "system/ClaimResponse.rs" in ROLE_SCOPES["clinic"].split()
