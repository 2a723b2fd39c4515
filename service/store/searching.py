"""Searches outside of any unit of work: those of one moment and of one shape share a statement, whoever asks.

Each finds what he finds alone: who sees what is an argument like others. Only what takes little time goes together, and
no more at once than take a moment by what they took lately, so that nobody waits long for the sake of others. A
statement for several that is refused, or takes too long, is given up, and each of them is served by itself.
"""

from __future__ import annotations

import asyncio
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from msgspec import Struct

from service.fhir.outcome import FhirError
from service.fhir.search.seen import within_sight
from service.store.found import found_columns, found_in
from service.store.search import compile_search
from service.store.search.shared import shared
from service.store.together import Together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from service.fhir.search.cursor import Position
    from service.fhir.search.query import Include, Query
    from service.fhir.sight import Sight
    from service.store.found import Found
    from service.store.pool import Pool
    from service.store.search import Statement
    from service.store.session import Session

_MOST_TOGETHER: Final = 16
_STATEMENTS: Final = 2
_MOMENT_SECONDS: Final = 0.004
"""About as long as a statement for several takes at most, and as one is waited for by those that come meanwhile."""
_QUIET_ROUNDS: Final = 8
"""Of the event loop, in which those who were answered together come back: an answer takes as long as a statement."""
_LONGEST_SECONDS: Final = 0.25
"""After so long a statement for several is given up: something in it takes far longer than the like did lately."""
_SLOWER: Final = 1 / 16
"""The part that a slower statement has in what is known of its kind; a quicker one tells at once what is possible."""
_MOST_KINDS: Final = 512


def page_statement(query: Query, sight: Sight | None, limit: int, position: Position | None) -> Statement:
    """Up to `limit` matches beyond the position, within the sight; FhirError as of `compile_search`."""
    query = within_sight(query, sight)
    if position is None:
        return compile_search(query, limit=limit)
    return compile_search(query, limit=limit, after=position.values, backwards=position.backwards)


class Searches:
    """Pages of searches on connections of the pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._kinds: dict[tuple[Any, ...], _Kind] = {}

    async def find(self, statement: Statement) -> list[Found]:
        """What a statement of `compile_search` finds."""
        lists = [tuple(each) for each in statement.arguments if type(each) is list]
        key = (statement.text, *lists)
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            kind = self._kinds[key] = _Kind(self._pool, statement)
        return await kind.find(statement.arguments)


class _Asked(Struct):
    """The arguments of a search, and what came of it."""

    arguments: tuple[Any, ...]
    found: list[Found] = []
    error: Exception | None = None


class _Kind:
    """Searches of one text with the same lists of values."""

    def __init__(self, pool: Pool, statement: Statement) -> None:
        self._pool = pool
        self._text, self._sorts = statement.text, statement.sorts
        self._seconds = inf
        self._under_way = 0
        self._together: Together[_Asked] | None = None

    async def find(self, arguments: tuple[Any, ...]) -> list[Found]:
        """What the search with these arguments finds."""
        asked = _Asked(arguments)
        if self._most() == 1:
            await self._serve_one(asked)
        else:
            if self._together is None:
                self._together = Together(
                    self._serve,
                    patience_seconds=self._pool.acquire_timeout_seconds,
                    most_at_once=_MOST_TOGETHER,
                    statements=_STATEMENTS,
                    expected=lambda: _MOST_TOGETHER if self._under_way else 0,
                    moment_seconds=_MOMENT_SECONDS,
                    quiet_rounds=_QUIET_ROUNDS,
                )
            await self._together.add(asked)
        if asked.error is not None:
            raise asked.error
        return asked.found

    def _most(self) -> int:
        """How many of them take a moment."""
        return max(1, min(_MOST_TOGETHER, int(_MOMENT_SECONDS / self._seconds)))

    def _learn(self, seconds: float) -> None:
        slower = seconds - self._seconds
        self._seconds = seconds if slower < 0 else self._seconds + _SLOWER * slower

    async def _serve(self, group: Sequence[_Asked]) -> None:
        self._under_way += 1
        try:
            most = self._most()
            parts = [group[each : each + most] for each in range(0, len(group), most)]
            if len(parts) == 1:
                await self._serve_part(group)
            else:
                await asyncio.gather(*map(self._serve_part, parts))
        finally:
            self._under_way -= 1
            if self._together is not None:
                self._together.notice()

    async def _serve_part(self, part: Sequence[_Asked]) -> None:
        """Serve those that go together, each by itself where that fails; each is told what became of its own."""
        try:
            if len(part) > 1 and await self._serve_several(part):
                return
        except FhirError as error:  # of the pool: none of them gets a connection
            for each in part:
                each.error = error
            return
        await asyncio.gather(*map(self._serve_or_tell, part))

    async def _serve_several(self, part: Sequence[_Asked]) -> bool:
        statement = shared(self._text, self._sorts)
        arguments = statement.arguments([each.arguments for each in part])
        async with self._pool.acquire() as connection:
            began = perf_counter()
            try:
                rows = await connection.fetch(statement.text, *arguments, timeout=_LONGEST_SECONDS)
            except (asyncpg.PostgresError, TimeoutError):
                return False
            finally:
                self._learn((perf_counter() - began) / len(part))
        for place, *columns in rows:
            part[place].found = found_columns(columns)
        return True

    async def _serve_or_tell(self, asked: _Asked) -> None:
        try:
            await self._serve_one(asked)
        except Exception as error:  # noqa: BLE001 - who asked is told, whatever it is
            asked.error = error

    async def _serve_one(self, asked: _Asked) -> None:
        async with self._pool.acquire() as connection:
            began = perf_counter()
            try:
                rows = await connection.fetch(self._text, *asked.arguments)
            finally:
                self._learn(perf_counter() - began)
        asked.found = found_in(rows)


class Searching:
    """What searches ask for within a sight: pages together with others, all else on connections of its own."""

    __slots__ = ("_searches", "_session", "_sight")

    def __init__(
        self, searches: Searches, session: Callable[[], AbstractAsyncContextManager[Session]], sight: Sight | None
    ) -> None:
        self._searches = searches
        self._session = session
        self._sight = sight

    async def search(self, query: Query, *, limit: int, position: Position | None = None) -> list[Found]:
        """See `Session.search`."""
        return await self._searches.find(page_statement(query, self._sight, limit, position))

    async def included(
        self, includes: Sequence[Include], keys: Sequence[int], *, references: Sequence[int], limit: int, depth: int
    ) -> list[Found]:
        """See `Session.included`."""
        async with self._session() as session:
            return await session.included(includes, keys, references=references, limit=limit, depth=depth)

    async def explain(self, query: Query) -> str:
        """See `Session.explain`."""
        async with self._session() as session:
            return await session.explain(query)

    async def count(self, query: Query) -> int:
        """See `Session.count`."""
        async with self._session() as session:
            return await session.count(query)
