"""HL7's own profiles as the oracle: examples meet them, and their snapshots say the same as their differentials."""

from __future__ import annotations

import copy
import random
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.codec import decode
from service.fhir.definitions import load
from service.fhir.profile import ProfileError, Shelf, compile_profile
from service.fhir.profile.profile import Profile
from tests.examples import official_examples
from tests.unit.profile.making import CORE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.fhir.validation import Validator

Json = dict[str, Any]

VITAL_SIGNS = {
    "bmi": "bmi",
    "body-height": "bodyheight",
    "body-temperature": "bodytemp",
    "blood-pressure": "bp",
    "blood-pressure-cancel": "bp",
    "blood-pressure-dar": "bp",
    "example": "bodyweight",
    "head-circumference": "headcircum",
    "heart-rate": "heartrate",
    "respiratory-rate": "resprate",
    "satO2": "oxygensat",
    "vitals-panel": "vitalspanel",
}
"""Official example of an Observation → the profile of R4 that is made for it."""

UNFIT = {
    "allergyintolerance-substanceExposureRisk": "has no element",
    "catalog": "no slicing",
    "codesystem-history": "contradict",
    "example-composition": "inside of another profile",
    "familymemberhistory-genetic": "no slicing",
    "lipidprofile": "resolve()",
}
"""Profiles of R4 that cannot be enforced, with what the refusal says: the first four and the fifth are mistaken."""

COMPARED = frozenset({"DiagnosticReport", "Observation", "Provenance"})
"""The types whose profiles are compared with their snapshots; others take long to compile."""

BROKEN = [
    ("bp", "blood-pressure", "component", None),
    ("bp", "blood-pressure", "component[0]", None),
    ("bp", "blood-pressure", "component[1].valueQuantity.unit", None),
    ("bp", "blood-pressure", "component[0].valueQuantity.code", "kPa"),
    ("bp", "blood-pressure", "component[0].code.coding[0].code", "8462-4"),
    ("bp", "blood-pressure", "valueQuantity", {"value": 1}),
    ("bp", "blood-pressure", "subject", None),
    ("bp", "blood-pressure", "subject.reference", "Group/1"),
    ("bp", "blood-pressure", "effectiveDateTime", None),
    ("bp", "blood-pressure", "effectiveDateTime", "2012"),
    ("bp", "blood-pressure", "category", None),
    ("bp", "blood-pressure", "category[0].coding[0].code", "exam"),
    ("bp", "blood-pressure", "code.coding[0].code", "8480-6"),
    ("bodyheight", "body-height", "valueQuantity.system", "urn:other"),
    ("bodyheight", "body-height", "valueQuantity.code", None),
    ("bodyheight", "body-height", "valueQuantity", None),
    ("heartrate", "heart-rate", "valueQuantity.code", "/s"),
    ("vitalspanel", "vitals-panel", "hasMember", None),
    ("vitalspanel", "vitals-panel", "valueString", "many"),
]
"""Profile, example, the place that is changed, what it is changed to (None: taken away)."""


@cache
def examples(*types: str) -> tuple[tuple[str, Json], ...]:
    """The official examples of some types: id, content."""
    return tuple(
        (example.file.partition("-")[2].removesuffix(".json"), decode(example.data))
        for example in official_examples("clinical")
        if example.type in types and len(example.data) < 8000
    )


def compiled(shelf: Shelf, name: str) -> Profile:
    """A profile of R4."""
    profile = shelf.profile(f"{CORE}/{name}")
    assert isinstance(profile, Profile)
    return profile


def changed(content: Json, place: str, value: Any) -> Json:
    """A copy with the value at the place, or without it."""
    content = copy.deepcopy(content)
    *way, last = [int(part) if part.isdigit() else part for part in place.replace("[", ".").replace("]", "").split(".")]
    holder: Any = content
    for part in way:
        holder = holder[part]
    if value is None:
        del holder[last]
    else:
        holder[last] = value
    return content


@pytest.mark.parametrize("example, name", VITAL_SIGNS.items())
def test_an_official_vital_sign_meets_its_profile(shelf: Shelf, validator: Validator, example: str, name: str) -> None:
    """Without even a warning."""
    content = dict(examples("Observation"))[example]
    assert validator.issues(content, "Observation") == []
    assert compiled(shelf, name).issues(content, warnings=True) == []


@pytest.mark.parametrize("name, example, place, value", BROKEN)
def test_a_changed_vital_sign_does_not(
    shelf: Shelf, validator: Validator, name: str, example: str, place: str, value: Any
) -> None:
    """It stays valid R4, and breaks the profile."""
    content = changed(dict(examples("Observation"))[example], place, value)
    assert validator.issues(content, "Observation") == []
    assert compiled(shelf, name).issues(content)


def test_every_official_profile_is_enforced_or_refused_by_name(published: Mapping[str, Json], shelf: Shelf) -> None:
    """Those that are refused are few, and known. Of the many extensions some."""
    refused = {}
    others = [url for url, content in published.items() if content["type"] == "Extension"]
    left_out = {url for at, url in enumerate(others) if at % 8 and url.rpartition("/")[2] not in UNFIT}
    for url in published.keys() - left_out:
        profile = shelf.profile(url)
        if isinstance(profile, ProfileError):
            refused[url.removeprefix(f"{CORE}/")] = str(profile)
    assert set(refused) == set(UNFIT)
    assert all(UNFIT[name] in text for name, text in refused.items())


def test_a_snapshot_by_itself_says_the_same_as_the_differentials(
    published: Mapping[str, Json], shelf: Shelf, validator: Validator
) -> None:
    """HL7 made the snapshots of its profiles; official examples and changed ones meet both or neither."""
    chance = random.Random(4)  # noqa: S311 - which examples are changed how
    verdicts = set()
    for url, structure in published.items():
        profile = shelf.profile(url)
        if not isinstance(profile, Profile) or profile.type not in COMPARED or "snapshot" not in structure:
            continue
        alone = {name: part for name, part in structure.items() if name != "differential"}
        other = compile_profile({**alone, "baseDefinition": "https://example.org/unknown"}, Shelf(load(), ()), load())
        for _, content in examples(profile.type)[:3]:
            for each in mutants(content, chance, 3):
                if not validator.issues(each, profile.type):
                    verdict = bool(profile.issues(each))
                    assert verdict == bool(other.issues(each)), (url, each)
                    verdicts.add(verdict)
    assert verdicts == {True, False}


def mutants(content: Json, chance: random.Random, number: int) -> Iterator[Json]:
    """The content, and copies in which one thing is missing, another or twice."""
    yield content
    for _ in range(number):
        each = copy.deepcopy(content)
        holder, key = chance.choice(list(places(each)))
        match chance.randrange(3):
            case 0:
                del holder[key]
            case 1 if isinstance(holder[key], str):
                holder[key] += "x"
            case _ if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
        yield each


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of the content but resourceType."""
    for key, part in list(value.items() if isinstance(value, dict) else enumerate(value)):
        if key != "resourceType":
            yield value, key
        if isinstance(part, dict | list):
            yield from places(part)
