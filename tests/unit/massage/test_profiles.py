"""Our profiles: valid StructureDefinitions, examples that meet them, and every row broken once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from service.fhir.codec import decode, encode
from service.fhir.definitions import load
from service.fhir.profile import Profile, Shelf
from service.interactions.profile_sources import Source, codes_of
from service.massage import catalogue, profiles
from service.massage.profiles.rows import sources
from tests.builders.referral import referral_bundle
from tests.unit.massage.breaking import Breach, breaches, example

if TYPE_CHECKING:
    from service.fhir.validation import Validator
    from service.massage.profiles import ProfileRows

PROFILES: Final = profiles.load()
OF_RESOURCES: Final = [each for each in PROFILES if each.example is not None]
BREACHES: Final = [(each.id, breach) for each in OF_RESOURCES for breach in breaches(each)]


def as_sent(content: Any) -> Any:
    """Content as the service decodes it."""
    return decode(encode(content))


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    """Our profiles beside the catalogue's value sets."""
    structures = [as_sent(each) for each in profiles.resources()]
    held: dict[tuple[str, str], list[Source]] = {}
    for content in map(as_sent, catalogue.resources()):
        source = Source(type=content["resourceType"], id=content["id"], version_id=1, content=content)
        held.setdefault((source.type, content["url"]), []).append(source)
    return Shelf(load(), structures, codes_of(structures, held, limit=10_000))


def profile_of(shelf: Shelf, name: str) -> Profile:
    """One of our profiles, compiled."""
    profile = shelf.profile(profiles.canonical(name))
    assert isinstance(profile, Profile), profile
    return profile


@pytest.mark.parametrize("content", profiles.resources(), ids=lambda content: str(content["id"]))
def test_a_profile_is_a_valid_structure_definition(validator: Validator, content: dict[str, Any]) -> None:
    """Without even a warning, and under our own root."""
    assert validator.issues(as_sent(content), "StructureDefinition", warnings=True) == []
    assert content["url"] == f"https://massage-fhir.example.org/fhir/StructureDefinition/{content['id']}"


@pytest.mark.parametrize("name", [each.id for each in PROFILES])
def test_everything_that_a_profile_of_ours_says_is_enforced(shelf: Shelf, name: str) -> None:
    """Nothing of it is only noted; the value sets are those of the catalogue."""
    assert profile_of(shelf, name).notes == ()


@pytest.mark.parametrize("rows", OF_RESOURCES, ids=lambda rows: rows.id)
def test_the_example_meets_its_profile(validator: Validator, shelf: Shelf, rows: ProfileRows) -> None:
    """And R4, without a warning of the profile."""
    assert validator.issues(example(rows), rows.type) == []
    assert profile_of(shelf, rows.id).issues(example(rows), warnings=True) == []


@pytest.mark.parametrize("name, breach", BREACHES, ids=[f"{name}: {breach.name}" for name, breach in BREACHES])
def test_each_row_can_be_broken(validator: Validator, shelf: Shelf, name: str, breach: Breach) -> None:
    """Valid R4 that is not what the row says is told, by the element or the rule."""
    content = as_sent(breach.content)
    assert validator.issues(content, content["resourceType"]) == []
    issues = profile_of(shelf, name).issues(content, warnings=True)
    told = {issue.severity for issue in issues if breach.says in f"{issue.expression[0]} {issue.diagnostics}"}
    assert breach.severity in told, issues
    refused = any(issue.severity == "error" for issue in issues)
    assert bool(profile_of(shelf, name).issues(content)) is refused


@pytest.mark.parametrize("rows", PROFILES, ids=lambda rows: rows.id)
def test_every_source_is_known(rows: ProfileRows) -> None:
    """By the name under which it is told."""
    named = {each for row in rows.elements for each in row.sources}
    named |= {*rows.sources, *(each for rule in rows.rules for each in rule.sources)}
    assert named <= sources().keys()


def test_the_referral_that_an_ehr_posts_meets_the_profiles(shelf: Shelf) -> None:
    """As a transaction, before its links are resolved."""
    contents = {entry["resource"]["resourceType"]: as_sent(entry["resource"]) for entry in referral_bundle()["entry"]}
    assert profile_of(shelf, "massage-referral").issues(contents["ServiceRequest"], warnings=True) == []
    assert profile_of(shelf, "massage-referral-task").issues(contents["Task"], warnings=True) == []


def test_the_fingerprint_changes_with_the_rows(tmp_path: Any) -> None:
    """And is the same for the same."""
    (tmp_path / "a.toml").write_text("1")
    before = profiles.fingerprint(tmp_path)
    assert profiles.fingerprint(tmp_path) == before
    (tmp_path / "a.toml").write_text("2")
    assert profiles.fingerprint(tmp_path) != before
