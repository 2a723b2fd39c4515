"""Searching audit records: newest first, led by the one index that fits; what it leads to is held against the query.

Records of one moment stand together and have its time. A search looks at no more than so many of these moments before
it answers with what it has found, and says where to go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from service.fhir.audit.record import ANCHOR, opened
from service.store.on_session import connection_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from service.fhir.audit.record import Event
    from service.fhir.audit.search import EventQuery
    from service.store.store import Session


class Position(NamedTuple):
    """Where a page begins: after the record `number` of the link `link`."""

    recorded: datetime
    chain: int
    link: int
    number: int


_AT_ONCE: Final = 256
_MOST_LINKS: Final = 20_000
"""Links that one search looks at: a second or two."""
_ONE: Final = "SELECT content FROM audit_link WHERE chain = $1 AND number >= $2 ORDER BY number LIMIT 1"
_SEARCH: Final = """SELECT l.recorded, l.chain, l.number, l.content FROM {source}
WHERE {conditions} ORDER BY {lead}.recorded DESC, {lead}.chain DESC, {lead}.number DESC LIMIT {limit}"""
_BY_CLUE: Final = "audit_clue c JOIN audit_link l ON l.chain = c.chain AND l.number = c.number"

# OFFSET keeps the planner from walking along all links in their order instead
_BY_ID: Final = """(SELECT DISTINCT ON (e.chain, e.number) e.* FROM unnest({chains}::integer[], {numbers}::bigint[])
  AS w(chain, number) CROSS JOIN LATERAL (SELECT * FROM audit_link a
    WHERE a.chain = w.chain AND a.number >= w.number ORDER BY a.number LIMIT 1) e OFFSET 0) l"""


async def read_event(session: Session, chain: int, number: int) -> Event | None:
    """One record, None where there is none."""
    content = await connection_of(session).fetchval(_ONE, chain, number)
    link = None if content is None else opened(content)
    events = [] if link is None else link.events
    return next((event for event in events if event.number == number and event.record.interaction != ANCHOR), None)


async def search_events(
    session: Session, query: EventQuery, *, limit: int, after: Position | None
) -> tuple[list[Event], Position | None]:
    """Up to `limit` records, and where to go on; None where there are no more."""
    found: list[Event] = []
    at_once = min(limit + 1, _AT_ONCE)
    for _ in range(_MOST_LINKS // _AT_ONCE):
        text, arguments = _statement(query, limit=at_once, after=after)
        rows = await connection_of(session).fetch(text, *arguments)
        for position, event in _events(rows, after):
            if query.holds(event):
                if len(found) == limit:
                    return found, after
                found.append(event)
            after = position
        if len(rows) < at_once:
            return found, None
        at_once = _AT_ONCE
    return found, after


def _events(rows: Sequence[Any], after: Position | None) -> list[tuple[Position, Event]]:
    """The records of links with their positions, without those of a link that has been left off in its middle."""
    events = []
    for recorded, chain, number, content in rows:
        link = opened(content)
        for event in link.events if link else ():
            position = Position(recorded, chain, number, event.number)
            if after is None or position < after:
                events.append((position, event))
    return events


def _statement(query: EventQuery, *, limit: int, after: Position | None) -> tuple[str, list[Any]]:
    arguments: list[Any] = []

    def given(value: Any) -> str:
        arguments.append(value)
        return f"${len(arguments)}"

    lead, source, conditions = "l", "audit_link l", ["true"]
    if query.ids is not None:
        chains, numbers = zip(*query.ids, strict=True) if query.ids else ((), ())
        source = _BY_ID.format(chains=given(chains), numbers=given(numbers))
    elif query.clue is not None:
        lead, source, conditions = "c", _BY_CLUE, [f"c.clue = {given(query.clue)}"]
    for low, high in query.dates:
        conditions += [f"{lead}.recorded >= {given(low)}::timestamptz"] if low else []
        conditions += [f"{lead}.recorded < {given(high)}::timestamptz"] if high else []
    if after is not None:
        place = f"({given(after.recorded)}::timestamptz, {given(after.chain)}::integer, {given(after.link)}::bigint)"
        conditions.append(f"({lead}.recorded, {lead}.chain, {lead}.number) <= {place}")
    text = _SEARCH.format(source=source, conditions=" AND ".join(conditions), lead=lead, limit=given(limit))
    return text, arguments
