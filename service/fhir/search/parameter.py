"""A search parameter as the service compiles it: what it is called, and the sources that its values are read from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.search.expression import Path

Kind = Literal["token", "reference", "string", "date", "uri", "quantity"]
"""The search parameter types that have an index table."""

KINDS: Final[tuple[Kind, ...]] = ("token", "reference", "string", "date", "uri")

Special = Literal["_id", "_lastUpdated"]
"""Parameters that are answered by the resource table itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where values are read from: a path of one resource type, read for one search parameter type.

    `number` names the source in the index tables. `paths` are the JSON paths that the FHIRPath `expression` stands for;
    where it stands for none, FHIRPath evaluates it to values of the data type `evaluated`.
    """

    number: int
    type: str
    kind: Kind
    expression: str
    paths: tuple[Path, ...] = ()
    evaluated: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchParameter:
    """One search parameter of one resource type, or of several types searched together.

    `targets` are the resource types that a reference may point at. `restricted_to` narrows the shared rows of the
    sources to one target type, as in ``subject.where(resolve() is Patient)``. `systems` gives the code systems of a
    parameter over elements of type code, whose system is implied. `special` names a parameter that has no sources.
    """

    code: str
    kind: Kind
    url: str
    description: str
    sources: tuple[Source, ...]
    targets: tuple[str, ...] = ()
    restricted_to: str | None = None
    systems: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    special: Special | None = None

    @property
    def source_numbers(self) -> tuple[int, ...]:
        """The numbers of the sources, as the index tables know them."""
        return tuple(source.number for source in self.sources)

    @property
    def data_types(self) -> frozenset[str]:
        """The data types of the elements that the parameter reads."""
        evaluated = frozenset(source.evaluated for source in self.sources if source.evaluated)
        return evaluated.union(path.type for source in self.sources for path in source.paths)


def source_number(resource_type: str, kind: Kind, expression: str) -> int:
    """The signed 32-bit number of a source, stable across releases and never 0; the registry refuses collisions."""
    digest = hashlib.blake2b(f"{resource_type}:{kind}:{expression}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, signed=True) or 1
