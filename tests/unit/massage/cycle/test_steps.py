"""Every row of every life cycle, by tests made from the rows: who may take it, what stops it, what is not in a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from service.fhir.definitions import load
from service.massage.cycle import MACHINES, examination
from service.massage.cycle.effects import EFFECTS
from service.massage.cycle.guards import GUARDS
from service.massage.cycle.machine import NONE, SAME
from service.massage.cycle.tables.business_status import ALLOWED, DEFAULTS, allowed_with
from tests.builders import loop
from tests.builders.loop import PARTIES, World, business, business_of, consistent
from tests.builders.reminder import reminder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir.resource import Content
    from service.massage.cycle import Party
    from service.massage.cycle.machine import Machine, Step

BUILDERS: dict[str, Any] = {
    "Referral": loop.referral,
    "Task": loop.task,
    "RequestTask": loop.abort,
    "Reminder": reminder,
    "CarePlan": loop.plan,
    "Goal": loop.goal,
    "Appointment": loop.appointment,
    "Encounter": loop.encounter,
    "Procedure": loop.session,
    "DiagnosticReport": loop.report,
}
RELATIVE = {"author": loop.REFERRER, "addressee": loop.CLINIC}
CREATORS = {"Referral": "referrer", "Task": "referrer", "RequestTask": "referrer", "Reminder": "system"}
SIDES = ("referrer", "clinic", "patient", "administrator")


def resource(machine: Machine, state: str) -> Content:
    """A resource of the kind in a state."""
    elements: dict[str, Any] = {machine.element: state}
    if machine.kind == "Task" and state in DEFAULTS:
        elements["businessStatus"] = business(DEFAULTS[state])
    content: Content = BUILDERS[machine.kind](**elements)
    return content


def world_with(machine: Machine, state: str) -> World:
    """A world in which the resource is in a state, and everything around it."""
    world = World.of(*([] if machine.kind == "Referral" and state == NONE else [loop.referral()]))
    if machine.kind not in {"Referral", "Task"}:
        world.keep(loop.task(status="in-progress", businessStatus=business("visit-scheduled")))
    if state != NONE:
        world.keep(resource(machine, state))
    return world


def proposal(machine: Machine, source: str, target: str) -> Content:
    """What a client sends to take a step, or to change something within a state."""
    if source == NONE:
        content = resource(machine, target)
        content.pop("businessStatus", None)
        return content
    return resource(machine, source) | (
        {"note": [{"text": "A remark."}]} if target in {SAME, source} else {machine.element: target}
    )


def party(actor: str) -> Party:
    """Somebody who is this actor."""
    return RELATIVE.get(actor) or PARTIES[actor]


def all_steps() -> Iterator[tuple[Machine, Step, str]]:
    """Every row with each of its sources."""
    for machine in MACHINES.values():
        for row in machine.steps:
            for source in row.sources:
                yield machine, row, source


TAKEN = [
    pytest.param(machine, row, source, actor, id=f"{row.name}-{source}-{actor}")
    for machine, row, source in all_steps()
    for actor in row.actors
]
TAKEN_BY_TASKS = [
    pytest.param(machine, row, source, actor, id=f"{row.name}-{source}-{actor}")
    for machine, row, source in all_steps()
    if machine.kind == "Task"
    for actor in row.actors
]
GUARDED = [
    pytest.param(machine, row, source, guard, id=f"{row.name}-{source}-{guard}")
    for machine, row, source in all_steps()
    for guard in row.guards
]


def pairs() -> Iterator[tuple[Machine, str, str]]:
    """Every pair of states, and every creation, of every machine."""
    for machine in MACHINES.values():
        for source in (NONE, *machine.states):
            for target in machine.states:
                yield machine, source, target


def missing(machine: Machine, source: str) -> list[str]:
    """The states to which no row leads; a Task created as received, as BSeR does it, becomes requested."""
    return [
        target
        for target in machine.states
        if source != target
        and not machine.rows(source, target)
        and not machine.barred(source, target, SIDES)
        and (machine.kind, source, target) != ("Task", NONE, "received")
    ]


def foreign(machine: Machine, source: str, target: str) -> list[str]:
    """The sides that may not take a step; of a Task that asks something, who is whose side is another test's."""
    actors = {actor for row in machine.rows(source, target) for actor in row.actors}
    sides = ("administrator",) if actors & RELATIVE.keys() else SIDES
    return [side for side in sides if side not in actors and not machine.barred(source, target, {side})]


STATES = [
    pytest.param(machine, state, id=f"{machine.kind}-{state}")
    for machine in MACHINES.values()
    for state in (NONE, *machine.states)
]
PAIRS = [
    pytest.param(machine, source, target, id=f"{machine.kind}-{source}-{target}")
    for machine, source, target in pairs()
    if source != target and machine.rows(source, target) and foreign(machine, source, target)
]


@pytest.fixture
def all_guards_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "GUARDS", {name: replace(guard, broken=_holds) for name, guard in GUARDS.items()})


def _holds(_: object) -> None:
    return None


@pytest.mark.usefixtures("all_guards_hold")
@pytest.mark.parametrize("machine, row, source, actor", TAKEN)
def test_its_actors_take_the_step_when_all_guards_hold(machine: Machine, row: Step, source: str, actor: str) -> None:
    world = world_with(machine, source)
    sent = proposal(machine, source, row.target)

    verdict = world.judge(party(actor), sent)

    assert verdict.refusals == ()
    stored = world.get(f"{machine.type}/{sent['id']}")
    assert stored[machine.element] == (source if row.target == SAME else row.target)


@pytest.mark.usefixtures("all_guards_hold")
@pytest.mark.parametrize("machine, row, source, actor", TAKEN_BY_TASKS)
def test_a_task_has_a_fitting_business_status_after_every_step(
    machine: Machine, row: Step, source: str, actor: str
) -> None:
    world = world_with(machine, source)

    world.judge(party(actor), proposal(machine, source, row.target))

    task = world.get("Task/task")
    assert consistent(task["status"], business_of(task))


@pytest.mark.usefixtures("all_guards_hold")
@pytest.mark.parametrize("machine, row, source, actor", TAKEN)
def test_a_step_leaves_exactly_one_provenance_of_its_resource(
    machine: Machine, row: Step, source: str, actor: str
) -> None:
    world = world_with(machine, source)
    sent = proposal(machine, source, row.target)

    world.judge(party(actor), sent)

    name = f"{machine.type}/{sent['id']}"
    targets = [target["reference"] for one in world.all("Provenance") for target in one["target"]]
    moved = row.target not in {SAME, source}
    assert targets.count(name) == int(moved)


@pytest.mark.parametrize("machine, row, source, guard", GUARDED)
def test_each_guard_stops_the_step_by_itself(
    machine: Machine, row: Step, source: str, guard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = row.actors[0]
    # where the same step is in another row of the same actor, that row must not let it through
    rivals = [one for one in machine.rows(source, row.target) if one != row and actor in one.actors]
    stopped = {guard, *(one.guards[0] for one in rivals)}
    broken = {name: replace(one, broken=_broken if name in stopped else _holds) for name, one in GUARDS.items()}
    monkeypatch.setattr(examination, "GUARDS", broken)
    world = world_with(machine, source)

    refused = world.judge(party(actor), proposal(machine, source, row.target)).refusals

    assert {one.guard for one in refused} <= stopped
    assert [one.code for one in refused] == [GUARDS[one.guard].code for one in refused]
    assert refused


def _broken(_: object) -> str:
    return "It does not hold."


@pytest.mark.usefixtures("all_guards_hold")
@pytest.mark.parametrize("machine, source", STATES)
def test_what_is_in_no_row_is_not_allowed_to_anybody(machine: Machine, source: str) -> None:
    by_right = party(CREATORS.get(machine.kind, "clinic"))
    for target in missing(machine, source):
        refused = world_with(machine, source).judge(by_right, proposal(machine, source, target)).refusals

        assert [one.code for one in refused] == ["transition-not-allowed"], target
        assert target not in refused[0].allowed


@pytest.mark.usefixtures("all_guards_hold")
@pytest.mark.parametrize("machine, source, target", PAIRS)
def test_a_step_is_refused_to_everybody_else(machine: Machine, source: str, target: str) -> None:
    for side in foreign(machine, source, target):
        refused = world_with(machine, source).judge(party(side), proposal(machine, source, target)).refusals

        assert {one.code for one in refused} == {"wrong-actor"}, side


@pytest.mark.parametrize("kind", MACHINES)
def test_a_refused_party_is_told_what_to_do_instead(kind: str) -> None:
    assert all(row.instead or row.target == SAME for row in MACHINES[kind].steps)


@pytest.mark.parametrize("kind", MACHINES)
def test_the_names_in_the_rows_are_all_known(kind: str) -> None:
    machine = MACHINES[kind]
    for row in machine.steps:
        assert set(row.guards) <= GUARDS.keys()
        assert set(row.effects) <= EFFECTS.keys()
        assert set(row.actors) <= {*PARTIES, *RELATIVE}
        assert set(row.business) <= ALLOWED.keys()


def test_every_guard_and_every_effect_is_used() -> None:
    rows = [row for machine in MACHINES.values() for row in machine.steps]
    assert {name for row in rows for name in row.guards} == GUARDS.keys()
    assert {name for row in rows for name in row.effects} == EFFECTS.keys()


@pytest.mark.parametrize("kind", MACHINES)
def test_the_states_are_those_of_r4(kind: str) -> None:
    machine = MACHINES[kind]
    definitions = load()
    element = next(one for one in definitions.type(machine.type).elements if one.name == machine.element)
    assert element.binding is not None
    assert set(machine.states) <= definitions.codes(element.binding)


@pytest.mark.parametrize("kind", MACHINES)
def test_nothing_leaves_a_terminal_state_but_as_an_error(kind: str) -> None:
    machine = MACHINES[kind]
    for state in machine.terminal:
        onwards = machine.onwards(state, {actor for row in machine.steps for actor in row.actors})
        assert set(onwards) <= {"entered-in-error"}


@pytest.mark.parametrize("kind", MACHINES)
def test_every_state_is_reached_and_every_other_is_left(kind: str) -> None:
    machine = MACHINES[kind]
    reached, frontier = {NONE}, {NONE}
    while frontier:
        frontier = {row.target for row in machine.steps if frontier & set(row.sources)} - reached - {SAME}
        reached |= frontier
    everybody = {actor for row in machine.steps for actor in row.actors}
    assert reached == {NONE, *machine.states}
    assert all(machine.onwards(state, everybody) for state in machine.states if state not in machine.terminal)


@pytest.mark.parametrize("row", MACHINES["Task"].steps, ids=lambda row: row.name)
def test_a_row_offers_only_business_statuses_of_its_target(row: Step) -> None:
    assert set(row.business) <= set(allowed_with(row.target))


def test_names_of_rows_are_unique() -> None:
    names = [row.name for machine in MACHINES.values() for row in machine.steps]
    assert len(names) == len(set(names))
