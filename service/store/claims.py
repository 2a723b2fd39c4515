"""Old claims on criteria are removed: they are of use only while units of work that have seen them are under way.

A claim that was touched within the hour stays, so whoever saw criteria without a match less than an hour ago finds the
claim of whoever has made something since. No unit takes an hour: its statements have a timeout, and it writes only
under a lease of seconds (`store.lease`). What a unit saw of a claim that is gone by then is no generation of the one
that came after it (see `store.write_statement`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.store.on_session import connection_of

if TYPE_CHECKING:
    from service.store.store import Session

BATCH: Final = 10_000

# who is about to claim is not waited for, and waits for nobody longer than it takes to remove a batch
_PRUNE: Final = """DELETE FROM criteria_claim WHERE key = ANY(ARRAY(
  SELECT key FROM criteria_claim WHERE touched_at < now() - interval '1 hour' LIMIT $1 FOR UPDATE SKIP LOCKED))"""


async def prune_claims(session: Session) -> int:
    """Remove up to `BATCH` claims that nobody has touched for an hour; how many there were."""
    told: str = await connection_of(session).execute(_PRUNE, BATCH)
    return int(told.rpartition(" ")[2])
