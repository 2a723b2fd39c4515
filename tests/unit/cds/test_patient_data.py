"""Fetching from the EHR's FHIR server what was not prefetched."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from service.cds import patient_data as module
from service.cds.call import read_call
from service.cds.hooks import PREFETCH
from service.cds.patient_data import patient_data
from service.fhir.outcome import FhirError
from service.outgoing.error import OutgoingError
from service.outgoing.fetch import Document
from tests.builders.cds_hooks import bundle, call, prefetched
from tests.builders.screening import diagnosis, medication, observation

if TYPE_CHECKING:
    from service.cds.patient_data import PatientData
    from service.outgoing.fetch import Fetch

Json = dict[str, Any]

EHR = "https://ehr.example.org/fhir"
LENT = {"access_token": "a-token", "token_type": "Bearer", "expires_in": 300, "scope": "x", "subject": "y"}
THROMBOSIS = diagnosis("I82.402")


@dataclass
class Ehr:
    """A FHIR server that answers each type with a resource, an error, or not at all."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    async def __call__(self, url: str, *, authorization: str | None = None, accept: str = "") -> Document:
        assert accept == "application/fhir+json"
        self.asked.append((url, authorization))
        key = url.removeprefix(f"{EHR}/")
        answered = self.answers.get(key, self.answers.get(key.partition("?")[0], bundle()))
        if answered is None:
            await asyncio.Event().wait()
        if isinstance(answered, Exception):
            raise answered
        return Document(content=answered, headers={})


async def _data(ehr: Ehr, **changes: Any) -> PatientData:
    sent = {"fhirServer": EHR, "fhirAuthorization": LENT, "prefetch": None} | changes
    return await patient_data(read_call(call(**sent)), cast("Fetch", ehr))


async def test_what_is_missing_is_fetched_with_the_token() -> None:
    """Every template, for the patient of the context."""
    ehr = Ehr({"Condition": bundle(THROMBOSIS), "MedicationRequest": bundle(medication("warfarin"))})
    data = await _data(ehr)
    assert (data.record.conditions, data.record.unread) == ((THROMBOSIS,), ())
    assert len(data.record.medications) == 1
    expected = {f"{EHR}/{each.replace('{{context.patientId}}', 'p1')}" for each in PREFETCH.values()}
    assert {url for url, _ in ehr.asked} == expected
    assert {token for _, token in ehr.asked} == {"Bearer a-token"}


async def test_what_was_prefetched_is_not_fetched() -> None:
    """Nor is what the EHR could not prefetch itself."""
    ehr = Ehr()
    failed = {"resourceType": "OperationOutcome"}
    data = await _data(ehr, prefetch=prefetched(conditions=bundle(THROMBOSIS), allergies=failed))
    assert ehr.asked == []
    assert data.record.unread == ("AllergyIntolerance",)


async def test_nothing_is_fetched_without_a_token() -> None:
    """The server alone is not enough."""
    ehr = Ehr()
    with pytest.raises(FhirError, match="prefetch-required"):
        await _data(ehr, fhirAuthorization=None)
    assert ehr.asked == []


async def test_all_pages_are_read() -> None:
    """Of what is fetched, and of what was prefetched in part."""
    following = [{"relation": "next", "url": f"{EHR}/Condition?page=2"}]
    first = bundle(diagnosis("M54.50", 1), link=following)
    ehr = Ehr({"Condition?page=2": bundle(THROMBOSIS), "Condition": first})
    for prefetch in (None, prefetched(conditions=first)):
        data = await _data(ehr, prefetch=prefetch)
        assert (len(data.record.conditions), data.record.unread) == (2, ())


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example.org/Condition?page=2",
        "http://127.0.0.1/",
        f"{EHR}.evil.org/x",
        f"{EHR}/../admin",
        f"{EHR}/%2e%2E/admin",
        f"{EHR}/Condition/..%2f../admin?page=2",
    ],
)
async def test_pages_of_other_servers_are_not_read(url: str) -> None:
    """The token is for one server; what was read is kept, and that there is more is told."""
    ehr = Ehr({"Condition": bundle(THROMBOSIS, link=[{"relation": "next", "url": url}])})
    data = await _data(ehr)
    assert (data.record.conditions, data.record.unread) == ((THROMBOSIS,), ("Condition",))
    assert url not in {asked for asked, _ in ehr.asked}


async def test_pages_without_end_are_not_read_without_end() -> None:
    """A few, and then it is told that there are more."""
    ehr = Ehr({"Condition": bundle(THROMBOSIS, link=[{"relation": "next", "url": f"{EHR}/Condition?again"}])})
    data = await _data(ehr)
    assert data.record.unread == ("Condition",)
    assert sum(url.startswith(f"{EHR}/Condition") for url, _ in ehr.asked) == module.MOST_PAGES


@pytest.mark.parametrize(
    "answered",
    [
        OutgoingError("The host could not be reached."),
        {"resourceType": "Patient"},
        {"resourceType": "OperationOutcome"},
        ["no object"],
        bundle(entry=7),
        bundle(observation("8310-5", 39, "Cel") | {"subject": {"reference": "Patient/other"}}),
    ],
)
async def test_what_cannot_be_read_is_named(answered: Any) -> None:
    """Without conditions there is no answer; without the rest there is one that says so."""
    data = await _data(Ehr({"Condition": bundle(THROMBOSIS), "Observation": answered}))
    assert (data.record.observations, data.record.unread) == ((), ("Observation",))
    with pytest.raises(FhirError) as refused:
        await _data(Ehr({"Condition": answered}))
    assert refused.value.category.status == 412


async def test_a_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came in time is used."""
    monkeypatch.setattr(module, "FETCHING_SECONDS", 0.05)
    data = await _data(Ehr({"Condition": bundle(THROMBOSIS), "Procedure": None}))
    assert (data.record.conditions, data.record.unread) == ((THROMBOSIS,), ("Procedure",))
    with pytest.raises(FhirError, match="prefetch-required"):
        await _data(Ehr({"Condition": None}))


async def test_the_reason_is_told_where_conditions_cannot_be_read() -> None:
    """In the words of whatever fetched; neither URL nor token is repeated."""
    with pytest.raises(FhirError) as refused:
        await _data(Ehr({"Condition": OutgoingError("The host's address is not a public one.")}))
    told = refused.value.issues[0].diagnostics
    assert told.endswith("The host's address is not a public one.")
    assert "ehr.example.org" not in told
    assert "a-token" not in told


async def test_a_fault_is_no_answer() -> None:
    """What nobody expected is not taken for a server that did not answer."""
    with pytest.raises(ZeroDivisionError):
        await _data(Ehr({"Condition": bundle(THROMBOSIS), "Procedure": ZeroDivisionError()}))
