"""What a canonical URL means where several organisations have stored a definition of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.interactions import held
from tests.api.auth.organisations import Network, Organisation, network, patient
from tests.api.outcome import assert_outcome
from tests.api.profiled import definition, required

if TYPE_CHECKING:
    import pytest

__all__ = ["network"]

ROOT = "https://example.org/shared"


def value_set(name: str, code: str, **more: Any) -> dict[str, Any]:
    include = [{"system": f"{ROOT}/codes", "concept": [{"code": code}]}]
    return {
        "resourceType": "ValueSet",
        "url": f"{ROOT}/ValueSet/{name}",
        "status": "active",
        "compose": {"include": include},
        **more,
    }


async def codes(asker: Organisation, name: str, version: str = "") -> set[str]:
    """The codes of a value set, as it is expanded for the asker."""
    named = f"&valueSetVersion={version}" if version else ""
    answered = await asker("GET", f"ValueSet/$expand?url={ROOT}/ValueSet/{name}{named}")
    assert answered.status_code == 200, answered.text
    return {each["code"] for each in answered.json()["expansion"]["contains"]}


async def test_a_definition_that_others_store_later_counts_for_nobody_else(network: Network) -> None:
    """Not even by a higher version, and the one that was there is not refused as one of several."""
    await network.clinic.post(value_set("first", "ours", version="1.0.0"))
    await network.other.post(value_set("first", "theirs", version="2.0.0"))
    assert await codes(network.clinic, "first") == {"ours"}
    assert await codes(network.referrer, "first") == {"ours"}
    assert await codes(network.other, "first") == {"theirs"}
    answered = await network.referrer("GET", f"ValueSet/$expand?url={ROOT}/ValueSet/first&valueSetVersion=2.0.0")
    assert_outcome(answered, 404, "not-found")


async def test_several_versions_of_one_maker_are_refused_as_ever(network: Network) -> None:
    """Of these, nobody but who asks can tell which is meant."""
    await network.clinic.post(value_set("versions", "one", version="1.0.0"))
    await network.clinic.post(value_set("versions", "two", version="2.0.0"))
    await network.other.post(value_set("versions", "three", version="3.0.0"))
    answered = await network.referrer("GET", f"ValueSet/$expand?url={ROOT}/ValueSet/versions")
    assert_outcome(answered, 412, "multiple-matches")
    assert await codes(network.referrer, "versions", "1.0.0") == {"one"}


async def test_an_old_definition_that_is_given_the_url_of_others_comes_behind_theirs(network: Network) -> None:
    """What counts is since when it has had the URL."""
    turned = await network.other.post(value_set("unrelated", "theirs"))
    await network.clinic.post(value_set("turned", "ours"))
    assert (await network.other.put(turned, url=f"{ROOT}/ValueSet/turned")).status_code == 200
    assert await codes(network.referrer, "turned") == {"ours"}


async def test_an_administrators_definition_counts_before_that_of_whoever_was_first(network: Network) -> None:
    """For all but those who have one of their own: who takes a URL that is not his holds it for himself."""
    await network.other.post(value_set("squatted", "theirs"))
    assert await codes(network.referrer, "squatted") == {"theirs"}
    await network.administrator.post(value_set("squatted", "right"))
    assert await codes(network.referrer, "squatted") == {"right"}
    assert await codes(network.other, "squatted") == {"theirs"}


def concept_map(name: str, code: str, source: str) -> dict[str, Any]:
    target = {"code": code, "equivalence": "equivalent"}
    group = {"source": f"{ROOT}/{source}", "target": f"{ROOT}/codes", "element": [{"code": "a", "target": [target]}]}
    return {"resourceType": "ConceptMap", "url": f"{ROOT}/{name}", "status": "active", "group": [group]}


async def translated(asker: Organisation, source: str) -> set[str]:
    """What a code comes to by the maps for its system, none of which is named."""
    answered = await asker("GET", f"ConceptMap/$translate?system={ROOT}/{source}&code=a")
    assert answered.status_code == 200, answered.text
    matches = [each["part"] for each in answered.json()["parameter"] if each["name"] == "match"]
    return {part["valueCoding"]["code"] for parts in matches for part in parts if part["name"] == "concept"}


async def test_a_map_that_is_not_named_is_the_askers_own_or_an_administrators(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many others have stored, and before what; of one URL the own one."""
    monkeypatch.setattr(held, "_MOST_OF_ALL", 10)
    for number in range(51):
        await network.other.post(concept_map(f"earlier-{number}", "forged", "source"))
    await network.clinic.post(concept_map("mapped", "clinics", "source"))
    await network.administrator.post(concept_map("mapped", "overridden", "source"))
    await network.administrator.post(concept_map("mapped-too", "administrators", "source"))
    for number in range(51):
        await network.other.post(concept_map(f"forged-{number}", "forged", "source"))
    assert await translated(network.clinic, "source") == {"clinics", "administrators"}
    assert await translated(network.referrer, "source") == {"overridden", "administrators"}


async def test_a_map_of_the_only_one_who_has_any_is_asked_and_of_several_none(network: Network) -> None:
    await network.other.post(concept_map("only", "theirs", "rare"))
    assert await translated(network.referrer, "rare") == {"theirs"}
    await network.clinic.post(concept_map("second", "ours", "rare"))
    answered = await network.referrer("GET", f"ConceptMap/$translate?system={ROOT}/rare&code=a")
    assert_outcome(answered, 412, "multiple-matches")
    assert await translated(network.clinic, "rare") == {"ours"}


async def test_a_definition_keeps_its_place_when_its_maker_changes_it(network: Network) -> None:
    """Its maker alone says what it means."""
    kept = await network.clinic.post(value_set("kept", "before"))
    await network.other.post(value_set("kept", "theirs"))
    changed = value_set("kept", "after")["compose"]
    assert (await network.clinic.put(kept, compose=changed)).status_code == 200
    assert await codes(network.referrer, "kept") == {"after"}


async def test_the_codes_of_a_search_are_not_changed_by_others(network: Network) -> None:
    """Of `:in` as of `$expand`."""
    await network.clinic.post(value_set("searched", "ours"))
    await network.other.post(value_set("searched", "theirs"))
    system = f"{ROOT}/codes"
    subject = await network.referrer.post(patient("Searched"))
    coding = {"coding": [{"system": system, "code": "ours"}]}
    content = {"resourceType": "Condition", "code": coding, "subject": {"reference": subject}}
    made = await network.referrer.post(content)
    assert await network.referrer.found(f"Condition?code:in={ROOT}/ValueSet/searched") == {made}


async def test_a_profile_that_is_claimed_is_not_changed_by_others(network: Network) -> None:
    """Nobody has what others write refused by a higher version, but is held to one of his own."""
    url = f"{ROOT}/StructureDefinition/claimed"
    claiming = {**patient("Claiming"), "meta": {"profile": [url]}}
    await network.clinic.post(definition(url, version="1.0.0"))
    await network.referrer.post(claiming)
    await network.other.post(definition(url, required("photo"), version="2.0.0"))
    await network.clinic.post(claiming)
    assert_outcome(await network.other("POST", "Patient", claiming), 422, "profile", "Patient.photo")
    await network.referrer.post(claiming)


async def test_a_profile_binds_to_the_value_set_that_counts_for_who_claims_it(network: Network) -> None:
    """What a profile is made of is looked up by the same rule."""
    url, bound = f"{ROOT}/StructureDefinition/bound", f"{ROOT}/ValueSet/bound"
    binding = {"strength": "required", "valueSet": bound}
    await network.clinic.post(value_set("bound", "ours"))
    element = {"id": "Patient.maritalStatus", "path": "Patient.maritalStatus", "binding": binding}
    await network.clinic.post(definition(url, element))
    await network.other.post(value_set("bound", "theirs", version="9"))
    status = {"coding": [{"system": f"{ROOT}/codes", "code": "ours"}]}
    claiming = {**patient("Bound"), "meta": {"profile": [url]}, "maritalStatus": status}
    await network.referrer.post(claiming)
    assert_outcome(await network.other("POST", "Patient", claiming), 422, "profile")
