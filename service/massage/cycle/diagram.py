"""The life cycles drawn from their rows: state diagrams in Mermaid, and the page STATES.md that shows them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.massage.cycle.guards import GUARDS
from service.massage.cycle.machine import NONE, SAME
from service.massage.cycle.tables import MACHINES
from service.massage.cycle.tables.business_status import ALLOWED
from service.massage.cycle.tables.fixed import FIXED
from service.massage.cycle.tables.ownership import OWNERSHIP
from service.massage.cycle.tables.status_reason import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.massage.cycle.machine import Machine, Step
    from service.massage.cycle.tables.fixed import Fixed
    from service.massage.cycle.tables.ownership import Ownership

_OUTSIDE: Final = "[*]"
_ABOUT: Final = """\
Drawn from the tables in `service/massage/cycle/tables`; a test compares. A step that is not drawn is refused with the
present state and the steps that are allowed from it. `author` and `addressee` are who asked and who is asked.
"""


def diagram(machine: Machine) -> str:
    """A life cycle as a Mermaid stateDiagram-v2; each arrow says the row and who may take it."""
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{state}" as {_name(state)}' for state in machine.states if "-" in state]
    for step in machine.steps:
        for source in step.sources:
            if step.target not in {SAME, source}:
                lines.append(f"    {_name(source)} --> {_name(step.target)}: {step.name} {' / '.join(step.actors)}")
    lines += [f"    {_name(state)} --> {_OUTSIDE}" for state in machine.terminal]
    return "\n".join(lines)


def page() -> str:
    """STATES.md: of each life cycle its diagram and its rows, then the other tables."""
    parts = ["# The life cycles of the referral loop\n", _ABOUT]
    for machine in MACHINES.values():
        parts.append(f"## {machine.title}\n")
        parts.append(f"```mermaid\n{diagram(machine)}\n```\n")
        parts.append(_table(("row", "from", "to", "by", "only if", "then"), map(_row, machine.steps)))
    parts += _other_tables()
    return "\n".join(parts)


def _other_tables() -> list[str]:
    return [
        "## Business status beside status (Task)\n",
        _table(("businessStatus", "status"), ((code, _sorted(statuses)) for code, statuses in ALLOWED.items())),
        "## Reasons for a status (Task.statusReason)\n",
        _table(("reason", "status"), ((code, _sorted(statuses)) for code, statuses in REASONS.items())),
        "## Who may create and change\n",
        _table(("kind", "who", "creates", "changes"), map(_owner, OWNERSHIP)),
        "## What may not change\n",
        _table(("kind", "element"), map(_fixed, FIXED)),
    ]


def _row(step: Step) -> tuple[str, ...]:
    guards = "; ".join(GUARDS[name].meaning for name in step.guards)
    effects = ", ".join(step.effects)
    target = "the same" if step.target == SAME else step.target
    return step.name, ", ".join(step.sources), target, ", ".join(step.actors), guards, effects


def _owner(row: Ownership) -> tuple[str, ...]:
    changes = "all" if "*" in row.fields else _sorted(row.fields)
    return row.kind, row.actor, "yes" if row.create else "", changes


def _fixed(row: Fixed) -> tuple[str, ...]:
    element = f"{row.element} of type {row.type_code}" if row.type_code else row.element
    return row.kind, f"{element}, once set" if row.once else element


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _sorted(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _name(state: str) -> str:
    return _OUTSIDE if state == NONE else state.replace("-", "_")
