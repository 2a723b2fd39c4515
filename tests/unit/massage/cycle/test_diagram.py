"""The state diagrams are drawn from the rows, and the committed page is what they draw."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import service.massage.cycle
from service.massage.cycle import MACHINES
from service.massage.cycle.diagram import diagram, page
from service.massage.cycle.machine import NONE, SAME
from service.massage.cycle.tables.business_status import ALLOWED

PAGE = Path(service.massage.cycle.__file__).parent / "STATES.md"


def test_the_committed_page_is_what_the_tables_draw() -> None:
    """Draw it anew with: python -c "from service.massage.cycle.diagram import page; print(page(), end='')"."""
    assert PAGE.read_text("utf-8") == page()


@pytest.mark.parametrize("kind", MACHINES)
def test_a_diagram_has_an_arrow_for_each_step_between_states(kind: str) -> None:
    machine = MACHINES[kind]
    arrows = re.findall(r"(\S+) --> (\S+): (\S+) (.+)", diagram(machine))
    assert arrows == [
        (
            "[*]" if source == NONE else source.replace("-", "_"),
            row.target.replace("-", "_"),
            row.name,
            " / ".join(row.actors),
        )
        for row in machine.steps
        for source in row.sources
        if row.target not in {SAME, source}
    ]


@pytest.mark.parametrize("kind", MACHINES)
def test_states_with_a_hyphen_are_named_as_mermaid_takes_them(kind: str) -> None:
    machine = MACHINES[kind]
    named = dict(re.findall(r'state "(\S+)" as (\w+)', diagram(machine)))
    assert set(named) == {state for state in machine.states if "-" in state}
    assert not re.search(r"\w-\w+ -->|--> \w+-\w", diagram(machine))


def test_the_page_shows_every_machine_and_every_business_status() -> None:
    text = page()
    assert text.count("stateDiagram-v2") == len(MACHINES)
    assert all(f"| {code} |" in text for code in ALLOWED)
