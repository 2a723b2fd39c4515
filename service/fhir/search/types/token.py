"""token: a code, an identifier or another exact value, with or without its system.

https://hl7.org/fhir/R4/search.html#token. Codes are compared byte by byte. The system of an element of type code is
implied by its binding; it is not stored, so `parse` resolves it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from service.fhir.reference import digest_of
from service.fhir.search.bounded import bounded
from service.fhir.search.query import TokenValue
from service.fhir.search.separators import split, unescape
from service.fhir.search.types.search_type import SearchType, refused

if TYPE_CHECKING:
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.types.search_type import Rows, Setting

FORMS: Final = "code, system|code, |code or system| (with any | , $ or \\ inside of the parts escaped by a backslash)"

_BARE: Final = frozenset({"ContactPoint", "boolean", "uri"})
"""The data types whose tokens have no system: R4 forbids the pipe where a parameter reads nothing else."""

_NO_CODE: Final = ""
"""What stands in the code column of a coding without a code: no search asks for it, `:missing` counts it."""

system_digest: Final = lru_cache(maxsize=4096)(digest_of)
"""The digest of a system's URI; a deployment meets few of them, over and over."""


def parse(parameter: SearchParameter, _modifier: str | None, text: str, _setting: Setting) -> TokenValue:
    """``code``, ``system|code``, ``|code`` (no system) or ``system|`` (any code)."""
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) > 1 and parameter.data_types <= _BARE:
        raise refused(parameter, "a value alone, without a system; a | inside of the value is escaped by a backslash")
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


def _coding(coding: dict[str, Any], source: int, rows: Rows) -> None:
    system = coding.get("system")
    code = coding.get("code")
    rows.token.add((source, 0, system_digest(system) if system else None, bounded(code) if code else _NO_CODE))


def _codeable_concept(concept: dict[str, Any], source: int, rows: Rows) -> None:
    codings = concept.get("coding")
    if not codings:
        rows.token.add((source, 0, None, _NO_CODE))
        return
    for coding in codings:
        _coding(coding, source, rows)


def _identifier(identifier: dict[str, Any], source: int, rows: Rows) -> None:
    system = identifier.get("system")
    value = identifier.get("value")
    rows.token.add((source, 0, system_digest(system) if system else None, bounded(value) if value else _NO_CODE))


def _contact_point(contact_point: dict[str, Any], source: int, rows: Rows) -> None:
    value = contact_point.get("value")
    rows.token.add((source, 0, None, bounded(value) if value else _NO_CODE))


def _text(value: str, source: int, rows: Rows) -> None:
    rows.token.add((source, 0, None, bounded(value)))


def _boolean(value: bool, source: int, rows: Rows) -> None:  # noqa: FBT001 - the value is the datum
    rows.token.add((source, 0, None, "true" if value else "false"))


TOKEN: Final = SearchType(
    kind="token",
    modifiers=("not",),
    extractors={
        "Coding": _coding,
        "CodeableConcept": _codeable_concept,
        "Identifier": _identifier,
        "ContactPoint": _contact_point,
        "boolean": _boolean,
        "code": _text,
        "id": _text,
        "string": _text,
        "uri": _text,
        "oid": _text,
        "uuid": _text,
        "canonical": _text,
    },
    parse=parse,
)
