"""The synthetic clinic is reproducible, valid, and whole."""

from __future__ import annotations

import json
from itertools import pairwise

from service.fhir import codec
from service.fhir.definitions import load
from service.fhir.links import every_reference
from service.fhir.validation import Validator
from tests.benchmarks.clinic import clinic

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
