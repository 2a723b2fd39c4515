"""SMART scopes: read from text in both versions, written in version 2, narrowed to what a client is registered for.

https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import quote

from msgspec.structs import replace

from service.access.refusal import Refused
from service.fhir.actor import ANY_TYPE, PERMISSIONS, Scope
from service.fhir.outcome import FhirError
from service.fhir.url_encoding import parse_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.fhir.actor import Level

LONGEST_SCOPES: Final = 8192
"""Characters of a space-separated list; a token that names each of R4's types comes to about 4,000."""

_MOST_FILTERS: Final = 8
_SCOPE: Final = re.compile(
    r"(?P<level>system|user|patient)/(?P<type>\*|[A-Z][A-Za-z]{1,63})"
    r"\.(?:(?P<old>read|write|\*)|(?P<letters>c?r?u?d?s?))(?:\?(?P<filters>[\x21\x23-\x5b\x5d-\x7e]+))?"
)
_OLD: Final = {"read": "rs", "write": "cud", "*": PERMISSIONS}
"""The spellings of SMART 1, which had no filters."""


def parse_scope(text: str) -> Scope:
    """The scope that a text names; Refused with what would be accepted."""
    match = _SCOPE.fullmatch(text)
    letters = match and (match["letters"] or _OLD.get(match["old"] or ""))
    if match is None or not letters or (match["old"] and match["filters"]):
        raise Refused(
            "A scope is system, user or patient, a slash, a resource type or *, a dot and letters out of cruds in this "
            "order, such as system/Observation.rs or system/Observation.rs?category=survey."
        )
    try:
        filters = parse_query((match["filters"] or "").encode())
    except FhirError as error:
        raise Refused(f"The filters of a scope are a query string: {error.issues[0].diagnostics}") from None
    if len(filters) > _MOST_FILTERS or any(name.startswith("_") and name not in _FILTERS for name, _ in filters):
        raise Refused(f"A scope has at most {_MOST_FILTERS} filters, and of those that begin with _ only {_NAMED}.")
    if filters and match["type"] == ANY_TYPE:
        raise Refused("A scope with filters names its resource type, because each type has its own parameters.")
    return Scope(level=cast("Level", match["level"]), type=match["type"], permissions=letters, filters=filters)


_FILTERS: Final = ("_id", "_lastUpdated", "_tag", "_profile", "_security")
_NAMED: Final = ", ".join(_FILTERS)


def parse_scopes(text: str) -> tuple[Scope, ...]:
    """Every scope of a space-separated list; Refused where the list is too long or one of them is malformed."""
    _check_length(text)
    return merged(parse_scope(each) for each in text.split())


def known_scopes(text: str) -> tuple[Scope, ...]:
    """The scopes of a space-separated list that are about resources; others, such as openid, are none of ours."""
    _check_length(text)
    found = []
    for each in text.split():
        try:
            found.append(parse_scope(each))
        except Refused:
            continue
    return merged(found)


def scope_text(scopes: Iterable[Scope]) -> str:
    """The scopes as a space-separated list, in the spelling of version 2."""
    return " ".join(map(_text, scopes))


def narrowed(asked: Iterable[Scope], registered: Sequence[Scope]) -> tuple[Scope, ...]:
    """What of the scopes asked for lies within those registered: types, letters and filters of both hold together."""
    return merged(both for one in asked for other in registered if (both := _intersection(one, other)))


def merged(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    """The same permissions with one scope for each level, type and filters, in the order of their first mention.

    Filters hold together, so they are sorted; what another scope allows already is left out.
    """
    letters: dict[tuple[Level, str, tuple[tuple[str, str], ...]], set[str]] = {}
    for scope in scopes:
        filters = tuple(sorted(set(scope.filters)))
        letters.setdefault((scope.level, scope.type, filters), set()).update(scope.permissions)
    every = [
        Scope(level=level, type=name, permissions=_in_order(allowed), filters=filters)
        for (level, name, filters), allowed in letters.items()
    ]
    return tuple(scope for scope in every if not any(_covers(other, scope) for other in every))


def _intersection(asked: Scope, registered: Scope) -> Scope | None:
    letters = _in_order(set(asked.permissions) & set(registered.permissions))
    if asked.level != registered.level or not letters:
        return None
    if ANY_TYPE not in (asked.type, registered.type) and asked.type != registered.type:
        return None
    filters = asked.filters + tuple(each for each in registered.filters if each not in asked.filters)
    specific = asked.type if registered.type == ANY_TYPE else registered.type
    return replace(asked, type=specific, permissions=letters, filters=filters)


def _covers(wide: Scope, narrow: Scope) -> bool:
    """Whether a scope allows all that another one allows, and more."""
    if wide == narrow or wide.level != narrow.level or wide.type not in (ANY_TYPE, narrow.type):
        return False
    return set(narrow.permissions) <= set(wide.permissions) and set(wide.filters) <= set(narrow.filters)


def _text(scope: Scope) -> str:
    filters = "&".join(f"{quote(name, safe=':.')}={quote(value, safe=':/.,|-')}" for name, value in scope.filters)
    return f"{scope.level}/{scope.type}.{scope.permissions}" + (f"?{filters}" if filters else "")


def _in_order(letters: set[str]) -> str:
    return "".join(letter for letter in PERMISSIONS if letter in letters)


def _check_length(text: str) -> None:
    if len(text) > LONGEST_SCOPES:
        raise Refused(f"The list of scopes is longer than {LONGEST_SCOPES} characters.")
