"""What lies in a row, and what is served of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir import codec
from service.fhir.stamp import stamped
from service.store.stored_content import head_of, served, stored

NOW = datetime(2026, 1, 9, 12, 0, 0, 123000, tzinfo=UTC)
HEAD = head_of("Patient", "a", 2, NOW)


def complete(**content: Any) -> bytes:
    """The served content of version 2 of Patient/a."""
    sent = {"resourceType": "Patient", **content}
    return codec.encode(stamped(sent, logical_id="a", version_id=2, last_updated=NOW))


@pytest.mark.parametrize(
    "content, kept",
    [
        ({}, b"{}"),
        ({"active": True}, b'{"active":true}'),
        ({"meta": {"tag": [{"code": "x"}]}}, b'{"meta":{"tag":[{"code":"x"}]}}'),
        ({"meta": {"tag": [{"code": "x"}]}, "active": True}, b'{"meta":{"tag":[{"code":"x"}]},"active":true}'),
    ],
)
def test_a_row_keeps_json_without_what_its_columns_hold(content: dict[str, Any], kept: bytes) -> None:
    """And serving it again gives the same bytes."""
    assert stored(complete(**content), HEAD) == kept
    assert served(kept, HEAD) == complete(**content)


_JSON = st.recursive(
    st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    meta=st.dictionaries(st.sampled_from(["tag", "profile", "source"]), _JSON),
    rest=st.dictionaries(st.text(min_size=1), _JSON, max_size=4),
)
def test_whatever_is_stored_is_served_unchanged(meta: dict[str, Any], rest: dict[str, Any]) -> None:
    """Byte for byte."""
    content = complete(**({"meta": meta} | {name: value for name, value in rest.items() if name != "meta"}))
    assert served(stored(content, HEAD), HEAD) == content


def test_content_without_the_stamp_of_its_version_is_not_stored() -> None:
    """Serving it would show another version."""
    with pytest.raises(ValueError, match="not stamped"):
        stored(complete(), head_of("Patient", "a", 3, NOW))
