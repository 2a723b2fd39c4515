"""What is sent: an Observation of about 1 KB, its update, the referral transaction, reads and searches.

Bodies are JSON texts with the marks of `generator`, so that every request carries values which no other one has.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks.client import Connection
from tests.benchmarks.generator import FRESH, KEY
from tests.builders.referral import referral_bundle
from tests.builders.resources import CLINIC, EHR, identifier, observation, patient, reference, service_request

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

UPDATED: Final = "patient-of-the-updates"
"""The patient of the Observations that are updated; nobody searches for it."""
_BUNDLE_ENTRIES: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """The logical ids of what was loaded before the measurements."""

    patients: list[str]
    observations: list[str]
    updated: list[str]
    """Observations that the searches do not find; they are there to be updated."""
    versioned: list[str]
    """Observations with several versions; nothing changes them any more."""


def session_observation(subject: str, mark: str) -> Json:
    """A pain rating as a clinic's system would send it after a session: 1 KB as it is stored, in compact JSON."""
    return observation(
        subject,
        identifier=[identifier(f"{CLINIC}/observations", f"OBS-{mark}")],
        basedOn=[reference("ServiceRequest/referral-of-the-patient")],
        partOf=[reference("Procedure/session-of-the-day")],
        issued="2026-01-19T10:41:07.000+01:00",
        performer=[{"identifier": identifier(f"{EHR}/therapists", "THERAPIST-7"), "display": "Sam Sample"}],
        note=[{"text": "Rated at rest."}],
    )


def compact(content: Json) -> str:
    """The JSON text without blanks."""
    return json.dumps(content, separators=(",", ":"))


def create_body() -> str:
    """A new Observation of a known patient."""
    return compact(session_observation(f"Patient/{KEY}", FRESH))


def member_body(subject: str) -> str:
    """A new Observation on a referral that is there."""
    content = session_observation(f"Patient/{subject}", FRESH)
    return compact(content | {"basedOn": [reference(f"ServiceRequest/{KEY}")]})


def update_body() -> str:
    """Another content for a known Observation."""
    return compact(session_observation(f"Patient/{UPDATED}", FRESH) | {"id": KEY})


def transaction_body() -> str:
    """The eight entries of a referral, each under an identifier of its own, so that all of them are created."""
    bundle = referral_bundle()
    for entry in bundle["entry"]:
        first = entry["resource"]["identifier"][0]
        known = first["value"]
        first["value"] = f"{known}-{FRESH}"
        entry["request"]["ifNoneExist"] = entry["request"]["ifNoneExist"].replace(known, first["value"])
    return compact(bundle)


async def create_patients(port: int, how_many: int, headers: Mapping[str, str] | None = None) -> list[str]:
    """Load patients in transactions of 500; their ids."""
    return await create_all(port, [patient(number) for number in range(how_many)], headers)


async def create_observations(
    port: int,
    subjects: list[str],
    how_many: int,
    mark: str = "loaded-",
    headers: Mapping[str, str] | None = None,
) -> list[str]:
    """Load Observations of 1 KB in transactions of 500; they go round the patients `subjects`."""
    ratings = [
        session_observation(f"Patient/{subjects[number % len(subjects)]}", f"{mark}{number:010}")
        for number in range(how_many)
    ]
    return await create_all(port, ratings, headers)


async def create_orders(port: int, subjects: list[str], headers: Mapping[str, str] | None = None) -> list[str]:
    """A referral for each of the patients, from a hospital to a clinic; their ids."""
    parties = {"requester": reference("Organization/hospital"), "performer": [reference("Organization/clinic")]}
    orders = [
        service_request(f"Patient/{one}", "Organization/hospital", number=number) | parties
        for number, one in enumerate(subjects)
    ]
    return await create_all(port, orders, headers)


async def update_observations(port: int, ids: list[str], mark: str) -> None:
    """Give each of the Observations another version."""
    contents = [session_observation(f"Patient/{UPDATED}", f"{mark}-{one}") | {"id": one} for one in ids]
    await _write_all(port, [_entry(content, "PUT", f"Observation/{content['id']}") for content in contents])


async def create_all(port: int, contents: list[Json], headers: Mapping[str, str] | None = None) -> list[str]:
    """Create resources in transactions of 500; their ids."""
    return await _write_all(port, [_entry(content, "POST", content["resourceType"]) for content in contents], headers)


def _entry(content: Json, method: str, url: str) -> Json:
    return {"resource": content, "request": {"method": method, "url": url}}


async def _write_all(port: int, entries: list[Json], headers: Mapping[str, str] | None = None) -> list[str]:
    ids: list[str] = []
    async with Connection(port) as connection:
        for start in range(0, len(entries), _BUNDLE_ENTRIES):
            some = entries[start : start + _BUNDLE_ENTRIES]
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": some}
            reply = await connection.request("POST", "/fhir", bundle, headers)
            if reply.status != 200:
                raise RuntimeError(f"loading failed: {reply.status} {reply.body[:1000]!r}")
            ids += [_logical_id(entry["response"]["location"]) for entry in reply.json()["entry"]]
    return ids


def _logical_id(location: str) -> str:
    """The id in ``[base]/Type/id/_history/1``."""
    return location.split("/")[-3]
