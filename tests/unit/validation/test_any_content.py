"""Whatever arrives is valid or refused with issues; nothing makes the validator fail."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.fhir.codec import decode
from service.fhir.definitions import load
from service.fhir.outcome import ERROR_CODES
from service.fhir.validation import Validator
from tests.examples import official_examples

if TYPE_CHECKING:
    from collections.abc import Iterator

VALIDATOR: Final = Validator(load())

EXAMPLES: Final = [
    item for item in official_examples("clinical") if len(item.data) < 6000 and not item.file.startswith("Bundle")
][::11]

ODD: Final[list[Any]] = [
    *(
        None,
        "",
        " ",
        "text",
        "#",
        "#p",
        "Patient/1",
        "2026",
        "\x00",
        "😀",
        0,
        -1,
        1.5,
        True,
        [],
        {},
        [None],
        [[]],
        [{}],
    ),
    *({"id": "a"}, {"resourceType": "Patient"}, {"extension": []}, {"reference": "#p"}, {"coding": [{"code": 1}]}),
]

JUNK: Final[st.SearchStrategy[Any]] = st.sampled_from(ODD) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3),
    max_leaves=5,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key or index) of the content."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield value, key
            yield from places(part)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield value, index
            yield from places(part)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_example_is_valid_or_refused(data: st.DataObject) -> None:
    """Parts of official examples are replaced, removed or renamed; the verdict always has codes and places."""
    example = data.draw(st.sampled_from(EXAMPLES))
    content = copy.deepcopy(decode(example.data))
    for _ in range(data.draw(st.integers(1, 3))):
        found = list(places(content))
        container, key = found[data.draw(st.integers(0, len(found) - 1))]
        junk = copy.deepcopy(data.draw(JUNK))
        match data.draw(st.sampled_from(["replace", "remove", "rename", "twin"])):
            case "replace":
                container[key] = junk
            case "remove":
                del container[key]
            case "rename" if isinstance(container, dict):
                container[data.draw(st.text(max_size=5))] = container.pop(key)
            case "twin" if isinstance(container, dict):
                container[f"_{key}"] = junk
            case _ if isinstance(container, list):
                container.append(junk)
            case _:
                container["extension"] = junk
    for issue in VALIDATOR.issues(content, example.type):
        assert issue.code is None or issue.code in ERROR_CODES
        assert issue.expression == () or issue.expression[0].startswith(example.type)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(load().resource_types)), st.dictionaries(st.text(max_size=5), JUNK, max_size=4))
def test_any_object_is_valid_or_refused(resource_type: str, content: dict[str, Any]) -> None:
    """No object makes the validator of any served type fail."""
    VALIDATOR.issues({**content, "resourceType": resource_type}, resource_type)
