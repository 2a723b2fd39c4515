"""A search parameter as the service compiles it: what it is called, and the sources that its values are read from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, get_args

from service.fhir.search.restriction import UNRESTRICTED, Restriction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.search.expression import Path
    from service.fhir.search.pairs import PairSources

Kind = Literal["token", "reference", "string", "date", "uri", "number", "quantity", "composite"]
"""The search parameter types that are answered."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

IndexName = Literal["token", "reference", "string", "text", "date", "uri", "quantity"]
"""The tables of index rows: numbers are quantities without a unit, texts are what ``:text`` finds tokens by."""

Special = Literal["_id", "_lastUpdated"]
"""Parameters that are answered by the resource table itself."""


MEDIA_TYPES: Final = "media-type"
"""The binding of elements that hold media types."""

_SEVERAL: Final = frozenset({"CodeableConcept", "canonical"})
"""The data types of which one value has several rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where values are read from: a path of one resource type, read for one search parameter type.

    `number` names the source in the index tables. `paths` are the JSON paths that the FHIRPath `expression` stands for;
    where it stands for none, FHIRPath evaluates it to values of the data type `evaluated`. A `phonetic` source has the
    sounds of words in the place of texts; a `versioned` one, the url of a resource that has a version, also has
    ``url|version``. Further numbers, 0 where there is nothing under them: `of_type_number` for identifiers with their
    types (``:of-type``) and media types without parameters (``:below``), `parts_number` for parts of texts that are
    longer than the index holds (``:contains``).
    """

    number: int
    type: str
    kind: Kind
    expression: str
    paths: tuple[Path, ...] = ()
    evaluated: str = ""
    of_type_number: int = 0
    parts_number: int = 0
    phonetic: bool = False
    versioned: bool = False

    @property
    def url_number(self) -> int:
        """Where it is the url of a resource with a version: the number under which canonicals find the resource."""
        return url_number(self.type) if self.versioned else 0

    @property
    def repeats(self) -> bool:
        """Whether a resource may have several rows: all paths to it are those of one choice otherwise.

        A concept has one for each of its codes and texts, a canonical one with and one without its version.
        """
        return (
            bool(self.evaluated) or self.versioned or any(path.repeats or path.type in _SEVERAL for path in self.paths)
        )


@dataclass(frozen=True, kw_only=True)
class SearchParameter:
    """One search parameter of one resource type, or of several types searched together.

    `targets` are the resource types that a reference may point at. `restricted_to` narrows the shared rows of the
    sources to one target type, as in ``subject.where(resolve() is Patient)``. `systems` gives the code systems of a
    parameter over elements of type code, whose system is implied. `special` names a parameter that has no sources.
    `components` are the parameters whose values a composite joins, each with the sources within the composite's
    element: their rows of one resource match together where they agree in `element`. `restriction` is what the author
    of a stored one allows of what its kind could do. `is_subject`: it is R4's own for the patient that a resource is
    about, which the index rows of references to those who act tell beside. `pair`: the index also has its codes and
    whose they are as one value.
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
    components: tuple[SearchParameter, ...] = ()
    restriction: Restriction = UNRESTRICTED
    is_subject: bool = False
    pair: PairSources | None = None

    @cached_property
    def canonical(self) -> bool:
        """Whether references may name their targets by canonical URLs."""
        return self.kind == "reference" and not self.data_types <= {"Reference"}

    @cached_property
    def media_types(self) -> bool:
        """Whether the codes are media types, whose hierarchy is in how they are written."""
        return any(path.binding == MEDIA_TYPES for source in self.sources for path in source.paths)

    @cached_property
    def phonetic(self) -> bool:
        """Whether words are compared by their sound."""
        return any(source.phonetic for source in self.sources)

    @cached_property
    def source_numbers(self) -> tuple[int, ...]:
        """The numbers of the sources, as the index tables know them."""
        return tuple(source.number for source in self.sources)

    @property
    def table(self) -> IndexName:
        """The table that the values stand in; a composite has none, TypeError."""
        if self.kind == "composite":
            raise TypeError("a composite has no rows of its own")
        return "quantity" if self.kind == "number" else self.kind

    @cached_property
    def of_type_numbers(self) -> tuple[int, ...]:
        """The numbers under which the index has identifiers with their types."""
        return tuple(source.of_type_number for source in self.sources if source.of_type_number)

    @cached_property
    def contains_numbers(self) -> tuple[int, ...]:
        """The numbers under which the index of strings has all that a text may be searched for within it."""
        parts = tuple(source.parts_number for source in self.sources if source.parts_number)
        return (*self.source_numbers, *parts)

    @cached_property
    def identifier_numbers(self) -> tuple[int, ...]:
        """The numbers under which the index of tokens has the identifiers of references.

        Those of the sources; where the parameter is restricted to one target type, those for references that may be to
        a resource of this type.
        """
        if self.restricted_to is None:
            return self.source_numbers
        return tuple(restricted_number(source, self.restricted_to) for source in self.sources)

    @cached_property
    def data_types(self) -> frozenset[str]:
        """The data types of the elements that the parameter reads."""
        evaluated = frozenset(source.evaluated for source in self.sources if source.evaluated)
        return evaluated.union(path.type for source in self.sources for path in source.paths)


def source_number(resource_type: str, kind: Kind, expression: str) -> int:
    """The signed 32-bit number of a source, stable across releases and never 0; the registry refuses collisions."""
    digest = hashlib.blake2b(f"{resource_type}:{kind}:{expression}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, signed=True) or 1


def of_type_number(resource_type: str, expression: str) -> int:
    """The number under which a token source has its identifiers with their types."""
    return source_number(resource_type, "token", f"{expression}:of-type")


def parts_number(resource_type: str, expression: str) -> int:
    """The number under which a string source has the parts of long texts."""
    return source_number(resource_type, "string", f"{expression}:contains")


def url_number(resource_type: str) -> int:
    """The number under which the index of references has the canonical URLs of the resources of a type themselves."""
    return source_number(resource_type, "reference", f"{resource_type}.url")


def restricted_number(source: Source, target_type: str) -> int:
    """The number under which a reference source has identifiers of what may be a resource of the type."""
    return source_number(source.type, "token", f"{source.expression}:identifier({target_type})")
