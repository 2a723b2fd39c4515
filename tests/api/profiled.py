"""Profiles that tests store, and resources that claim them."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from tests.builders.resources import patient

if TYPE_CHECKING:
    import httpx


Json = dict[str, Any]

NUMBERS = count(1)

CORE = "http://hl7.org/fhir/StructureDefinition"


def definition(url: str, *elements: Json, **changes: Any) -> Json:
    """A profile of Patient."""
    return {
        "resourceType": "StructureDefinition",
        "url": url,
        "name": "OfPatients",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": f"{CORE}/Patient",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Patient", "path": "Patient"}, *elements]},
    } | changes


def required(name: str) -> Json:
    """An element that has to be there."""
    return {"id": f"Patient.{name}", "path": f"Patient.{name}", "min": 1}


async def stored(client: httpx.AsyncClient, *elements: Json, **changes: Any) -> str:
    """The canonical URL of a new profile of Patient with these elements."""
    url = f"https://example.org/StructureDefinition/stored-{next(NUMBERS)}"
    answered = await client.post("StructureDefinition", json=definition(url, *elements, **changes))
    assert answered.status_code == 201, answered.text
    return url


def claiming(*canonicals: str, **changes: Any) -> Json:
    """A Patient that claims profiles."""
    return {**patient(1), "meta": {"profile": list(canonicals)}, **changes}


def issues(answered: httpx.Response, *severities: str) -> list[Json]:
    """The issues of a severity in an answer of $validate."""
    assert answered.status_code == 200, answered.text
    return [issue for issue in answered.json()["issue"] if issue["severity"] in severities]
