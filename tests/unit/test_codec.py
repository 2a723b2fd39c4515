"""JSON in and out: what is kept to the letter, and what is refused."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.codec import MAX_DEPTH, MAX_MEMBERS, canonical, decode, encode, encode_pretty
from service.fhir.outcome import FhirError

NUMBERS = ["0", "-0", "1.50", "1.0e0", "1E-22", "1e2", "-1.000000000000000000E+245", "100000000000000000000", "0.000"]

REFUSED = [
    (b"", "malformed-json", "empty"),
    (b" \n", "malformed-json", "empty"),
    (b'{"a"', "malformed-json", "ends before"),
    (b'{"a":1,}', "malformed-json", "trailing comma"),
    (b'{\n"a":1 "b":2}', "malformed-json", "line 2"),
    (b"01", "malformed-json", "number"),
    (b"NaN", "malformed-json", "not JSON"),
    (b"-Infinity", "malformed-json", "not JSON"),
    (b'"a\nb"', "malformed-json", "not JSON"),
    (b'"\xff"', "malformed-json", "UTF-8"),
    (b'{"\xff":1}', "malformed-json", "UTF-8"),
    (b'"\xed\xa0\x80"', "malformed-json", "UTF-8"),
    (b"\xef\xbb\xbf{}", "malformed-json", "byte order mark"),
    ('{"a":1}'.encode("utf-16"), "malformed-json", "UTF-16"),
    ('{"a":1}'.encode("utf-32-be"), "malformed-json", "UTF-32"),
    (b'"\\ud800"', "malformed-json", "surrogate"),
    (b'"\\ud800x"', "malformed-json", "surrogate"),
    (b'"\\udc00"', "malformed-json", "surrogate"),
    (b'{"a":["x\\u0000"]}', "malformed-json", "U+0000"),
    (b'{"\\u0000":1}', "malformed-json", "U+0000"),
    (b'{"status":1,"status":1}', "duplicate-key", "'status'"),
    (b'{"a":{"b":1,"\\u0062":"\\u0022"}}', "duplicate-key", "'b'"),
    (b"1e400", "number-out-of-range", "magnitude"),
    (b"1e99999999999999999999999", "number-out-of-range", "magnitude"),
    (b"9" * 5000, "number-out-of-range", "magnitude"),
    (b"0." + b"1" * 5000, "number-out-of-range", "magnitude"),
    (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nesting-too-deep", str(MAX_DEPTH)),
    (json.dumps({f"{number}": 0 for number in range(MAX_MEMBERS + 1)}).encode(), "too-costly", str(MAX_MEMBERS)),
    (b"[" * 200_000, "nesting-too-deep", str(MAX_DEPTH)),
    (b'{"a":' * 200_000, "nesting-too-deep", str(MAX_DEPTH)),
]


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_keeps_its_text(text: str) -> None:
    """What a client writes as 1.50 or 1.0e0 is sent back as that."""
    data = f'{{"value":{text}}}'.encode()
    assert encode(decode(data)) == data


@pytest.mark.parametrize("text", NUMBERS)
def test_a_copied_number_keeps_its_text(text: str) -> None:
    """Patches work on copies, and a copy is as exact as the original."""
    assert encode(copy.deepcopy(decode(f"[{text}]".encode()))) == f"[{text}]".encode()


def test_a_fraction_is_a_decimal() -> None:
    """No float ever comes out of a body."""
    assert decode(b"[0.1]") == [Decimal("0.1")]


@pytest.mark.parametrize("data, code, words", REFUSED)
def test_what_cannot_be_read_is_refused_with_a_reason(data: bytes, code: str, words: str) -> None:
    """Each way to be unreadable has its error code and says what is wrong."""
    with pytest.raises(FhirError) as refusal:
        decode(data)
    assert refusal.value.code == code
    assert words in refusal.value.issues[0].diagnostics


def test_the_deepest_nesting_that_is_allowed_is_read() -> None:
    """The limit itself is within the limit."""
    assert decode(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


@pytest.mark.parametrize("inmost", [b"[]", b"{}", b"[1]", b'{"a":"[{"}', b"[ ]"])
@pytest.mark.parametrize("blanks", [0, 20_000])
def test_one_level_more_is_refused_whatever_stands_at_it(inmost: bytes, blanks: int) -> None:
    """Small and large texts are measured in different ways, and come to the same limit."""
    around = b"[" + b"{}," * MAX_DEPTH, b" " * blanks + b"]"
    decode(inmost.join([around[0] + b"[" * (MAX_DEPTH - 2), b"]" * (MAX_DEPTH - 2) + around[1]]))
    with pytest.raises(FhirError) as refusal:
        decode(inmost.join([around[0] + b"[" * (MAX_DEPTH - 1), b"]" * (MAX_DEPTH - 1) + around[1]]))
    assert refusal.value.code == "nesting-too-deep"


@pytest.mark.parametrize("data", [rb'"\\u0000"', rb'"\\ud800"', rb'"\ud83d\ude00"', rb'"\"\""', rb'{"\"":1}'])
def test_escapes_that_only_look_dangerous_are_read(data: bytes) -> None:
    """An escaped backslash, a whole surrogate pair and escaped quotes are plain text."""
    assert decode(data) == json.loads(data)


def test_equal_keys_in_different_objects_are_no_repetition() -> None:
    """Only one object's own keys must differ."""
    data = b'[{"a":1},{"a":{"a":2}}]'
    assert encode(decode(data)) == data


def test_canonical_json_does_not_depend_on_the_order_of_keys() -> None:
    """Two texts with the same members are the same content."""
    assert canonical(decode(b'{"b":1.0,"a":{"d":2,"c":3}}')) == canonical(decode(b'{"a":{"c":3,"d":2},"b":1.0}'))


def test_canonical_json_tells_decimals_of_different_precision_apart() -> None:
    """1.0 and 1.00 are different statements in R4."""
    assert canonical(decode(b"[1.0]")) != canonical(decode(b"[1.00]"))


def test_pretty_json_is_the_same_json() -> None:
    """Indentation changes nothing else."""
    data = b'{"a":[1.50,{"b":"x"}]}'
    assert decode(encode_pretty(data)) == decode(data)
    assert b"\n" in encode_pretty(data)


def test_an_object_may_have_many_members() -> None:
    """The limit itself is within the limit, and counts for each object alone."""
    widest = {f"{number}": 0 for number in range(MAX_MEMBERS)}
    assert decode(json.dumps([widest, widest]).encode()) == [widest, widest]


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0dD8C10.eE-+tn \n', max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No input makes the reader fail in any other way."""
    try:
        value = decode(data)
    except FhirError as refusal:
        assert refusal.code in {"malformed-json", "duplicate-key", "nesting-too-deep", "number-out-of-range"}
    else:
        assert decode(encode(value)) == value


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=5), parts, max_size=4),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_the_reader_agrees_with_the_standard_library(value: Any) -> None:
    """Whatever Python's own writer makes is read as the same value, save for what R4 forbids."""
    data = json.dumps(value).encode()
    if b"\\u0000" in data:
        return
    assert decode(data) == value
