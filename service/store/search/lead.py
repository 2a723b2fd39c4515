"""Which criteria can lead to what is searched, and how few resources each is likely to find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.store.search.alike import is_alike
from service.store.search.forms import SELECTIVE
from service.store.search.shape import Containing, Joined, Leaf, Linked, Negated, OneOf, Paired, Referring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.store.search.shape import Node

NEVER: Final = 99
"""The rank of what cannot lead."""

_REFERENCE_RANK: Final = 3
_KIND_RANK: Final = 11

FEW: Final = 5000
"""How many rows of a selective criterion are gathered and sorted; with more, probing in order soon finds a page."""

SOME: Final = 1000
"""The same of criteria that usually have many rows, for which reading them would be in vain more often."""


def rank_of(node: Node) -> int:
    """How many resources meet a criterion, by experience, fewest first; `NEVER` when it cannot lead."""
    if is_by_kind(node):
        return _KIND_RANK
    match node:
        case Leaf():
            return node.rank if node.form.ordered or node.form.windows else NEVER
        case Paired(lead=lead):
            return lead.rank
        case Joined(parts=parts):
            return min(rank_of(each) for each in parts)
        case Containing(where=inner):
            return min(map(rank_of, inner.nodes), default=NEVER)
        case Linked(where=inner) | Referring(where=inner):
            best = min((rank_of(each) for each in inner.nodes), default=NEVER)
            return max(best, _REFERENCE_RANK) if best < NEVER else NEVER
        case OneOf(nodes=nodes):
            return max((rank_of(each) for each in nodes), default=0)
        case _:
            return NEVER


def is_by_kind(node: Node) -> bool:
    """Whether likeness finds what meets the criterion: all of it, or what other codes do not find."""
    return is_alike(node) or (isinstance(node, Negated) and node.instead is not None)


def is_indirect(node: Node) -> bool:
    """Whether what meets it is found through other resources; a walk to it would look at those of each resource."""
    return isinstance(node, Linked | Referring)


def limit_of(node: Node) -> int:
    """How many rows of a criterion are gathered before it is called too many."""
    return FEW if rank_of(node) <= SELECTIVE else SOME


def is_ordered(node: Node) -> bool:
    """Whether an index yields what meets the criterion in the order of keys."""
    match node:
        case Leaf():
            return node.form.ordered
        case OneOf(nodes=nodes):
            return bool(nodes) and all(is_ordered(each) for each in nodes)
        case _:
            return False


def leads(nodes: Sequence[Node]) -> list[Node]:
    """The criteria that can lead, most selective first."""
    return sorted((each for each in nodes if rank_of(each) < NEVER), key=rank_of)
