"""Whatever valid StructureDefinition is stored, it is compiled or refused by name; nothing makes the service fail."""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING, Any, Final

import pytest

from service.fhir.profile import ProfileError, Shelf, compile_profile
from tests.unit.profile.making import R4, URL, element, made, structure
from tests.unit.profile.test_official_profiles import examples, places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.validation import Validator

Json = dict[str, Any]

JUNK: Final[list[Any]] = [
    "x", 1, True, [], {}, "Observation", "resolve()", "$this", "value", "*", "0", {"coding": [{"code": "a"}]}, URL,
]  # fmt: skip
NAMES: Final = ("bp", "bodyweight", "cholesterol", "catalog", "provenance-relevant-history", "observation-genetics")
TRIES: Final = 120


def damaged(content: Json, chance: random.Random) -> Json:
    """A copy whose differential lacks something, has something twice or has nonsense in it."""
    content = copy.deepcopy(content)
    for _ in range(chance.randint(1, 3)):
        holder, key = chance.choice(list(places(content["differential"])) or [({"": None}, "")])
        match chance.randrange(3):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case _:
                holder[key] = copy.deepcopy(chance.choice(JUNK))
    return content


def test_a_damaged_definition_is_compiled_or_refused(
    published: Mapping[str, Json], shelf: Shelf, validator: Validator
) -> None:
    """And what is compiled can be held against content."""
    chance = random.Random(7)  # noqa: S311 - what is damaged how
    whole = [published[f"http://hl7.org/fhir/StructureDefinition/{name}"] for name in NAMES]
    outcomes = set()
    for _ in range(TRIES):
        content = damaged(chance.choice(whole), chance)
        content.pop("snapshot", None)
        if validator.issues(content, "StructureDefinition"):
            continue
        try:
            profile = compile_profile(content, shelf, R4)
        except ProfileError as error:
            outcomes.add("refused")
            assert error.problems
            continue
        outcomes.add("compiled")
        for _, example in examples(profile.type)[:3]:
            profile.issues(example, warnings=True)
    assert outcomes == {"compiled", "refused"}


def test_definitions_that_nest_without_end_are_refused() -> None:
    """Each names the next one."""
    kind = [
        structure(
            "Bundle",
            element("Bundle.entry.resource", type=[{"code": "Bundle", "profile": [f"{URL}{number + 1}"]}]),
            url=f"{URL}{number}",
        )
        for number in range(500)
    ]
    with pytest.raises(ProfileError, match="nests too deep"):
        compile_profile(kind[0], Shelf(R4, kind), R4)


def test_an_element_that_is_deep_down_is_refused() -> None:
    """Deeper than any content may be."""
    with pytest.raises(ProfileError, match="nests too deep"):
        made("Questionnaire", element("Questionnaire" + ".item" * 2000, min=1))
