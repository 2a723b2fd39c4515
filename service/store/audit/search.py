"""Searching audit records: newest first, one statement a page, each led by the one index that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.audit.record import ANCHOR, clue, opened

if TYPE_CHECKING:
    from datetime import datetime

    from service.fhir.audit.record import Link
    from service.fhir.audit.search import EventQuery
    from service.store.store import Session

Position = tuple["datetime", int, int]
"""Where a page begins: after the record of this moment, chain and number."""

_ONE: Final = "SELECT record FROM audit_event WHERE chain = $1 AND number = $2 AND interaction <> $3"
_SEARCH: Final = """SELECT e.recorded, e.chain, e.number, e.record FROM {source}
WHERE {conditions} ORDER BY {lead}.recorded DESC, {lead}.chain DESC, {lead}.number DESC LIMIT {limit}"""
_BY_PATIENT: Final = """audit_patient p JOIN audit_event e
  ON e.chain = p.chain AND e.number = p.number AND e.recorded = p.recorded"""

# OFFSET keeps the planner from walking along all records in their order instead
_BY_ID: Final = """(SELECT e.* FROM unnest({chains}::integer[], {numbers}::bigint[]) AS w(chain, number)
  JOIN audit_event e ON (e.chain, e.number) = (w.chain, w.number) OFFSET 0) AS e"""


async def read_event(session: Session, chain: int, number: int) -> Link | None:
    """One record, None where there is none."""
    kept = await _connection(session).fetchval(_ONE, chain, number, ANCHOR)
    return None if kept is None else opened(kept)


async def search_events(
    session: Session, query: EventQuery, *, limit: int, after: Position | None
) -> list[tuple[Position, Link]]:
    """Up to `limit` records with their positions."""
    text, arguments = _statement(query, limit=limit, after=after)
    rows = await _connection(session).fetch(text, *arguments)
    found = [((row["recorded"], row["chain"], row["number"]), opened(row["record"])) for row in rows]
    return [(position, link) for position, link in found if link is not None and query.holds(link.record)]


def _statement(query: EventQuery, *, limit: int, after: Position | None) -> tuple[str, list[Any]]:
    arguments: list[Any] = []

    def given(value: Any) -> str:
        arguments.append(value)
        return f"${len(arguments)}"

    lead = "e" if query.patient is None else "p"
    conditions = [f"e.interaction <> {given(ANCHOR)}"]
    if query.patient is not None:
        conditions.append(f"p.patient = {given(clue(f'Patient/{query.patient}'))}")
    conditions += [f"e.{column} = {given(number)}" for column, number in query.clues.items()]
    for low, high in query.dates:
        conditions += [f"{lead}.recorded >= {given(low)}::timestamptz"] if low else []
        conditions += [f"{lead}.recorded < {given(high)}::timestamptz"] if high else []
    for condition, values in (
        ("e.action = ANY({}::text[])", query.actions),
        ("e.outcome = ANY({}::smallint[])", query.outcomes),
        ("e.interaction = ANY({}::text[])", query.interactions),
        ("e.interaction = ANY({}::text[])", query.of_type),
        ("e.interaction <> ALL({}::text[])", query.not_of_type),
    ):
        conditions += [] if values is None else [condition.format(given(values))]
    if after is not None:
        recorded, chain, number = (given(each) for each in after)
        position = f"({recorded}::timestamptz, {chain}::integer, {number}::bigint)"
        conditions.append(f"({lead}.recorded, {lead}.chain, {lead}.number) < {position}")
    source = "audit_event e" if query.patient is None else _BY_PATIENT
    if query.ids is not None and query.patient is None:
        source = _BY_ID.format(
            chains=given([each[0] for each in query.ids]), numbers=given([each[1] for each in query.ids])
        )
    text = _SEARCH.format(source=source, conditions=" AND ".join(conditions), lead=lead, limit=given(limit))
    return text, arguments


def _connection(session: Session) -> Any:
    return session._connection  # noqa: SLF001 - the statements of a session, in a module of their own
