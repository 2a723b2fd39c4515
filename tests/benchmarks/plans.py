"""The plans of what the service really sends for a search, on the database that it is measured on."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl

from service.assembly import assemble, compile_standard
from service.fhir.interaction import Context, Search
from service.interactions.current import CurrentParts
from service.interactions.perform import Engine
from service.settings import Settings
from service.store.pool import Pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import asyncpg

    from tests.benchmarks.questions import Question

_OURS: Final = re.compile(r"(FROM|JOIN) (resource|index_)")
"""Not what the client library asks the catalogue about types."""
_LOGGED_SECONDS: Final = 0.02
"""Loggers hear of a statement after whoever sent it."""
_NODE: Final = re.compile(r"Seq Scan on (\w+)")
CURSOR_SECRET: Final = "a cursor secret of the benchmarks alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plans of a question's statements, and the tables that they read from end to end."""

    question: str
    text: str
    scanned: tuple[str, ...]


async def plans_of(database_url: str, questions: Sequence[Question]) -> AsyncIterator[Plan]:
    """The plan of the first target of every question."""
    settings = Settings(database_url=cast("Any", database_url), cursor_secret=cast("Any", CURSOR_SECRET))
    pool = Pool(database_url, min_size=1, max_size=1)
    engine = Engine(CurrentParts(assemble(settings, compile_standard(), pool, CURSOR_SECRET)), {})
    context = Context(base="http://localhost/fhir", request_id="plans", received_at=datetime.now(UTC))
    sent: list[asyncpg.connect_utils.LoggedQuery] = []
    async with pool.acquire() as connection:
        connection.add_query_logger(sent.append)
    try:
        for question in questions:
            path, _, query = question.targets[0].removeprefix("/fhir/").partition("?")
            await asyncio.sleep(_LOGGED_SECONDS)
            sent.clear()
            await engine.perform(Search(type=path, parameters=tuple(parse_qsl(query))), context)
            await asyncio.sleep(_LOGGED_SECONDS)
            texts = [await _plan(connection, one) for one in list(sent) if _OURS.search(one.query)]
            text = "\n\n".join(texts)
            yield Plan(question=question.name, text=text, scanned=tuple(sorted(set(_NODE.findall(text)))))
    finally:
        await pool.close()


async def _plan(connection: asyncpg.Connection[Any], sent: asyncpg.connect_utils.LoggedQuery) -> str:
    """The plan for all values, which is the one that the service uses."""
    values = ", ".join("NULL" for _ in sent.args)
    await connection.execute(f"PREPARE planned AS {sent.query}")
    rows = await connection.fetch(f"EXPLAIN EXECUTE planned({values})" if values else "EXPLAIN EXECUTE planned")
    await connection.execute("DEALLOCATE planned")
    return "\n".join(row[0] for row in rows)
