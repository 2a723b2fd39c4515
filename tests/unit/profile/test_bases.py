"""Profiles of profiles, profiles that name others, and what cannot be made of a StructureDefinition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.profile import Profile, ProfileError, Shelf, claims, compile_profile
from tests.unit.profile.making import CORE, R4, URL, element, made, sliced, structure, told

if TYPE_CHECKING:
    from service.fhir.outcome import Issue

Json = dict[str, Any]

BASE = "https://example.org/StructureDefinition/base"
PHONES = [
    element("Patient.telecom", slicing=sliced(("value", "system"))),
    element("Patient.telecom:phone", max="1"),
    element("Patient.telecom:phone.system", fixedCode="phone"),
]


def test_a_profile_asks_what_its_base_asks() -> None:
    """And narrows the slices of the base further, without stating their slicing again."""
    base = structure("Patient", element("Patient.birthDate", min=1), *PHONES, url=BASE)
    profile = made("Patient", element("Patient.telecom:phone", min=1), base=BASE, others=(base,))
    assert told(profile, {"telecom": [{"system": "email"}]}) == [
        ("required", "Patient.birthDate"),
        ("required", "Patient.telecom"),
    ]
    assert told(profile, {"birthDate": "2000", "telecom": [{"system": "phone"}]}) == []


def test_a_base_of_a_base_counts_as_well() -> None:
    """However long the chain is."""
    first = structure("Patient", element("Patient.birthDate", min=1), url=BASE)
    second = structure("Patient", element("Patient.gender", min=1), url=f"{BASE}2", base=BASE)
    profile = made("Patient", base=f"{BASE}2", others=(first, second))
    assert told(profile, {}) == [("required", "Patient.birthDate"), ("required", "Patient.gender")]


def test_what_is_laxer_than_the_base_is_noted_and_changes_nothing() -> None:
    """A profile can only narrow."""
    base = structure("Patient", element("Patient.birthDate", min=1), url=BASE)
    profile = made("Patient", element("Patient.birthDate", min=0), base=BASE, others=(base,))
    assert told(profile, {}) == [("required", "Patient.birthDate")]
    assert [note.element for note in profile.notes] == ["Patient.birthDate"]


def test_a_snapshot_stands_in_for_a_base_that_is_not_held() -> None:
    """It has everything that the base says."""
    snapshot = {"element": [{"id": "Patient", "path": "Patient"}, element("Patient.birthDate", min=1, max="1")]}
    profile = made("Patient", base=BASE, snapshot=snapshot)
    assert told(profile, {}) == [("required", "Patient.birthDate")]


def test_a_resource_inside_of_another_meets_its_profile() -> None:
    """%resource is the inner one there."""
    rule = {"key": "r", "severity": "error", "human": "h", "expression": "%resource.birthDate.exists()"}
    inner = structure("Patient", element("Patient.name", constraint=[rule]), url=BASE)
    outer = element("Bundle.entry.resource", type=[{"code": "Patient", "profile": [BASE]}, {"code": "Group"}])
    profile = made("Bundle", outer, others=(inner,))
    patient: Json = {"resourceType": "Patient", "name": [{"text": "a"}]}
    assert told(profile, {"entry": [{"resource": patient}]}) == [("invariant", "Bundle.entry[0].resource.name[0]")]
    assert told(profile, {"entry": [{"resource": patient | {"birthDate": "2000"}}]}) == []
    assert told(profile, {"entry": [{"resource": {"resourceType": "Group"}}]}) == []


def test_one_of_several_profiles_is_enough() -> None:
    """As R4 says of type.profile."""
    some = structure("Patient", element("Patient.birthDate", min=1), url=BASE)
    others = structure("Patient", element("Patient.gender", min=1), url=f"{BASE}2")
    kind = {"code": "Patient", "profile": [BASE, f"{BASE}2"]}
    profile = made("Bundle", element("Bundle.entry.resource", type=[kind]), others=(some, others))
    for content, expected in (({"gender": "male"}, 0), ({"birthDate": "2000"}, 0), ({}, 1)):
        assert len(told(profile, {"entry": [{"resource": {"resourceType": "Patient", **content}}]})) == expected


def test_a_profile_may_name_itself() -> None:
    """As of a Bundle in a Bundle."""
    kind = {"code": "Bundle", "profile": [URL]}
    definition = structure(
        "Bundle", element("Bundle.type", fixedCode="collection"), element("Bundle.entry.resource", type=[kind])
    )
    profile = compile_profile(definition, Shelf(R4, [definition]), R4)
    inner = {"resourceType": "Bundle", "type": "searchset"}
    assert told(profile, {"type": "collection", "entry": [{"resource": inner}]}) == [
        ("value", "Bundle.entry[0].resource.type")
    ]


@pytest.mark.parametrize(
    "noted, stated",
    [
        ("codes are not checked", {"binding": {"strength": "required", "valueSet": "https://example.org/ValueSet/x"}}),
        (
            "meets https://example.org/p is not checked",
            {"type": [{"code": "Reference", "targetProfile": ["https://example.org/p"]}]},
        ),
        ("name versions is not checked", {"type": [{"code": "Reference", "versioning": "specific"}]}),
        ("has no FHIRPath", {"constraint": [{"key": "k", "severity": "error", "human": "h"}]}),
    ],
)
def test_what_is_not_checked_is_noted(noted: str, stated: Json) -> None:
    """The rest of the profile is enforced."""
    profile = made("Observation", element("Observation.subject", min=1, **stated))
    assert [noted in note.text for note in profile.notes] == [True]
    assert told(profile, {}) == [("required", "Observation.subject")]


@pytest.mark.parametrize(
    "stated, refused",
    [
        ([element("Patient.birthdate", min=1)], "R4 has no element birthdate"),
        ([element("Patient.name", max="1"), element("Patient.name.nick", min=1)], "R4 has no element nick"),
        ([element("Patient.deceased", min=1)], "R4 writes deceased[x]"),
        ([element("Patient.deceased[x].value", min=1)], "must have one type before"),
        ([element("Patient.name", type=[{"code": "Address"}])], "none of those that its base has: HumanName"),
        ([element("Patient.name", type=[{"code": "Nonsense"}])], "the type Nonsense is none"),
        ([element("Patient.name", min=2, max="1")], "contradict each other"),
        ([element("Patient.gender", fixedBoolean=True)], "a value of type boolean is given for code"),
        ([element("Patient.telecom:phone.system", min=1)], "there is no slice phone"),
        ([{"id": "Patient.x", "path": "Patient.gender"}], "the id of an element is its path"),
        (
            [
                element(
                    "Patient.name", constraint=[{"key": "k", "severity": "error", "human": "h", "expression": "nick"}]
                )
            ],
            "k cannot be evaluated",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(stated: list[Json], refused: str) -> None:
    """With the element that says it."""
    with pytest.raises(ProfileError, match=r".") as error:
        made("Patient", *stated)
    assert refused in str(error.value)


@pytest.mark.parametrize(
    "expression", ["family.matches('(a+)+(?=b)')", "family.replaceMatches('a', 'b') = 'b'", "family.matches(text)"]
)
def test_a_regular_expression_that_may_run_wild_is_refused(expression: str) -> None:
    """Profiles may come from anybody."""
    rule = {"key": "k", "severity": "error", "human": "h", "expression": expression}
    with pytest.raises(ProfileError, match="needs a regular expression"):
        made("Patient", element("Patient.name", constraint=[rule]))


def test_other_regular_expressions_take_linear_time() -> None:
    """What makes other engines run wild is over at once."""
    rule = {"key": "k", "severity": "error", "human": "h", "expression": "family.matches('^(a+)+b$')"}
    profile = made("Patient", element("Patient.name", constraint=[rule]))
    assert told(profile, {"name": [{"family": "a" * 100_000}]}) == [("invariant", "Patient.name[0]")]
    assert told(profile, {"name": [{"family": "aab"}]}) == []


@pytest.mark.parametrize(
    "changes, refused",
    [
        ({"base": BASE}, "is not held"),
        ({"derivation": "specialization"}, "only derivation constraint"),
        ({"kind": "logical"}, "profiles are of kind"),
        ({"base": URL}, "is based on itself"),
    ],
)
def test_a_definition_that_is_no_profile_is_refused(changes: Json, refused: str) -> None:
    """By what it lacks."""
    definition = structure("Patient", **changes)
    with pytest.raises(ProfileError, match=refused):
        compile_profile(definition, Shelf(R4, [definition]), R4)


def test_a_canonical_without_version_means_the_last_active_one() -> None:
    """Numbers in versions are compared as numbers; a draft comes last."""
    versions = [("1.9.0", "active"), ("1.10.0", "active"), ("2.0.0", "draft"), ("1.2.0", "active")]
    shelf = Shelf(R4, [structure("Patient", version=version, status=status) for version, status in versions])
    assert [shelf.structure(each)["version"] for each in (URL, f"{URL}|1.2.0", f"{URL}|2.0.0")] == [  # type: ignore[index]
        "1.10.0",
        "1.2.0",
        "2.0.0",
    ]
    assert shelf.structure(f"{URL}|3.0.0") is None


def issues(shelf: Shelf, canonical: str, *, warnings: bool = True) -> list[Issue]:
    """Of an empty Patient."""
    return list(shelf.issues({"resourceType": "Patient"}, canonical, "Patient.meta.profile[0]", warnings=warnings))


def test_a_profile_that_is_not_held_is_a_warning() -> None:
    """And asks nothing of who writes."""
    shelf = Shelf(R4)
    assert [(each.severity, each.code) for each in issues(shelf, URL)] == [("warning", "profile-unknown")]
    assert issues(shelf, URL, warnings=False) == []


def test_a_profile_that_cannot_be_enforced_is_a_warning() -> None:
    """With the reason."""
    shelf = Shelf(R4, [structure("Patient", element("Patient.nick", min=1))])
    (issue,) = issues(shelf, URL)
    assert (issue.severity, "R4 has no element nick" in issue.diagnostics) == ("warning", True)


def test_a_profile_of_another_type_is_an_error() -> None:
    """Which the service can tell of R4's own types, too."""
    shelf = Shelf(R4, [structure("Group")])
    for canonical in (URL, f"{CORE}/Group"):
        assert [each.severity for each in issues(shelf, canonical, warnings=False)] == ["error"]
    assert issues(shelf, f"{CORE}/Patient") == []


def test_a_profile_is_compiled_once() -> None:
    """However often it is asked for, and by which canonical."""
    shelf = Shelf(R4, [structure("Patient", version="1")])
    assert isinstance(shelf.profile(URL), Profile)
    assert shelf.profile(URL) is shelf.profile(f"{URL}|1")


@pytest.mark.parametrize(
    "content", [None, [], {}, {"meta": 1}, {"meta": {"profile": "x"}}, {"meta": {"profile": [1, None]}}]
)
def test_content_that_claims_nothing_can_be_anything(content: Any) -> None:
    """Claims are read before the content is known to be valid."""
    assert claims(content) == ()
