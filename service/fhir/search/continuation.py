"""Links between the pages of a search: the whole search, sealed together with where the page begins.

The links carry no values: a search that was sent by POST, so that a name stays out of URLs and logs, would have it in
the URL of its next page otherwise. Only how the page is written (``_format``, ``_pretty``) stands beside the cursor.
https://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir import codec
from service.fhir.outcome import failure
from service.fhir.search import cursor
from service.fhir.search.cursor import Position
from service.fhir.search.result_parameters import FORM, NOISE
from service.fhir.url_encoding import encode_query

if TYPE_CHECKING:
    from service.fhir.interaction import Parameters
    from service.fhir.search.query import Query

_CURSOR: Final = "_cursor"
_WRITTEN: Final = ("_format", "_pretty")


class Continuation(Struct, frozen=True, kw_only=True):
    """A search without its cursor, and where its page begins: at `position`, or with the first match (None).

    `cursor` is the text that was sent, for the link to the page itself.
    """

    parameters: Parameters
    position: Position | None = None
    cursor: str | None = None


def page_query(query: Query, position: Position | None, secret: bytes, *, address: str, asker: str = "") -> str:
    """The query part of the link to the page of a search that begins at the position.

    `address` is the path that is searched, without the base, and `asker` for whom: a cursor is good for no other. It
    would tell somebody else what was asked, and where among what he has himself the page begins.
    """
    values, backwards = (list(position.values), position.backwards) if position else (None, False)
    sealed = cursor.seal([query.applied, values, backwards], secret, _scope(address, asker))
    written = [pair for pair in query.applied if pair[0] in _WRITTEN]
    link = f"{_CURSOR}={sealed}"  # URL-safe as it is
    return f"{encode_query(written)}&{link}" if written else link


def continued(parameters: Parameters, secret: bytes, *, address: str, asker: str = "") -> Continuation:
    """The search that the parameters ask for, or that their cursor goes on with.

    What says how a page is returned, such as ``_count``, may change on the way. FhirError cursor-invalid for cursors of
    other searches, parameter-value for several cursors.
    """
    sent = [value for name, value in parameters if name == _CURSOR]
    if not sent:
        return Continuation(parameters=parameters)
    if len(sent) > 1:
        raise failure("parameter-value", "_cursor is given once.", "http._cursor")
    applied, values, backwards = cursor.open(sent[0], secret, _scope(address, asker))
    sealed = [(name, value) for name, value in applied]
    beside = [pair for pair in parameters if _code(pair) not in {_CURSOR, *NOISE}]
    changed = {_code(pair) for pair in beside if _code(pair) in FORM}
    criteria = [pair for pair in beside if _code(pair) not in FORM]
    if criteria and sorted(criteria) != sorted(pair for pair in sealed if _code(pair) not in FORM):
        raise cursor.invalid()
    kept = [pair for pair in sealed if _code(pair) not in changed]
    return Continuation(
        parameters=(*kept, *(pair for pair in beside if _code(pair) in changed)),
        position=None if values is None else Position(values=tuple(values), backwards=backwards),
        cursor=sent[0],
    )


def _code(pair: tuple[str, str]) -> str:
    return pair[0].partition(":")[0]


def _scope(address: str, asker: str) -> str:
    return codec.encode(["page", address, asker]).decode()
