"""What arrives at the same time goes together: one statement, one round trip, and for what is written one commit.

Creates do, reads of one resource, and the audit records of what writes nothing. Who finds nobody at it is served at
once. Those that arrive meanwhile wait, and the next statement takes all of them; so a busy worker serves a handful at
the price of two or three. A write is acknowledged after the commit that it is part of.

Little is delayed in the hope of company. Where there was some the last time, it is likely to come back: who is served
together answers together. Then the first one waits until the event loop comes round with nobody else; where answers
take the worker some time, several times, because those who got them are back no sooner. Where others are known to be
about to come, it waits for half of them, a moment at most. The other half are what the worker does while that commit
waits for the disk, and may then be written beside it.

Writes wait for all that have just been answered, a moment at most: a client that sends one after the other is back by
then. Otherwise those who came apart once would stay apart, seven and one by turns, at the price of two commits.

The members of a group do not depend on each other. Should the database refuse a group all the same, its members are
served one by one, so that none fails for the sake of another. Who waits longer than for a connection is refused in the
same way, with nothing done. Those that cannot be written without waiting for somebody else are left out, and told so by
a `Conflict`.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import asyncpg
from msgspec import Struct

from service.fhir.outcome import failure
from service.store.change import Conflict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence

    from service.fhir.outcome import FhirError

T = TypeVar("T")

_FEW: Final = 4
"""For fewer a commit of their own costs more than it saves to begin with it early."""


class _Waiting(Struct, Generic[T], frozen=True):
    item: T
    served: asyncio.Future[None]
    deadline: float


class Company(Struct, frozen=True, kw_only=True):
    """For whom a statement is held back: `moment_seconds` at most for those who are known to be about to come.

    Where there was company, the event loop comes round `quiet_rounds` times with nobody else before the next statement,
    and who has just been answered may take `return_seconds` to come back.
    """

    moment_seconds: float = 0.0
    quiet_rounds: int = 1
    return_seconds: float = 0.0


class Together(Generic[T]):
    """Serves by `serve`, `most_at_once` in one of `statements` at a time.

    It serves all that it is given or raises; where it returns positions, all but what stands there.
    Nobody waits longer than `patience_seconds` for their own to be begun with, nor behind `most_waiting` others.
    `expected` counts those who are about to come, and `notice` is called when there are fewer. Without it they are a
    whole group as long as a statement is `under_way`.
    """

    def __init__(
        self,
        serve: Callable[[Sequence[T]], Awaitable[Collection[int] | None]],
        *,
        patience_seconds: float,
        most_at_once: int,
        most_waiting: int = 1000,
        statements: int = 1,
        expected: Callable[[], int] | None = None,
        company: Company = Company(),  # noqa: B008 - immutable
    ) -> None:
        self._serve = serve
        self._patience_seconds = patience_seconds
        self._most_at_once = most_at_once
        self._most_waiting = most_waiting
        self._waiting: list[_Waiting[T]] = []
        self._statements = statements
        self._serving = 0
        self._under_way = 0
        self._expected = expected or self._coming_back
        self._company = company
        self._answered = 0
        self._awaited_until = 0.0
        self._gathering: asyncio.Future[None] | None = None
        self._rests: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._had_company = False
        self._is_coming_round = False

    async def add(self, item: T) -> None:
        """Return when it is served; raises what `serve` does, and FhirError busy."""
        is_first = not self._serving and not self._waiting and not self._expected()
        if is_first and not self._had_company:
            await self._serve_alone(item)
            return
        turn = self._turn(item)
        self._answered = max(0, self._answered - 1)
        if self._gathering is not None:
            self.notice()
        elif self._serving < self._statements and not self._is_coming_round:
            self._begin()
        await turn

    async def _serve_alone(self, item: T) -> None:
        self._serving += 1
        try:
            if await self._serve([item]):
                raise Conflict
        finally:
            self._serving -= 1
            if self._waiting and self._gathering is None:
                # nobody who has been served, or has left, works for the others
                self._begin()

    def _begin(self) -> None:
        """Have those who wait served by a task of its own."""
        self._serving += 1
        self._is_coming_round = self._had_company
        rest = asyncio.get_running_loop().create_task(self._serve_waiting())
        self._rests.add(rest)
        rest.add_done_callback(self._rests.discard)

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """For the length of a statement: whom it answers are about to come back."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self.notice()

    def _coming_back(self) -> int:
        return self._most_at_once if self._under_way else 0

    def notice(self) -> None:
        """Begin at once if enough have come."""
        if self._gathering is not None and self._is_enough():
            _resolve(self._gathering)

    def _is_enough(self) -> bool:
        """Whether who waits need not wait for company: there are as many of them as are still to come, or a few.

        Of those who have been answered all are to come.
        """
        coming, come = self._expected(), len(self._waiting)
        if self._answered:
            return come >= self._most_at_once
        return not coming or come >= min(max(coming, _FEW), self._most_at_once)

    async def _come_round(self) -> None:
        """Return when the event loop has come round with nobody else, as often as it has to."""
        rounds, come = self._company.quiet_rounds, len(self._waiting)
        try:
            while rounds and 0 < come < self._most_at_once:
                await asyncio.sleep(0)
                rounds = rounds - 1 if come == len(self._waiting) else self._company.quiet_rounds
                come = len(self._waiting)
        finally:
            self._is_coming_round = False

    async def _gather(self) -> None:
        """Return when enough have come, or the moment is over."""
        loop = asyncio.get_running_loop()
        if self._awaited_until <= loop.time():
            self._answered = 0
        if self._is_enough():
            return
        gathering = self._gathering = loop.create_future()
        until = self._awaited_until if self._answered else loop.time() + self._company.moment_seconds
        timer = loop.call_at(until, _resolve, gathering)
        try:
            await gathering
        finally:
            timer.cancel()
            self._gathering = None

    def _await_back(self, answered: int) -> None:
        """Expect those who have been answered together to come back, or one where others are waiting for him."""
        if self._company.return_seconds and (answered > 1 or self._waiting):
            self._answered = answered
            self._awaited_until = asyncio.get_running_loop().time() + self._company.return_seconds

    def _turn(self, item: T) -> asyncio.Future[None]:
        if len(self._waiting) >= self._most_waiting:
            raise _busy()
        loop = asyncio.get_running_loop()
        waiting = _Waiting(item, loop.create_future(), loop.time() + self._patience_seconds)
        self._waiting.append(waiting)
        if self._timer is None:
            self._timer = loop.call_at(waiting.deadline, self._refuse_late)
        return waiting.served

    def _refuse_late(self) -> None:
        """Refuse who has waited too long, and look again when the next one will have."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        late = [each for each in self._waiting if each.deadline <= now]
        del self._waiting[: len(late)]
        if late:
            _settle(late, _busy())
        first = next(iter(self._waiting), None)
        self._timer = None if first is None else loop.call_at(first.deadline, self._refuse_late)

    async def _serve_waiting(self) -> None:
        try:
            if self._is_coming_round:
                await self._come_round()
            while self._waiting and self._gathering is None:
                await self._gather()
                if self._had_company and self._company.quiet_rounds > 1:
                    self._is_coming_round = True
                    await self._come_round()
                group = [each for each in self._waiting[: self._most_at_once] if not each.served.done()]
                del self._waiting[: self._most_at_once]
                await self._serve_group(group)
                self._await_back(len(group))
        except BaseException:
            for left in self._waiting:  # by a service that is stopping
                left.served.cancel()
            self._waiting.clear()
            raise
        finally:
            self._serving -= 1

    async def _serve_group(self, group: Sequence[_Waiting[T]]) -> None:
        if not group:
            return
        self._had_company = len(group) > 1
        try:
            left = await self._serve([each.item for each in group]) or ()
        except (asyncpg.PostgresError, Conflict) as error:
            if len(group) == 1:
                _settle(group, error)
                return
            for each in group:
                await self._serve_group([each])
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
            _settle(group, error)
        else:
            _settle([each for place, each in enumerate(group) if place not in left], None)
            _settle([group[place] for place in left], Conflict())


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _busy() -> FhirError:
    return failure("busy", "Others are being served; send the request again.", retry_after_seconds=1)


def _settle(group: Sequence[_Waiting[Any]], error: Exception | None) -> None:
    for each in group:
        if each.served.done():  # cancelled: the client has left
            continue
        if error is None:
            each.served.set_result(None)
        else:
            each.served.set_exception(error)
