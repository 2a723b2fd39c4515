"""Whatever is stored and searched for: the service finds what an evaluation of R4's own words finds.

Each example stores a few random resources through the service, into an empty database, and asks it random questions
about them. What it refuses because it does not hold a value set is not compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.search.evaluator.comparison import compare
from tests.search.evaluator.containing import containing
from tests.search.evaluator.queries import PARAMETERS, Query, queries, types_of
from tests.search.evaluator.resources import MAKERS, numbered
from tests.search.evaluator.running import Service, serving
from tests.search.evaluator.searched import Criterion, tokens_for
from tests.search.evaluator.values import parameter_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.assembly import Standard
    from tests.conftest import Cluster

Json = dict[str, Any]
Example = tuple[list[Json], list[Query]]

COMMON: Final = settings(
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@st.composite
def examples(draw: st.DrawFn, focus: str) -> Example:
    """Searches over one type, and resources of the types that they are about."""
    asked = draw(st.lists(queries(focus), min_size=6, max_size=12))
    stored = []
    for resource_type in sorted(set().union(*map(types_of, asked))):
        least, most = (3, 6) if resource_type == focus else (2, 4)
        contents = draw(st.lists(MAKERS[resource_type](), min_size=least, max_size=most))
        stored += [draw(containing(numbered(resource_type, *each))) for each in enumerate(contents)]
    return stored, asked


@pytest.fixture(scope="module")
def service(cluster: Cluster, standard: Standard) -> Iterator[Service]:
    """The service on a database of its own."""
    with serving(cluster, standard) as running:
        yield running


def run(service: Service, focus: str, *, most: int, derandomize: bool) -> None:
    """Let Hypothesis make up examples about one type."""

    @settings(COMMON, max_examples=most, derandomize=derandomize)
    @given(examples(focus))
    def agree(example: Example) -> None:
        compare(service, *example)

    before = service.asked.copy()
    agree()
    asked = service.asked - before
    assert asked["answered"] > 9 * asked["refused"], asked


@st.composite
def opposites(draw: st.DrawFn, focus: str) -> tuple[list[Json], list[tuple[Criterion, Criterion]]]:
    """Resources of a type, and pairs of criteria of which each resource meets exactly one."""
    contents = draw(st.lists(MAKERS[focus](), min_size=4, max_size=6))
    pairs: list[tuple[Criterion, Criterion]] = []
    for code in draw(st.lists(st.sampled_from(PARAMETERS[focus].split()), min_size=2, max_size=5, unique=True)):
        kind = parameter_of(focus, code).kind
        if kind != "composite":
            pairs.append(((f"{code}:missing", "true"), (f"{code}:missing", "false")))
        if kind == "token":
            value = draw(tokens_for(focus, code))
            pairs.append(((code, value), (f"{code}:not", value)))
    return [numbered(focus, *each) for each in enumerate(contents)], pairs


def divide(service: Service, focus: str) -> None:
    """Let Hypothesis make up opposites."""

    @settings(COMMON, max_examples=3, derandomize=True)
    @given(opposites(focus))
    def divided(example: tuple[list[Json], list[tuple[Criterion, Criterion]]]) -> None:
        resources, pairs = example
        service.store(resources)
        everything = sorted(f"{focus}/{each['id']}" for each in resources)
        for pair in pairs:
            found = [service.search(Query(type=focus, criteria=(each,))) for each in pair]
            if None not in found:
                assert sorted(key for each in found for key in each or ()) == everything, (pair, found, resources)

    divided()


@pytest.mark.parametrize("focus", PARAMETERS)
def test_searches_find_what_r4_says(service: Service, focus: str) -> None:
    """The same searches in every run."""
    run(service, focus, most=16 if focus == "Observation" else 6, derandomize=True)


@pytest.mark.parametrize("focus", PARAMETERS)
def test_what_does_not_match_is_everything_else(service: Service, focus: str) -> None:
    """A parameter is missing or it is not, and a token matches or it does not: every resource is found once."""
    divide(service, focus)


@pytest.mark.soak
@pytest.mark.parametrize("focus", PARAMETERS)
def test_searches_keep_finding_what_r4_says(service: Service, focus: str) -> None:
    """Other searches in every run, and more of them."""
    run(service, focus, most=500, derandomize=False)
