"""Ways to break a profile of ours, made from its rows: each takes the example and leaves valid R4 behind."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from service.fhir.codec import decode, encode
from service.fhir.definitions import load
from service.fhir.profile.value import like

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir.definitions import ElementType
    from service.massage.profiles.rows import Broken, ElementRow, ProfileRows

Json = dict[str, Any]

OTHER_CONCEPT: Json = {"coding": [{"system": "https://example.org/other", "code": "other"}], "text": "Other"}
SAMPLES: Json = {
    "Range": {"low": {"value": 1}},
    "Ratio": {"numerator": {"value": 1}, "denominator": {"value": 2}},
    "boolean": True,
    "dateTime": "2026-01-12",
    "string": "another",
    "Period": {"start": "2026-01-12"},
}
"""A value of some data types."""
WITHOUT: dict[str, tuple[str, ...]] = {"code": ("orderDetail",), "system": ("code",)}
"""Element → what R4 allows beside it only (prr-1, qty-3)."""


class Breach(Struct, frozen=True, kw_only=True):
    """What a change of the example breaks, and how that is told."""

    name: str
    content: Json
    severity: str
    says: str


def breaches(profile: ProfileRows) -> Iterator[Breach]:
    """Every row of a profile broken once, each of its columns by itself."""
    for row in profile.elements:
        yield from _of_element(profile, row)
    for rule in profile.rules:
        content = broken(example(profile), rule.broken)
        yield Breach(name=rule.key, content=content, severity=rule.severity, says=f"({rule.key})")


def example(profile: ProfileRows) -> Json:
    """A copy of a profile's example, as it would arrive."""
    found: Json = decode(encode(profile.example))
    return found


def broken(content: Json, how: Broken) -> Json:
    """The content, changed in place as a rule's row says."""
    for path in how.remove:
        holder, last = _holder(content, path)
        holder.pop(last, None)
    for path, value in how.set.items():
        holder, last = _holder(content, path)
        holder[last] = value
    return content


def _holder(content: Json, path: str) -> tuple[Json, str]:
    *way, last = path.split(".")
    for name in way:
        content = content[name]
    return content, last


def _of_element(profile: ProfileRows, row: ElementRow) -> Iterator[Breach]:
    name = row.id.rpartition(".")[2].partition(":")[0].removesuffix("[x]")

    def breach(how: str, content: Json, severity: str = "error") -> Breach:
        return Breach(name=f"{row.id} {how}", content=content, severity=severity, says=name)

    if _tells_an_optional_slice(profile, row):
        return  # what it does not hold for belongs to another slice
    if row.min:
        yield breach("missing", _changed(profile, row, _remove))
    if row.max:
        yield breach("twice", _changed(profile, row, _repeat))
    if row.value:
        yield breach("another value", _changed(profile, row, _other_value(row.value[1])))
    if row.binding:
        severity = "error" if row.binding.startswith("required") else "warning"
        yield breach("another code", _changed(profile, row, _other_value({})), severity)
    if row.types:
        yield breach("another type", _changed(profile, row, _other_type(profile, row)))


def _tells_an_optional_slice(profile: ProfileRows, row: ElementRow) -> bool:
    holder, _, last = row.id.rpartition(".")
    rows = {each.id: each for each in profile.elements}
    if holder not in rows or rows[holder].min:
        return False
    sliced = rows[holder.partition(":")[0]].sliced if ":" in holder else None
    return sliced is not None and sliced.endswith(f" {last}")


def _changed(profile: ProfileRows, row: ElementRow, change: Any) -> Json:
    """The example with the first occurrence of a row's element changed."""
    content = example(profile)
    holder: Any = content
    *way, last = row.id.split(".")
    path = ""
    for step in way:
        path = f"{path}.{step}" if path else step
        key, at = _found(profile, holder, step, path)
        holder = holder[key] if at is None else holder[key][at]
    key, at = _found(profile, holder, last, row.id)
    change(holder, key, at)
    return content


def _found(profile: ProfileRows, holder: Json, step: str, path: str) -> tuple[str, int | None]:
    """The property, and the index in its array, that a step of a row's id names in the example."""
    name, _, slice_name = step.partition(":")
    if name.endswith("[x]"):
        return next(key for key in holder if key.startswith(name.removesuffix("[x]"))), None
    if not isinstance(holder[name], list):
        return name, None
    tests = [
        (row.id.rpartition(".")[2], like(row.value[1]))
        for row in profile.elements
        if slice_name and row.value and row.id.rpartition(".")[0] == path
    ]
    own = [like(row.value[1]) for row in profile.elements if slice_name and row.value and row.id == path]
    for at, item in enumerate(holder[name]):
        if all(test(item.get(part)) for part, test in tests) and all(test(item) for test in own):
            return name, at
    raise AssertionError(f"the example has no {path}")


def _remove(holder: Json, key: str, at: int | None) -> None:
    """Without the element, and without what R4 does not allow in its absence."""
    for needs_it in WITHOUT.get(key, ()):
        holder.pop(needs_it, None)
    if at is None or len(holder[key]) == 1:
        del holder[key]
    else:
        del holder[key][at]


def _repeat(holder: Json, key: str, at: int | None) -> None:
    holder[key].append(copy.deepcopy(holder[key][at]))


def _other_value(value: Any) -> Any:
    def change(holder: Json, key: str, at: int | None) -> None:
        other: Any = copy.deepcopy(OTHER_CONCEPT)
        if isinstance(value, str):
            other = "plan" if value == "order" else "urn:other"
        if at is None:
            holder[key] = other
        else:
            holder[key][at] = other

    return change


def _other_type(profile: ProfileRows, row: ElementRow) -> Any:
    kind, _, names = row.types[0].rstrip(")").partition("(")

    def change(holder: Json, key: str, at: int | None) -> None:
        if kind == "Extension":
            holder[key][at] = {"url": holder[key][at]["url"], "valueString": "4"}
        elif kind == "Reference":
            holder[key] = {"reference": f"{_other_target(profile, row, names.split('|'))}/1"}
        else:
            del holder[key]
            holder.update(_other_choice(profile, row))

    return change


def _other_choice(profile: ProfileRows, row: ElementRow) -> Json:
    """A value of a type that R4 has for a choice and the row has not."""
    name = row.id.rpartition(".")[2].removesuffix("[x]")
    elements = [each for each in load().type(profile.type).elements if each.choice and each.name == name]
    kinds = {kind.code for element in elements for kind in element.types} or set(SAMPLES)
    other = next(each for each in SAMPLES if each not in row.types and each in kinds)
    return {name + other[0].upper() + other[1:]: SAMPLES[other]}


def _other_target(profile: ProfileRows, row: ElementRow, names: list[str]) -> str:
    """A type that R4 allows a reference to point at and the row does not."""
    elements = load().type(profile.type).elements
    types: tuple[ElementType, ...] = ()
    for name in row.id.split("."):
        types = next(element.types for element in elements if element.name == name)
        elements = next(element.children for element in elements if element.name == name)
    targets = types[0].targets
    allowed = targets if targets and "Resource" not in targets else ("Basic",)
    return next(name for name in allowed if name not in names)
