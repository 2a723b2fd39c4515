"""Which patients JSON of the service names, looked for in its bytes."""

from __future__ import annotations

import pytest

from service.fhir.audit.patients import patients_in

BASE = "http://localhost/fhir"


@pytest.mark.parametrize(
    "body, patients",
    [
        (b"", ()),
        (b'{"resourceType":"Observation","id":"o"}', ()),
        (b'{"resourceType":"Patient","id":"p","active":true}', ("p",)),
        (b'{"subject":{"reference":"Patient/p"}}', ("p",)),
        (b'{"subject":{"reference":"Patient/p/_history/2"}}', ("p",)),
        (b'{"subject":{"reference":"Patient/p#name"}}', ("p",)),
        (b'{"subject":{"reference":"http://localhost/fhir/Patient/p"}}', ("p",)),
        (b'{"subject":{"reference":"http://elsewhere/fhir/Patient/p"}}', ()),
        (b'{"subject":{"reference":"http://localhost:fhir/Patient/p"}}', ()),
        (b'{"subject":{"reference":"Group/Patient"},"note":[{"text":"Patient/p"}]}', ()),
        (b'{"resourceType":"Person","id":"q","link":[{"target":{"reference":"Patient/p"}}]}', ("p",)),
        (b'[{"reference":"Patient/q"},{"reference":"Patient/p"},{"reference":"Patient/q"}]', ("p", "q")),
    ],
)
def test_patients_are_held_or_referred_to(body: bytes, patients: tuple[str, ...]) -> None:
    assert patients_in(body, BASE) == patients


def test_there_are_none_in_no_body() -> None:
    assert patients_in(None, BASE) == ()
