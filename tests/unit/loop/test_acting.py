"""As whom a request acts in an episode: for an organisation, or as the patient."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.fhir.actor import Actor, Client
from service.fhir.interaction import Context
from service.loop.acting import acting_party
from tests.builders.loop import ORGANISATIONS, working_world

BASE = "https://massage.example.org/fhir"
REFERRER = Client(id="portal", name="Portal", role="referrer", organisation="Organization/referrer")


@pytest.mark.parametrize(
    "user, launched, expected",
    [
        (None, None, {"referrer"}),
        ("Practitioner/p", None, {"referrer"}),
        ("Practitioner/p", "ann", {"referrer"}),
        ("Patient/ann", None, {"patient"}),
        (f"{BASE}/Patient/ann", None, {"patient"}),
        ("https://ehr.example.org/fhir/Patient/7", "ann", {"patient"}),
        ("RelatedPerson/daughter", "ann", {"patient"}),
        ("RelatedPerson/daughter", None, set()),
        ("Person/ann-or-her-physician", "ann", {"patient"}),
        ("Person/ann-or-her-physician", None, set()),
        ("Patient/bob", None, set()),
        ("https://ehr.example.org/fhir/Patient/ann", None, set()),
    ],
)
def test_who_signed_in_as_a_patient_has_no_part_of_the_organisation(
    user: str | None, launched: str | None, expected: set[str]
) -> None:
    """Whose client the portal is, the patient may not order, cancel or answer for."""
    actor = Actor(client=REFERRER, scopes=(), user=user, patient=launched)
    context = Context(base=BASE, request_id="r", received_at=datetime(2026, 1, 1, tzinfo=UTC), actor=actor)
    party = acting_party(context, working_world().episode, "ann", ORGANISATIONS.get)
    assert party.roles == expected
    assert party.user == user
    assert party.organisation == ("Organization/referrer" if expected == {"referrer"} else None)
