"""Searches outside of any unit of work: those of one moment and of one shape share a statement, whoever asks.

Each finds what he finds alone: who sees what is an argument like others. Only what takes little time goes together, and
no more at once than take a moment by what they took lately, so that nobody waits long for the sake of others. A
statement for several that is refused, or takes too long, is given up, and each of them is served by itself.
"""

from __future__ import annotations

import asyncio
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg
from msgspec import Struct

from service.fhir.outcome import FhirError
from service.fhir.search.seen import within_sight
from service.store.found import found_columns, found_in
from service.store.search import compile_search
from service.store.search.shared import shared
from service.store.together import Company, Together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from service.fhir.search.cursor import Position
    from service.fhir.search.query import Include, Query
    from service.fhir.sight import Sight
    from service.store.defined import Defined
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


class _GivenUpError(Exception):
    """A statement for several was refused, or took too long."""


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
    """The arguments of a search, and what came of it together with others: nothing where it is left to itself."""

    arguments: tuple[Any, ...]
    found: list[Found] | None = None
    error: Exception | None = None


class _Kind:
    """Searches of one text with the same lists of values."""

    def __init__(self, pool: Pool, statement: Statement) -> None:
        self._pool = pool
        self._text, self._sorts = statement.text, statement.sorts
        self._seconds = inf
        self._together: Together[_Asked] = Together(
            self._serve,
            patience_seconds=pool.acquire_timeout_seconds,
            most_at_once=_MOST_TOGETHER,
            statements=_STATEMENTS,
            company=Company(moment_seconds=_MOMENT_SECONDS, quiet_rounds=_QUIET_ROUNDS),
        )

    async def find(self, arguments: tuple[Any, ...]) -> list[Found]:
        """What the search with these arguments finds."""
        if self._most() > 1:
            asked = _Asked(arguments)
            await self._together.add(asked)
            if asked.error is not None:
                raise asked.error
            if asked.found is not None:
                return asked.found
        # however long it takes, nobody else waits for it for longer than a moment
        return found_in(await self._rows(self._text, arguments, 1))

    def _most(self) -> int:
        """How many of them take a moment."""
        return max(1, min(_MOST_TOGETHER, int(_MOMENT_SECONDS / self._seconds)))

    async def _serve(self, group: Sequence[_Asked]) -> None:
        most = self._most()
        parts = [group[each : each + most] for each in range(0, len(group), most)]
        several = [self._serve_several(part) for part in parts if len(part) > 1]
        if len(several) == 1:
            await several[0]
        elif several:
            await asyncio.gather(*several)

    async def _serve_several(self, part: Sequence[_Asked]) -> None:
        """Serve those that go together, or leave each to itself."""
        statement = shared(self._text, self._sorts)
        arguments = statement.arguments([each.arguments for each in part])
        try:
            rows = await self._rows(statement.text, arguments, len(part), at_most_seconds=_LONGEST_SECONDS)
        except _GivenUpError:
            return
        except FhirError as error:  # of the pool: none of them gets a connection
            for each in part:
                each.error = error
            return
        for place, *columns in rows:
            part[place].found = found_columns(columns)

    async def _rows(
        self, text: str, arguments: Sequence[Any], searches: int, *, at_most_seconds: float | None = None
    ) -> list[Any]:
        """The rows of a statement for so many searches; one that may be given up raises `_GivenUpError` if refused."""
        with self._together.under_way():
            async with self._pool.acquire() as connection:
                began = perf_counter()
                try:
                    rows: list[Any] = await connection.fetch(text, *arguments, timeout=at_most_seconds)
                except TimeoutError as error:
                    self._learn((perf_counter() - began) / searches)
                    raise _GivenUpError from error
                except asyncpg.PostgresError as error:
                    if at_most_seconds is None:
                        raise
                    raise _GivenUpError from error
                self._learn((perf_counter() - began) / searches)
                return rows

    def _learn(self, seconds: float) -> None:
        """Keep in mind what a search took."""
        slower = seconds - self._seconds
        self._seconds = seconds if slower < 0 else self._seconds + _SLOWER * slower


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

    async def defined(self, urls: Sequence[str], *, sources: Sequence[int]) -> list[Defined]:
        """See `Session.defined`."""
        async with self._session() as session:
            return await session.defined(urls, sources=sources)

    async def included(
        self,
        includes: Sequence[Include],
        keys: Sequence[int],
        *,
        references: Sequence[int],
        limit: int,
        depth: int,
        types: Sequence[str] | None = None,
    ) -> list[Found]:
        """See `Session.included`."""
        async with self._session() as session:
            return await session.included(includes, keys, references=references, limit=limit, depth=depth, types=types)

    async def explain(self, query: Query) -> str:
        """See `Session.explain`."""
        async with self._session() as session:
            return await session.explain(query)

    async def count(self, query: Query) -> int:
        """See `Session.count`."""
        async with self._session() as session:
            return await session.count(query)


Searchable: TypeAlias = "Session | Searching"
"""What a search may be put to: a session, or the store outside of any."""
