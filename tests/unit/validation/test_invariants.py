"""Every error invariant of the served types is enforced, and each can be seen to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from service.fhir.definitions import load
from service.fhir.invariants import ABOUT_CONTAINED, ENFORCED_ELSEWHERE, UNDECIDED_HOLDS
from tests.builders.minimal import minimal
from tests.unit.validation.broken import BROKEN, CANNOT_BE_BROKEN, TEXT, held

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir.definitions import Constraint, Definitions, Element
    from service.fhir.validation import Validator

Json = dict[str, Any]

NAMED_OTHERWISE: Final = {"ele-1": "value, a child element", "ref-1": "(ref-1)", "txt-1": "narrative is refused"}
"""What the sentence says where it does not end with the key."""


def changed(content: Json, changes: Json) -> Json:
    """The content with the changes, recursively without what is None."""
    merged: Json = _without_none({**content, **changes})
    return merged


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(part) for name, part in value.items() if part is not None}
    return [_without_none(part) for part in value] if isinstance(value, list) else value


def constraints(definitions: Definitions) -> Iterator[Constraint]:
    """All constraints of the served types and of the data types that they use."""
    seen = set(definitions.resource_types)
    waiting = list(definitions.resource_types)
    while waiting:
        definition = definitions.type(waiting.pop())
        yield from definition.constraints
        for element in _all(definition.elements):
            yield from element.constraints
            used = {kind.code for kind in element.types} - seen - {"Resource"}
            seen |= used
            waiting.extend(used)


def _all(elements: tuple[Element, ...]) -> Iterator[Element]:
    for element in elements:
        yield element
        yield from _all(element.children)


def test_each_error_invariant_has_a_row() -> None:
    """No invariant of a served type is without an example that breaks it, or a reason why none can."""
    keys = {item.key for item in constraints(load()) if item.severity == "error"}
    assert keys == {key for key, _, _ in BROKEN} | set(CANNOT_BE_BROKEN)


def test_what_is_enforced_elsewhere_is_in_the_definitions() -> None:
    """The tables of invariants that are special name real ones only."""
    assert set(ENFORCED_ELSEWHERE) | set(UNDECIDED_HOLDS) <= {item.key for item in constraints(load())}


def test_what_holds_where_nothing_is_contained_says_so() -> None:
    """The invariants that are skipped without contained resources say of all contained resources that none is wrong."""
    expressions = {item.expression for item in constraints(load()) if item.key in ABOUT_CONTAINED}
    terms = [term for expression in expressions for term in expression.split(" and ")]
    assert len(expressions) == len(ABOUT_CONTAINED)
    assert all(term.startswith("contained.") and term.endswith(".empty()") for term in terms)


@pytest.mark.parametrize("key, resource_type, changes", BROKEN, ids=[f"{row[0]}-{row[1]}" for row in BROKEN])
def test_a_broken_invariant_is_reported(
    key: str, resource_type: str, changes: Json, definitions: Definitions, validator: Validator
) -> None:
    """The sentence of the issue names the invariant."""
    content = changed(minimal(definitions, resource_type), changes)
    found = [issue.diagnostics for issue in validator.issues(content, resource_type)]
    assert any(f"({key})" in text or NAMED_OTHERWISE.get(key, "\0") in text for text in found), found


def test_an_element_that_has_extensions_alone_is_there_for_what_is_said_about_it(
    definitions: Definitions, validator: Validator
) -> None:
    """A duration that is unknown needs its unit all the same (tim-1); what is absent in both forms needs none."""
    unknown = {"extension": [{"url": "http://example.org/unknown", "valueBoolean": True}]}
    for repeat, told in (({"_duration": unknown}, True), ({"count": 2}, False)):
        content = minimal(definitions, "ServiceRequest") | {"occurrenceTiming": {"repeat": repeat}}
        issues = validator.issues(content, "ServiceRequest")
        assert any("(tim-1)" in issue.diagnostics for issue in issues) is told


def test_a_missing_narrative_is_no_more_than_a_warning(definitions: Definitions, validator: Validator) -> None:
    """dom-6 is best practice: reported when asked for, never refused."""
    content = minimal(definitions, "Patient")
    assert validator.issues(content, "Patient") == []
    (warning,) = validator.issues(content, "Patient", warnings=True)
    assert warning.severity == "warning"
    assert "(dom-6)" in warning.diagnostics


@pytest.mark.parametrize(
    "start, end",
    [
        ("2026", "2026-01-01"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-09T10:00:00+01:00", "2026-01-09T09:30:00Z"),
        ("2026-01-09", "2026-01-09T00:00:00-12:00"),
    ],
)
def test_a_period_that_may_be_in_order_is_accepted(start: str, end: str, validator: Validator) -> None:
    """per-1 refuses only what is certainly the wrong way round, whatever the precision and the zone."""
    content = {"resourceType": "Basic", "code": TEXT, **held("valuePeriod", {"start": start, "end": end})}
    assert validator.issues(content, "Basic") == []
