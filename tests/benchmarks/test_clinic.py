"""The synthetic clinic is reproducible, valid, and whole."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import pytest

from service.fhir import codec
from service.fhir.definitions import load
from service.fhir.links import every_reference
from service.fhir.validation import Validator
from tests.benchmarks.clinic import clinic
from tests.benchmarks.names import family_name
from tests.benchmarks.questions import beginnings

COUNT = 3000


def test_the_same_seed_gives_the_same_resources() -> None:
    assert list(clinic(200, seed=7)) == list(clinic(200, seed=7))
    assert list(clinic(200, seed=7)) != list(clinic(200, seed=8))


def test_every_resource_is_valid() -> None:
    validator = Validator(load())
    for content in clinic(COUNT):
        decoded = codec.decode(json.dumps(content).encode())
        assert validator.issues(decoded, decoded["resourceType"]) == []


def test_every_reference_leads_to_a_resource_that_came_before() -> None:
    known: set[str] = set()
    for content in clinic(COUNT):
        for _, reference in every_reference(content):
            assert reference in known
        known.add(f"{content['resourceType']}/{content['id']}")
    assert len(known) == COUNT


def test_sessions_come_in_the_order_of_time() -> None:
    began = [content["period"]["start"] for content in clinic(COUNT) if content["resourceType"] == "Encounter"]
    assert all(earlier <= later for earlier, later in pairwise(began))


@pytest.mark.parametrize("patients", [160, 16_000])
def test_a_name_finds_one_patient_however_large_the_clinic(patients: int) -> None:
    assert len({family_name(number) for number in range(patients)}) > 0.95 * patients


def test_the_beginning_of_a_name_finds_a_page_of_the_patients_of_a_small_clinic() -> None:
    families = Counter(family_name(number) for number in range(1, 155))
    for beginning in beginnings(families):
        assert sum(family.startswith(beginning) for family in families) >= 20
