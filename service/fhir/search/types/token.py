"""token: a code, an identifier or another exact value, with or without its system.

https://hl7.org/fhir/R4/search.html#token. Codes are compared byte by byte, texts without regard to case. The system of
an element of type code is implied by its binding; it is not stored, so `parse` resolves it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from service.fhir.reference import digest_of
from service.fhir.search.bounded import bounded
from service.fhir.search.query import StringValue, TokenValue
from service.fhir.search.separators import escape, split, unescape
from service.fhir.search.types.search_type import SearchType, refused
from service.fhir.search.types.string import folded
from service.fhir.search.types.string import parse as parse_string

if TYPE_CHECKING:
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.types.search_type import Rows, Setting

FORMS: Final = "code, system|code, |code or system| (with any | , $ or \\ inside of the parts escaped by a backslash)"

_BARE: Final = frozenset({"ContactPoint", "boolean", "uri"})
"""The data types whose tokens have no system: R4 forbids the pipe where a parameter reads nothing else."""

_INSENSITIVE: Final = frozenset({"string"})
"""The data type whose tokens R4 compares without regard to case."""

_MEDIA_TYPE: Final = UUID(int=0)
"""What stands for the system of media types, where identifiers have their type's."""

_NO_CODE: Final = ""
"""What stands in the code column of a coding without a code: no search asks for it, `:missing` counts it."""

system_digest: Final = lru_cache(maxsize=4096)(digest_of)
"""The digest of a system's URI; a deployment meets few of them, over and over."""


def parse(parameter: SearchParameter, modifier: str | None, text: str, setting: Setting) -> TokenValue | StringValue:
    """``code``, ``system|code``, ``|code`` (no system) or ``system|`` (any code); text with the modifier "text"."""
    if modifier == "text":
        return parse_string(parameter, None, text, setting)
    parts = [unescape(part) for part in split(text, "|")]
    match modifier:
        case "of-type":
            return _of_type(parameter, parts)
        case "below":
            return _below(parameter, parts)
    return _plain(parameter, parts)


def _plain(parameter: SearchParameter, parts: list[str]) -> TokenValue:
    if len(parts) > 1 and parameter.data_types <= _BARE:
        raise refused(parameter, "a value alone, without a system; a | inside of the value is escaped by a backslash")
    if parameter.data_types == _INSENSITIVE:
        parts[-1] = parts[-1].casefold()
    match parts:
        case [code] if code:
            return TokenValue(form="code", code=bounded(code))
        case ["", code] if code:
            return TokenValue(form="code-without-system", code=bounded(code))
        case [system, code] if system and parameter.systems:
            return _implied(parameter, system, code)
        case [system, ""] if system:
            return TokenValue(form="system", system=system_digest(system))
        case [system, code] if system:
            return TokenValue(form="system-and-code", system=system_digest(system), code=bounded(code))
    raise refused(parameter, FORMS)


def _implied(parameter: SearchParameter, system: str, code: str) -> TokenValue:
    """A value for elements of type code: a system that is not the element's own matches nothing."""
    codes = parameter.systems.get(system, frozenset())
    if code:
        codes &= {code}
    return TokenValue(form="any-code-of", codes=tuple(sorted(codes)))


def _of_type(parameter: SearchParameter, parts: list[str]) -> TokenValue:
    match parts:
        case [system, code, value] if system and code and value:
            return TokenValue(form="of-type", system=_type_digest(system, code), code=bounded(value))
    raise refused(parameter, "system|code|value with :of-type: the system and code of an identifier's type, its value")


def _below(parameter: SearchParameter, parts: list[str]) -> TokenValue:
    """A media type with any parameters, such as text/xml; other hierarchies are those of code systems."""
    match parts:
        case [media_type] if "/" in media_type:
            return TokenValue(form="of-type", system=_MEDIA_TYPE, code=bounded(_base(media_type)))
    raise refused(parameter, "a media type such as text/xml with :below")


def _base(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def add_media_type(value: str, source: int, rows: Rows) -> None:
    """The rows of a media type: as it is, and without its parameters under the source's further number."""
    _exact(value, source, rows)
    number = rows.further.of_type.get(source)
    if number:
        rows.token.add((number, rows.element, _MEDIA_TYPE, bounded(_base(value))))


@lru_cache(maxsize=1024)
def _type_digest(system: str, code: str) -> UUID:
    """The digest of an identifier's type; the escapes keep two types apart whatever is in their names."""
    return digest_of(f"{escape(system)}|{escape(code)}")


def _coding(coding: dict[str, Any], source: int, rows: Rows) -> None:
    system = coding.get("system")
    code = coding.get("code")
    rows.token.add(
        (source, rows.element, system_digest(system) if system else None, bounded(code) if code else _NO_CODE)
    )
    display = coding.get("display")
    if display:
        _described(display, source, rows)


def _codeable_concept(concept: dict[str, Any], source: int, rows: Rows) -> None:
    text = concept.get("text")
    if text:
        _described(text, source, rows)
    codings = concept.get("coding")
    if not codings:
        rows.token.add((source, rows.element, None, _NO_CODE))
        return
    for coding in codings:
        _coding(coding, source, rows)


def add_identifier(identifier: dict[str, Any], source: int, rows: Rows) -> None:
    """The row of an identifier alone, without those of its type."""
    system = identifier.get("system")
    value = identifier.get("value")
    rows.token.add(
        (source, rows.element, system_digest(system) if system else None, bounded(value) if value else _NO_CODE)
    )


def _identifier(identifier: dict[str, Any], source: int, rows: Rows) -> None:
    add_identifier(identifier, source, rows)
    kind = identifier.get("type")
    if kind is None:
        return
    text = kind.get("text")
    if text:
        _described(text, source, rows)
    value = identifier.get("value")
    number = rows.further.of_type.get(source)
    if value and number:
        for coding in kind.get("coding", ()):
            system, code = coding.get("system"), coding.get("code")
            if system and code:
                rows.token.add((number, rows.element, _type_digest(system, code), bounded(value)))


def _described(text: str, source: int, rows: Rows) -> None:
    """What ``:text`` finds."""
    rows.text.add((source, rows.element, folded(text)))


def _contact_point(contact_point: dict[str, Any], source: int, rows: Rows) -> None:
    value = contact_point.get("value")
    rows.token.add((source, rows.element, None, bounded(value) if value else _NO_CODE))


def _exact(value: str, source: int, rows: Rows) -> None:
    rows.token.add((source, rows.element, None, bounded(value)))


def _insensitive(value: str, source: int, rows: Rows) -> None:
    rows.token.add((source, rows.element, None, bounded(value.casefold())))


def _boolean(value: bool, source: int, rows: Rows) -> None:  # noqa: FBT001 - the value is the datum
    rows.token.add((source, rows.element, None, "true" if value else "false"))


TOKEN: Final = SearchType(
    kind="token",
    modifiers=("not", "text", "in", "not-in", "above", "below", "of-type"),
    extractors={
        "Coding": _coding,
        "CodeableConcept": _codeable_concept,
        "Identifier": _identifier,
        "ContactPoint": _contact_point,
        "boolean": _boolean,
        "code": _exact,
        "id": _exact,
        "string": _insensitive,
        "uri": _exact,
        "oid": _exact,
        "uuid": _exact,
        "canonical": _exact,
    },
    parse=parse,
)
