"""Random elements: data types with values from the pools, and what puts them together to objects."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from tests.search.evaluator import pools

Json = dict[str, Any]
Strategy = st.SearchStrategy[Any]


def one_of(*values: Any) -> Strategy:
    """One of a few values."""
    return st.sampled_from(values)


def several(inner: Strategy, most: int = 2) -> Strategy:
    """An array."""
    return st.lists(inner, min_size=1, max_size=most)


def elements(required: dict[str, Strategy] | None = None, **optional: Strategy) -> Strategy:
    """A JSON object with some of the optional elements."""
    return st.fixed_dictionaries(required or {}, optional=optional)


def parts(**optional: Strategy) -> Strategy:
    """A JSON object with some of the elements, and at least one of them."""
    one = st.sampled_from(sorted(optional))
    return one.flatmap(
        lambda name: elements({name: optional[name]}, **{other: optional[other] for other in optional if other != name})
    )


def choice(name: str, **types: Strategy) -> Strategy:
    """An element with a choice of types: ``{"effectivePeriod": ...}``."""
    return st.one_of(*(st.fixed_dictionaries({name + kind: inner}) for kind, inner in types.items()))


def perhaps(inner: Strategy) -> Strategy:
    """The elements of an object, or none."""
    return st.just({}) | inner


CODINGS: Final = one_of(*pools.CODINGS)
CONCEPTS: Final = parts(coding=several(CODINGS), text=one_of("Headache", "severe headache", "Ruckenschmerz"))
IDENTIFIERS: Final = several(one_of(*pools.IDENTIFIERS))
PERIODS: Final = one_of(*pools.PERIODS)
TIMINGS: Final = one_of(*pools.TIMINGS)
DATES: Final = one_of(*pools.DAYS)
DATE_TIMES: Final = one_of(*pools.DAYS, *pools.TIMES)
INSTANTS: Final = one_of(*pools.TIMES)
QUANTITIES: Final = one_of(*pools.QUANTITIES)
WORDS: Final = one_of(*pools.WORDS)
NAMES: Final = several(parts(family=WORDS, given=several(WORDS), text=WORDS))
ADDRESSES: Final = several(parts(line=several(WORDS), city=WORDS, postalCode=WORDS, use=one_of("old", "work")))
TELECOMS: Final = several(elements({"system": one_of("phone", "email"), "value": one_of("1", "2", "a|b")}))


def references(*types: str) -> Strategy:
    """References to resources of the types: here, here by the whole URL or a version, elsewhere, and logical ones."""
    targets = [f"{each}/{id_}" for each in types for id_ in pools.IDS]
    return st.one_of(
        *(st.sampled_from(targets).map(lambda target: {"reference": target}) for _ in range(3)),
        st.sampled_from(targets).map(lambda target: {"reference": f"{pools.BASE}/{target}"}),
        st.sampled_from(targets).map(lambda target: {"reference": f"{target}/_history/1"}),
        st.sampled_from(targets).map(lambda target: {"reference": f"{pools.ELSEWHERE}/{target}"}),
        st.sampled_from(pools.IDENTIFIERS).map(lambda identifier: {"identifier": identifier}),
        st.tuples(st.sampled_from(targets), st.sampled_from(pools.IDENTIFIERS)).map(
            lambda both: {"reference": both[0], "identifier": both[1]}
        ),
    )


def merged(*strategies: Strategy) -> Strategy:
    """The elements of several objects together."""
    return st.tuples(*strategies).map(lambda found: {name: each[name] for each in found for name in each})
