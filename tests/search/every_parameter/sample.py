"""Values of R4's data types with the search values that find them, by the type of the search parameter."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from service.fhir.code_systems import UCUM
from tests.search.population import BASE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.fhir.definitions import Definitions
    from tests.search.every_parameter.place import Place

CODES = "http://codes.example.org/every"
FIRST_DAY = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A value of an element, the search values that find it, and whether other numbers may have the same value.

    `modified` are search values by modifier. `target` is the resource that a reference is to, with its content.
    """

    value: Any
    searches: tuple[str, ...]
    shared: bool = False
    modified: tuple[tuple[str, str], ...] = ()
    target: str | None = None
    target_content: Mapping[str, Any] = field(default_factory=dict)


class NoSampleError(ValueError):
    """Nobody said what a parameter of the type finds in the data type."""


def samples(definitions: Definitions, kind: str, place: Place, number: int) -> list[Sample]:
    """The samples of a number at a place that a parameter of the kind reads; none where R4 gives it nothing to find."""
    if (kind, place.type) in _NOTHING_TO_FIND:
        return []
    if kind == "token" and place.type == "code":
        return [_code(definitions, place.binding, number)]
    if kind == "reference" and place.type == "Reference":
        return [_reference(place.target or "Patient", number)]
    if kind == "reference" and place.type == "canonical":
        return [_link(place.target, number)]
    if (kind, place.type) not in _SAMPLES:
        raise NoSampleError(kind, place.type)
    return _SAMPLES[kind, place.type](number)


def _code(definitions: Definitions, binding: str | None, number: int) -> Sample:
    if binding is None:
        return _sample(f"code{number}")
    rule = definitions.code_rule(binding)
    if rule is not None:
        if rule == "language":
            return _sample(f"de-x-{number}")
        return _sample(f"text/x-{number};charset=utf-8", modified=(("below", f"text/x-{number}"),))
    codings = sorted((system, code) for system, codes in definitions.codings(binding).items() for code in codes)
    system, code = codings[number % len(codings)]
    return _sample(code, code, f"{system}|{code}", shared=True)


def _reference(target: str, number: int) -> Sample:
    literal = f"{target}/t{number}"
    searches = (literal, f"t{number}", f"{BASE}/{literal}")
    value = {"reference": literal, "identifier": {"system": CODES, "value": f"i{number}"}}
    modified = ((target, f"t{number}"), ("identifier", f"{CODES}|i{number}"))
    return Sample(value=value, searches=searches, modified=modified, target=literal)


def _sample(value: Any, *searches: str, shared: bool = False, modified: tuple[tuple[str, str], ...] = ()) -> Sample:
    return Sample(value=value, searches=searches or (str(value),), shared=shared, modified=modified)


def _shown(number: int) -> str:
    return f"Shown{number:05} As"


def _coding(number: int) -> dict[str, str]:
    return {"system": CODES, "code": f"c{number}", "display": _shown(number)}


def _identifier(number: int) -> dict[str, Any]:
    kind = {"coding": [{"system": f"{CODES}/kinds", "code": "kind"}], "text": _shown(number)}
    return {"system": CODES, "value": f"c{number}", "type": kind}


def _coded(value: Any, number: int) -> list[Sample]:
    modified = (("text", _shown(number)[:10]), ("of-type", f"{CODES}/kinds|kind|c{number}"))
    return [_sample(value, f"{CODES}|c{number}", f"c{number}", modified=modified)]


def _canonical(number: int) -> list[Sample]:
    url = f"http://canonicals.example.org/{number:05}/leaf"
    return [_sample(f"{url}|1.0", url, f"{url}|1.0", modified=_around(url))]


def _link(target: str | None, number: int) -> Sample:
    """A canonical of a version that a resource has, if there is a type that it may be to."""
    url = f"http://canonicals.example.org/{number:05}/leaf"
    return Sample(
        value=f"{url}|1.0",
        searches=(url, f"{url}|1.0"),
        modified=(("below", url), ("below", f"{url}|1"), ("below", f"{url}|1.0")),
        target=target and f"{target}/t{number}",
        target_content={"url": url, "version": "1.0"},
    )


def _plain_link(number: int) -> list[Sample]:
    url = f"http://urls.example.org/{number:05}/leaf"
    return [_sample(url, modified=(("below", url),))]


def _url(number: int) -> list[Sample]:
    url = f"http://urls.example.org/{number:05}/leaf"
    return [_sample(url, modified=_around(url))]


def _around(url: str) -> tuple[tuple[str, str], ...]:
    return (("below", url.removesuffix("/leaf")), ("above", f"{url}/below"))


def _text(number: int) -> str:
    return f"Written{number:05} Out"


def _whole(text: str) -> tuple[tuple[str, str], ...]:
    return (("exact", text), ("contains", text[1:]))


def _texts(number: int, *names: str) -> list[Sample]:
    """A sample for each part of a name or address: any of them is found."""
    several = {"given", "prefix", "suffix", "line"}
    return [
        _sample({name: [text] if name in several else text}, text.removesuffix(" Out").lower(), modified=_whole(text))
        for name in names
        if (text := f"{name}{_text(number)}")
    ]


def _day(number: int) -> str:
    return f"{FIRST_DAY + timedelta(days=number):%Y-%m-%d}"


def _on_the_day(make: Callable[[str], Any]) -> Callable[[int], list[Sample]]:
    return lambda number: [_sample(make(_day(number)), _day(number), f"eq{_day(number)}")]


def _quantity(number: int) -> dict[str, Any]:
    return {"value": number, "unit": "kg", "system": UCUM, "code": "kg"}


def _measured(make: Callable[[int], Any]) -> Callable[[int], list[Sample]]:
    return lambda number: [
        _sample(make(number), str(number), f"{number}|{UCUM}|kg", f"{number}||kg", f"{number}000|{UCUM}|g")
    ]


def _sampled(number: int) -> dict[str, Any]:
    origin = {**_quantity(0), "value": 0}
    return {"origin": origin, "period": 1, "dimensions": 1, "data": f"{number} {number}"}


_SAMPLES: dict[tuple[str, str], Callable[[int], list[Sample]]] = {
    ("token", "Coding"): lambda number: _coded(_coding(number), number),
    ("token", "CodeableConcept"): lambda number: _coded({"coding": [_coding(number)]}, number),
    ("token", "Identifier"): lambda number: _coded(_identifier(number), number),
    ("token", "ContactPoint"): lambda number: [_sample({"value": f"contact{number}"}, f"contact{number}")],
    ("token", "boolean"): lambda number: [
        _sample(number % 2 == 1, "true" if number % 2 else "false", shared=True),
    ],
    ("token", "string"): lambda number: [_sample(f"Word{number}", f"Word{number}", f"wORD{number}")],
    ("token", "id"): lambda number: [_sample(f"id{number}")],
    ("token", "uri"): _url,
    ("token", "canonical"): _url,
    ("token", "oid"): lambda number: [_sample(f"urn:oid:1.2.{number}")],
    ("reference", "uri"): _plain_link,
    ("string", "string"): lambda number: [
        _sample(_text(number), _text(number)[:12].lower(), _text(number).upper(), modified=_whole(_text(number)))
    ],
    ("string", "markdown"): lambda number: [
        _sample(_text(number), _text(number)[:12].lower(), modified=_whole(_text(number)))
    ],
    ("string", "HumanName"): lambda number: _texts(number, "family", "given", "prefix", "suffix", "text"),
    ("string", "Address"): lambda number: _texts(
        number, "line", "city", "district", "state", "postalCode", "country", "text"
    ),
    ("date", "date"): _on_the_day(lambda day: day),
    ("date", "dateTime"): _on_the_day(lambda day: f"{day}T09:30:00Z"),
    ("date", "instant"): _on_the_day(lambda day: f"{day}T09:30:00.250Z"),
    ("date", "Period"): _on_the_day(lambda day: {"start": f"{day}T09:30:00Z", "end": f"{day}T10:30:00Z"}),
    ("date", "Timing"): _on_the_day(lambda day: {"event": [f"{day}T09:30:00Z"]}),
    ("uri", "uri"): _url,
    ("uri", "url"): _url,
    ("uri", "oid"): lambda number: [_sample(f"urn:oid:1.2.{number}")],
    ("uri", "canonical"): _canonical,
    ("number", "decimal"): lambda number: [_sample(number, str(number), f"eq{number}.0")],
    ("number", "integer"): lambda number: [_sample(number)],
    ("quantity", "Quantity"): _measured(_quantity),
    ("quantity", "Age"): _measured(_quantity),
    ("quantity", "Duration"): _measured(_quantity),
    ("quantity", "Range"): _measured(lambda number: {"low": _quantity(number), "high": _quantity(number)}),
    ("quantity", "SampledData"): _measured(_sampled),
    ("quantity", "Money"): lambda number: [
        _sample({"value": number, "currency": "EUR"}, f"{number}|urn:iso:std:iso:4217|EUR")
    ],
}
"""(type of the parameter, data type) → the samples of a number."""

_NOTHING_TO_FIND = {
    ("date", "Age"),
    ("date", "Range"),
    ("date", "string"),
    ("number", "Range"),
    ("reference", "Attachment"),
    ("token", "Quantity"),
    ("token", "Range"),
    ("token", "Reference"),
}
"""Choices of elements that parameters read, but whose data types theirs does not search."""
