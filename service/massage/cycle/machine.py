"""A life cycle as data: the states of one kind of resource and the steps between them, one row each.

Every name in a row (actor, guard, effect) is looked up in a table of its own; a test looks all of them up. A step that
is in no row is not allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

NONE: Final = "∅"
"""The state of what does not exist yet."""

SAME: Final = "="
"""As a row's target: the state stays, other elements change."""

Actor = Literal["referrer", "clinic", "patient", "system", "administrator", "author", "addressee"]
"""A role in the episode, or the relation to the very task that changes: who asked for it, whom it asks."""


class Step(Struct, frozen=True, kw_only=True):
    """One row: from any of `sources` to `target`, by any of `actors`, if all `guards` hold, with `effects`.

    `business` lists the business statuses that a Task may have then, first the one that the service sets if the client
    says none; empty where it is derived from the visits, or the kind has none. `instead` says what a party that may not
    take the step should do.
    """

    name: str
    sources: tuple[str, ...]
    target: str
    actors: tuple[Actor, ...]
    guards: tuple[str, ...]
    effects: tuple[str, ...]
    business: tuple[str, ...]
    instead: str

    def leads(self, source: str, target: str) -> bool:
        """Whether the row covers a change from the state `source` to the state `target`."""
        return source in self.sources and (self.target == target or (self.target == SAME and source == target))


class Bar(Struct, frozen=True, kw_only=True):
    """A step that exists, but is refused to an actor as a matter of order rather than of rights."""

    sources: tuple[str, ...]
    target: str
    actor: Actor
    text: str


class Machine(Struct, frozen=True, kw_only=True):
    """The life cycle of one kind of resource; `element` holds its state."""

    kind: str
    type: str
    element: str
    title: str
    terminal: tuple[str, ...]
    steps: tuple[Step, ...]
    bars: tuple[Bar, ...] = ()

    def rows(self, source: str, target: str) -> tuple[Step, ...]:
        """The rows that cover a change of state, or a change within one."""
        return tuple(step for step in self.steps if step.leads(source, target))

    def onwards(self, source: str, actors: Iterable[str]) -> tuple[str, ...]:
        """The other states that may follow `source` by the hand of any of the actors, in the order of the rows."""
        mine = frozenset(actors)
        rows = (step for step in self.steps if source in step.sources and mine & set(step.actors))
        return tuple(dict.fromkeys(step.target for step in rows if step.target not in {SAME, source}))

    def barred(self, source: str, target: str, actors: Iterable[str]) -> str | None:
        """Why the step is refused to these actors although others may take it."""
        mine = frozenset(actors)
        found = (bar for bar in self.bars if source in bar.sources and bar.target == target and bar.actor in mine)
        return next((bar.text for bar in found), None)

    @property
    def states(self) -> tuple[str, ...]:
        """Every state that a row names, in the order of the rows."""
        named = (state for step in self.steps for state in (*step.sources, step.target))
        return tuple(dict.fromkeys(state for state in named if state not in {NONE, SAME}))


def step(
    name: str,
    sources: str,
    target: str,
    *,
    by: str,
    guards: str = "",
    effects: str = "",
    business: str = "",
    instead: str = "",
) -> Step:
    """A row of a table, written with blanks between the names."""
    return Step(
        name=name,
        sources=tuple(sources.split()),
        target=target,
        actors=tuple(by.split()),  # type: ignore[arg-type]  # names in a table; a test looks each of them up
        guards=tuple(guards.split()),
        effects=tuple(effects.split()),
        business=tuple(business.split()),
        instead=instead,
    )


def bar(sources: str, target: str, *, to: Actor, text: str) -> Bar:
    """A row of a table of bars."""
    return Bar(sources=tuple(sources.split()), target=target, actor=to, text=text)
