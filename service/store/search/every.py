"""All matches, in no order: for totals, and for sorts that no index holds."""

# ruff: noqa: S608 - texts are written from shapes; no value is ever part of one

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.store.search.alike import alike_keys, is_alike
from service.store.search.forms import SELECTIVE
from service.store.search.gather import gathered_all
from service.store.search.lead import is_indirect, leads, rank_of
from service.store.search.probe import holds, where
from service.store.search.shape import TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.store.search.shape import Node, Shape
    from service.store.search.writer import Writer

_TRIED: Final = 3
"""How many criteria are tried whether few resources meet them, before one that many meet has to lead."""

_FEW: Final = 10_000
"""Up to how many are few, where all of them are wanted."""


def every_key(writer: Writer, shape: Shape) -> str:
    """The query of the keys of all matches, each once."""
    nodes, types = shape.where.nodes, writer.array(TYPES)
    able = leads(nodes)
    queries: list[str] = []
    others: list[str] = []
    for each in able[:_TRIED] if len(able) > 1 or (able and _may_be_many(able[0])) else ():
        found = gathered_all(writer, (each,), _FEW, types, beside=nodes)
        row = writer.name("c")
        conditions = [*others, *found.complete, *_probes(writer, nodes, each, f"{row}.key")]
        queries.append(f"SELECT {row}.key FROM ({found.query}) {row}{where(conditions)}")
        others.append(f"NOT ({' AND '.join(found.complete)})")
    queries.append(f"SELECT c.key FROM ({_all_of_many(writer, nodes, types)}) c{where(others)}")
    return " UNION ALL ".join(queries)


def _all_of_many(writer: Writer, nodes: Sequence[Node], types: str) -> str:
    """The criterion that leads is one that an index finds; failing that, the kinds of the types that may match."""
    lead = next((each for each in leads(nodes) if not _may_be_many(each)), None)
    if lead is not None and not is_alike(lead):
        found = gathered_all(writer, (lead,), None, types, beside=nodes)
        row = writer.name("c")
        return f"SELECT {row}.key FROM ({found.query}) {row}{where(_probes(writer, nodes, lead, f'{row}.key'))}"
    alike = [each for each in nodes if is_alike(each)]
    row = writer.name("c")
    others = [holds(writer, each, f"{row}.key") for each in nodes if each not in alike]
    return f"SELECT {row}.key FROM ({alike_keys(writer, alike, None)}) {row}{where(others)}"


def _probes(writer: Writer, nodes: Sequence[Node], lead: Node, key: str) -> list[str]:
    return [holds(writer, each, key) for each in nodes if each is not lead]


def _may_be_many(node: Node) -> bool:
    """Whether what meets it is found through other resources, of which there may be far more."""
    return is_indirect(node) and rank_of(node) > SELECTIVE
