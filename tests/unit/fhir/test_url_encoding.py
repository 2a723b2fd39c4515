"""Parameters as they are sent: decoded exactly, or refused."""

from __future__ import annotations

import string
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.outcome import FhirError
from service.fhir.url_encoding import MAX_BYTES, MAX_PARAMETERS, encode_query, parse_query
from tests.spent import spent

_ANY = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_OF_URLS = f"{string.ascii_letters}{string.digits}_.~-%+&="


def test_names_and_values_are_decoded() -> None:
    """In the order sent, repeats kept."""
    assert parse_query(b"a=1&b=%C3%A9+%2B&a=&c") == (("a", "1"), ("b", "é +"), ("a", ""), ("c", ""))


@given(st.lists(st.tuples(st.text(_ANY, min_size=1), st.text(_ANY))))
def test_what_is_encoded_is_decoded_again(pairs: list[tuple[str, str]]) -> None:
    """Whatever characters there are, and in letters that any URL may have."""
    encoded = encode_query(pairs)
    assert parse_query(encoded.encode()) == tuple(pairs)
    assert not set(encoded) - set(_OF_URLS)


@pytest.mark.parametrize(
    "query,code,place",
    [
        (b"name=%zz", "parameter-value", "http.name"),
        (b"name=%", "parameter-value", "http.name"),
        (b"name=%4", "parameter-value", "http.name"),
        (b"name=%ff", "parameter-value", "http.name"),
        (b"name=%ed%a0%80", "parameter-value", "http.name"),
        (b"name=%00", "parameter-value", "http.name"),
        (b"na%00me=1", "parameter-value", "http.query"),
        (b"<script>=%00", "parameter-value", "http.query"),
        (b"a" * 100 + b"=%00", "parameter-value", "http.query"),
        (b"name=\xff", "parameter-value", "http.query"),
        (b"a=1&" * MAX_PARAMETERS, "too-costly", "http.query"),
        (b"&" * (MAX_BYTES - 1), "too-costly", "http.query"),
        (b"name=" + b"%41" * (MAX_BYTES // 3), "too-costly", "http.query"),
        (b"name=" + b"a" * MAX_BYTES, "too-costly", "http.query"),
    ],
    ids=range(14),
)
def test_what_is_no_query_is_refused_at_once(query: bytes, code: str, place: str) -> None:
    """With the parameter, as far as its name can be shown."""
    with spent() as taken, pytest.raises(FhirError) as raised:
        parse_query(query)
    assert taken.seconds < 0.3
    assert (raised.value.code, raised.value.issues[0].expression) == (code, (place,))
    assert raised.value.category.status == 400


def test_ascii_is_encoded_as_everybody_does() -> None:
    """Every character of it, by a table."""
    text = "".join(map(chr, range(128)))
    assert encode_query([(text, text)]) == f"{quote_plus(text)}={quote_plus(text)}"
