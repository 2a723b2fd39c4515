"""Resources with their history, made elsewhere and written at once: what was superseded was never current here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.reference import identity_of
from service.store.on_session import connection_of
from service.store.stored_content import head_of, stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.fhir.resource import Version
    from service.store.store import Session

_COLUMNS: Final = "identity, last_updated, version_id, type, id, method, content"
_OF_ROW: Final = ", ".join(f"r.{each}" for each in _COLUMNS.split(", "))
_OF_LATER: Final = ", ".join(f"v.{each}" for each in _COLUMNS.split(", "))
_WRITE: Final = f"""WITH later AS MATERIALIZED (
  SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::json[])
    AS v({_COLUMNS})),
last AS MATERIALIZED (SELECT identity, max(version_id) AS version_id FROM later GROUP BY identity),
archived AS (
  INSERT INTO resource_history ({_COLUMNS})
  SELECT {_OF_ROW} FROM resource r JOIN last l ON l.identity = r.identity
  UNION ALL
  SELECT {_OF_LATER} FROM later v JOIN last l ON l.identity = v.identity
  WHERE v.version_id < l.version_id)
UPDATE resource r SET last_updated = v.last_updated, version_id = v.version_id, method = v.method, content = v.content
FROM later v JOIN last l ON l.identity = v.identity AND l.version_id = v.version_id
WHERE r.identity = v.identity"""  # noqa: S608 - constants only


async def write_later(session: Session, versions: Sequence[Version]) -> None:
    """The versions after the first of resources whose first was just written, with the index rows of the last."""
    rows = [_row(each) for each in versions]
    if rows:
        connection = connection_of(session)
        await connection.execute(_WRITE, *(list(column) for column in zip(*rows, strict=True)))


def _row(version: Version) -> tuple[Any, ...]:
    content = version.content
    if content is not None:
        head = head_of(version.type, version.id, version.version_id, version.last_updated)
        content = stored(content, head)
    identity = identity_of(version.type, version.id)
    return identity, version.last_updated, version.version_id, version.type, version.id, version.method, content
