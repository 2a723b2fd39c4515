"""Random resources that contain others: references become ``#id``, and what these are to stands inside."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tests.search.evaluator import pools
from tests.search.evaluator.resources import MAKERS

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

_LOCAL_IDS: Final = (*pools.IDS, "inside")


@st.composite
def containing(draw: st.DrawFn, resource: Json) -> Json:
    """A resource, or a copy that contains some of what it refers to, and what that refers to in turn."""
    if draw(st.booleans()):
        return resource
    found = deepcopy(resource)
    inside: list[Json] = []
    for local_id in _LOCAL_IDS[: draw(st.integers(1, len(_LOCAL_IDS)))]:
        places = [place for each in (found, *inside) for place in _references(each)]
        if not places:
            break
        place = draw(st.sampled_from(places))
        resource_type = place["reference"].partition("/")[0]
        place["reference"] = f"#{local_id}"
        content = deepcopy(draw(MAKERS[resource_type]()))
        inside.append({"resourceType": resource_type, "id": local_id, **content})
    for place in (place for each in inside for place in _references(each)):
        if place["reference"].startswith(f"{resource['resourceType']}/") and draw(st.booleans()):
            place["reference"] = "#"
    return found | {"contained": inside} if inside else found


def _references(value: Any) -> Iterator[Json]:
    """The references to resources here that are relative, of the types that there are."""
    if isinstance(value, dict):
        literal = value.get("reference", "")
        if isinstance(literal, str) and literal.partition("/")[0] in MAKERS and literal.count("/") == 1:
            yield value
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
