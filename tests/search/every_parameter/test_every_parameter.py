"""Every parameter that the CapabilityStatement advertises finds what has the value, and nothing else; from an index.

The rows are made from R4's definitions (`row`); a parameter without one, or with one that does not hold, fails by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.capability import capability_statement
from service.fhir.definitions import load
from service.fhir.outcome import FhirError
from service.store.pool import Pool
from service.store.search import Statement, compile_count, compile_search
from service.store.store import Store
from tests.search.every_parameter.filled import Filled, resources_of
from tests.search.every_parameter.row import Rows
from tests.search.population import BASE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from service.fhir.search.registry import Registry
    from tests.conftest import Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What the CapabilityStatement says of a search parameter."""

    kind: str
    modifiers: frozenset[str]

    @property
    def code_sets(self) -> frozenset[str]:
        """The modifiers that need value sets and code systems."""
        return _CODE_SETS if self.kind == "token" and "in" in self.modifiers else frozenset()


Advertised = dict[str | None, dict[str, Parameter]]
"""Resource type, None for the whole system → code → parameter."""

RISING = frozenset({"date", "number", "quantity", "string"})
"""The types of parameters by which the match of a row, whose value is the lower one, comes before the other."""

MOST_EXPLAINED = 20
"""Rows of a parameter whose statements are explained; the whole system's have rows of every type."""

_CODE_SETS = frozenset({"in", "not-in", "above", "below"})
_MODIFIER = re.compile(r" :([\w-]+)")
_TABLE_READ_IN_FULL = re.compile(r"Seq Scan on (?:resource|index_)\w*")
_INDEX_READ_IN_FULL = re.compile(r"Index (?:Only )?Scan .*\n(?! *Index Cond)")


@pytest.fixture(scope="module")
def advertised(registry: Registry) -> Advertised:
    """What the CapabilityStatement says."""
    statement = capability_statement(registry.definitions, registry, base=BASE, version="1", date="2026-01-01")
    (rest,) = statement["rest"]
    return {each.get("type"): _parameters(each) for each in (*rest["resource"], rest)}


def _parameters(described: dict[str, Any]) -> dict[str, Parameter]:
    return {
        each["name"]: Parameter(
            kind=each["type"], modifiers=frozenset(_MODIFIER.findall(each.get("documentation", "")))
        )
        for each in described["searchParam"]
    }


@pytest.fixture(scope="module")
async def filled(cluster: Cluster, registry: Registry, advertised: Advertised) -> AsyncIterator[Filled]:
    """A database with the resources of all rows."""
    rows = Rows(registry.definitions)
    table = [row for name, codes in advertised.items() if name for code in codes for row in rows.of(name, code)]
    async with cluster.clone() as url, Pool(url, min_size=0, max_size=2, statement_timeout_seconds=60) as pool:
        made = Filled(Store(pool), registry, table)
        await made.fill()
        yield made


@pytest.mark.parametrize("resource_type", [*load().resource_types, None])
async def test_every_advertised_parameter_finds_its_match_only(
    filled: Filled, advertised: Advertised, resource_type: str | None
) -> None:
    """One that has no row is wrong too. Of the whole system one search of each row is asked."""
    wrong = []
    for code in advertised[resource_type]:
        numbers = filled.numbers(resource_type, code)
        if not numbers:
            wrong.append(f"{code} has no row")
        for number in numbers:
            for text in filled.searches(number)[: None if resource_type else 1]:
                found = await answer(filled, resource_type, code, text)
                resources = resources_of([number]) if filled.rows[number].shared else found
                if f"{number}-match" not in found or len(found & resources) > 1:
                    wrong.append(f"{code}={text} for {number}-match found {sorted(found)}: {filled.rows[number]}")
    assert "\n".join(map(str, wrong)) == ""


@pytest.mark.parametrize("resource_type", load().resource_types)
async def test_every_advertised_parameter_tells_whether_it_has_a_value(
    filled: Filled, advertised: Advertised, resource_type: str
) -> None:
    """Where it takes :missing, its resources have one, and every other one of the type has one or has none."""
    wrong = []
    everything = filled.resources(resource_type)
    for code, parameter in advertised[resource_type].items():
        if "missing" in parameter.modifiers:
            present = await answer(filled, resource_type, f"{code}:missing", "false")
            absent = await answer(filled, resource_type, f"{code}:missing", "true")
            having, lacking = filled.having(resource_type, code)
            if not having <= present or not lacking <= absent or present & absent or present | absent != everything:
                wrong.append(
                    f"{code}: {sorted(having - present)} {sorted(lacking - absent)} {sorted(present & absent)}"
                )
    assert "\n".join(map(str, wrong)) == ""


@pytest.mark.parametrize("resource_type", load().resource_types)
async def test_every_advertised_modifier_finds_its_match_only(
    filled: Filled, advertised: Advertised, resource_type: str
) -> None:
    """Those that ask for sets of codes aside; a modifier that no row has a value for is wrong too."""
    wrong = []
    for code, parameter in advertised[resource_type].items():
        rows = [(number, filled.rows[number]) for number in filled.numbers(resource_type, code)]
        taken = parameter.modifiers - parameter.code_sets - {"missing", "not"}
        unseen = {name for name in taken if name.islower()}
        for number, row in rows:
            for modifier, text in row.modified:
                if modifier not in taken:
                    continue
                unseen.discard(modifier)
                found = await answer(filled, resource_type, f"{code}:{modifier}", text)
                if found != {f"{number}-match"}:
                    wrong.append(f"{code}:{modifier}={text} for {number}-match found {sorted(found)}: {row}")
        wrong += [f"{code}:{name} has no row" for name in unseen]
    assert "\n".join(wrong) == ""


@pytest.mark.parametrize("resource_type", load().resource_types)
async def test_every_advertised_token_has_its_complement(
    filled: Filled, advertised: Advertised, resource_type: str
) -> None:
    """What a search with :not finds is all that the search without it leaves."""
    wrong = []
    everything = filled.resources(resource_type)
    for code, parameter in advertised[resource_type].items():
        for number in filled.numbers(resource_type, code) if "not" in parameter.modifiers else ():
            text = filled.searches(number)[0]
            found = await answer(filled, resource_type, code, text)
            if await answer(filled, resource_type, f"{code}:not", text) != everything - found:
                wrong.append(f"{code}:not={text}")
    assert "\n".join(wrong) == ""


@pytest.mark.parametrize("resource_type", load().resource_types)
async def test_every_advertised_parameter_but_composites_orders_its_matches(
    filled: Filled, advertised: Advertised, resource_type: str
) -> None:
    """By _sort, which leaves nothing out: lower values first where it is plain which those are, what has none last."""
    wrong = []
    everything = sorted(filled.resources(resource_type))
    for code, parameter in advertised[resource_type].items():
        if parameter.kind == "composite":
            continue
        having, _ = filled.having(resource_type, code)
        absent = await without(filled, resource_type, code, parameter)
        rising = filled.distinct(resource_type, code) if parameter.kind in RISING else []
        for key in (code, f"-{code}"):
            ordered = await filled.ids(filled.query(resource_type, "_sort", key))
            expected = rising if key == code else [(other, match) for match, other in rising]
            falling = [pair for pair in expected if ordered.index(pair[0]) > ordered.index(pair[1])]
            first_absent = min((ordered.index(each) for each in absent), default=len(ordered))
            late = having.intersection(ordered[first_absent:])
            if sorted(ordered) != everything or falling or late:
                wrong.append(f"_sort={key}: {falling} {sorted(late)} of {ordered}")
    assert "\n".join(wrong) == ""


async def without(filled: Filled, resource_type: str, code: str, parameter: Parameter) -> set[str]:
    """The ids of what has no value to be sorted by."""
    if "missing" not in parameter.modifiers:
        return set()
    return await answer(filled, resource_type, f"{code}:missing", "true")


@pytest.mark.parametrize("resource_type", load().resource_types)
async def test_every_advertised_reference_leads_there_and_back(
    filled: Filled, advertised: Advertised, resource_type: str
) -> None:
    """By a chain and by _include to the target, by _has and by _revinclude to what refers to it."""
    wrong = []
    for code, parameter in advertised[resource_type].items():
        for number in filled.numbers(resource_type, code) if parameter.kind == "reference" else ():
            if (target := filled.target(number)) is None:
                continue
            type_, id_ = target
            match, through = f"{number}-match", f"{resource_type}:{code}"
            answers = {
                "chain": await answer(filled, resource_type, f"{code}:{type_}._id", id_) == {match},
                "_has": await answer(filled, type_, f"_has:{through}:_id", match) == {id_},
                "_include": await filled.included(resource_type, match, ("_include", through)) == [id_],
                "_revinclude": await filled.included(type_, id_, ("_revinclude", through)) == [match],
            }
            wrong += [f"{code} to {type_} by {way}" for way, holds in answers.items() if not holds]
    assert "\n".join(wrong) == ""


async def test_every_advertised_parameter_is_answered_from_an_index(filled: Filled, advertised: Advertised) -> None:
    """Pages and counts, whether or not Postgres has statistics; each text once, since the plan is that of the text."""
    explained = {
        statement.text: (f"{resource_type}?{code}", statement)
        for resource_type, codes in advertised.items()
        for code, parameter in codes.items()
        for statement in statements(filled, resource_type, code, parameter)
    }
    for analyzed in (False, True):
        if analyzed:
            await filled.analyze()
        plans = {name: await filled.plan(statement) for name, statement in explained.values()}
        assert {name: plan for name, plan in plans.items() if reads_in_full(plan)} == {}


def reads_in_full(plan: str) -> bool:
    """Whether a plan reads all of a table or of an index, instead of where a value of the search leads to."""
    return bool(_TABLE_READ_IN_FULL.search(plan) or _INDEX_READ_IN_FULL.search(f"{plan}\n"))


@pytest.mark.parametrize("text", ["SELECT * FROM resource", "SELECT * FROM index_token", "TABLE resource ORDER BY key"])
async def test_a_plan_that_reads_everything_is_noticed(filled: Filled, text: str) -> None:
    """The rule above can fail."""
    assert reads_in_full(await filled.plan(Statement(text, ())))


def test_a_parameter_that_nobody_can_make_a_row_for_has_none(registry: Registry) -> None:
    """As the one of R4 that the service does not answer, and would be found to advertise."""
    assert Rows(registry.definitions).of("Location", "near") == []


def statements(filled: Filled, resource_type: str | None, code: str, parameter: Parameter) -> Iterator[Statement]:
    """The statements of a parameter's searches, its rows' and those for whether it has a value."""
    numbers = filled.numbers(resource_type, code)[:MOST_EXPLAINED]
    values = [(code, text) for number in numbers for text in filled.searches(number)]
    if "not" in parameter.modifiers:
        values.append((f"{code}:not", values[0][1]))
    if "missing" in parameter.modifiers:
        values += [(f"{code}:missing", "true"), (f"{code}:missing", "false")]
    if parameter.kind != "composite" and resource_type:
        values += [("_sort", code), ("_sort", f"-{code}")]
    taken = parameter.modifiers - parameter.code_sets
    for number in numbers:
        values += [(f"{code}:{name}", text) for name, text in filled.rows[number].modified if name in taken]
    for type_, id_ in filter(None, map(filled.target, numbers[:1])):
        values.append((f"{code}:{type_}._id", id_))
        if resource_type:
            yield compile_search(
                filled.query(type_, f"_has:{resource_type}:{code}:_id", f"{numbers[0]}-match"), limit=21
            )
    for name, value in values:
        query = filled.query(resource_type, name, value)
        yield compile_search(query, limit=21)
        yield compile_count(query)


async def answer(filled: Filled, resource_type: str | None, name: str, value: str) -> set[str]:
    """The ids that a search finds; nothing where it is refused."""
    try:
        return set(await filled.ids(filled.query(resource_type, name, value)))
    except FhirError as error:
        return {error.issues[0].diagnostics}
