"""The envelope of a Bundle: what is seen to be plain is valid."""

from __future__ import annotations

import copy
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.fhir.definitions import load
from service.fhir.validation import Validator
from service.interactions.envelope import is_plain
from tests.builders.referral import referral_bundle

Json = dict[str, Any]

VALIDATOR: Final = Validator(load())

TEXTS: Final = st.sampled_from(
    [
        *("Patient", "Patient/1", "identifier=urn:x|1", 'W/"1"', "*", "urn:uuid:0190abcd-1111-7111-8111-111111111111"),
        *("http://example.org/Patient/1/_history/1", "/_history/", "", " ", "a b", "a\tb", "a\n", "\x7f", "é", "\x00"),
        "x" * 9000,
    ]
)
ODD: Final[st.SearchStrategy[Any]] = st.none() | st.just(1) | st.just([]) | st.just({}) | st.just(["Patient"])
METHODS: Final = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "post", "OPTIONS", ""])


def some(required: dict[str, st.SearchStrategy[Any]], optional: dict[str, st.SearchStrategy[Any]]) -> Any:
    """Objects that have what is required, mostly, and some of the rest."""
    return st.fixed_dictionaries(required, optional=optional) | st.fixed_dictionaries({}, optional=required)


REQUESTS: Final = some(
    {"method": METHODS, "url": TEXTS},
    {
        **dict.fromkeys(("ifNoneMatch", "ifMatch", "ifNoneExist"), TEXTS | ODD),
        **dict.fromkeys(("ifModifiedSince", "id", "ifNoneExists", "extension", "_url"), TEXTS | ODD),
    },
)
ENTRIES: Final = some(
    {"request": REQUESTS},
    {
        "fullUrl": TEXTS | ODD,
        "resource": ODD | st.just({"resourceType": "Patient"}),
        **dict.fromkeys(("id", "link", "search", "response", "extension", "fullurl"), TEXTS | ODD),
    },
)
BUNDLES: Final = some(
    {
        "resourceType": st.sampled_from(["Bundle", "Patient"]),
        "type": st.sampled_from(["batch", "transaction", "history", "searchset", "document", "x"]),
        "entry": st.lists(ENTRIES, max_size=3),
    },
    dict.fromkeys(("id", "total", "link", "timestamp", "meta", "identifier"), TEXTS | ODD),
)


def without_resources(bundle: Json) -> Json:
    entries = [{name: part for name, part in entry.items() if name != "resource"} for entry in bundle["entry"]]
    return {**bundle, "entry": entries}


@settings(max_examples=1000, deadline=None)
@given(BUNDLES)
def test_a_plain_envelope_is_valid(bundle: Json) -> None:
    """The quick look never says yes where the validator says no."""
    if is_plain(bundle):
        assert not VALIDATOR.issues(without_resources(bundle), "Bundle")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "GET", "HEAD"]), TEXTS, TEXTS, TEXTS), max_size=3
    )
)
def test_an_envelope_of_known_elements_is_plain_only_if_it_is_valid(entries: list[tuple[str, str, str, str]]) -> None:
    """The same where names and types are right, so that the texts decide."""
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": full_url, "request": {"method": method, "url": url, "ifNoneExist": criteria}}
            for method, full_url, url, criteria in entries
        ],
    }
    if is_plain(bundle):
        assert not VALIDATOR.issues(without_resources(bundle), "Bundle")


def test_a_referral_has_a_plain_envelope() -> None:
    """The quick look spares the Bundles that are sent most often the long one."""
    assert is_plain(referral_bundle())


@pytest.mark.parametrize("full_url, times", [("urn:oid:1.2.3", 2), ("http://x/Patient/1/_history/1", 1)])
def test_rules_on_full_urls_are_kept(full_url: str, times: int) -> None:
    """Two equal fullUrls (bdl-7) or one with a version (bdl-8) are for the validator to judge."""
    bundle = copy.deepcopy(referral_bundle())
    for entry in bundle["entry"][:times]:
        entry["fullUrl"] = full_url
    assert not is_plain(bundle)
