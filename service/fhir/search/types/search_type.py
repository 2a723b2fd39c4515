"""What the module of a search parameter type provides: its values, its modifiers, its extraction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec import field as member

from service.fhir.reference import ACTING_CODES
from service.fhir.search.pairs import pair_digest
from service.fhir.search.refusal import refused_value

if TYPE_CHECKING:
    from decimal import Decimal
    from uuid import UUID

    from service.fhir.outcome import FhirError
    from service.fhir.resource import Content
    from service.fhir.search.contained import RowsName
    from service.fhir.search.pairs import PairSources
    from service.fhir.search.parameter import Kind, SearchParameter
    from service.fhir.search.query import Value

    Number = Decimal | None
    QuantityRow = tuple[int, int, Number, Number, UUID | None, str | None, str | None, str | None, Number, Number]
    """Source, element, low, high, system, code, unit, canonical unit, canonical low, canonical high."""


class Setting(Struct, frozen=True, kw_only=True):
    """What a value's meaning depends on besides its text.

    `base` is the service's base URL as the caller sees it, `types` every resource type of R4, `zone` that of dates
    without one, `now` the instant that `ap` measures from (None: `ap` does not widen).
    """

    base: str
    types: frozenset[str]
    zone: tzinfo = UTC
    now: datetime | None = None


class FurtherNumbers(Struct, frozen=True, kw_only=True):
    """The numbers that sources have besides their own, by source number.

    `subject`: of the references that say whom the resource is about, see `SearchParameter.is_subject`.
    `of_type`: for identifiers with their types. `parts`: for parts of long texts. `identifier`: (type, number) for each
    target type that a parameter restricts a reference's source to, for identifiers of references. `pair`: what codes of
    a source are one value with.
    """

    subject: frozenset[int] = frozenset()
    of_type: Mapping[int, int] = member(default_factory=dict)
    parts: Mapping[int, int] = member(default_factory=dict)
    identifier: Mapping[int, tuple[tuple[int, int], ...]] = member(default_factory=dict)
    pair: PairSources | None = None


class Rows(Struct):
    """The index rows of one resource under construction, one set per table, and what the values depend on.

    `places` are the resources inside of the outermost one, `root`, by their ids there (see `contained.places`);
    `version` is the business version.
    `element` is the ordinal of the composite's element that the walk is in, 0 outside of any; `ordinal` the last one.
    """

    base: str
    types: frozenset[str]
    zone: tzinfo
    further: FurtherNumbers
    places: Mapping[str, tuple[int, UUID]] = member(default_factory=dict)
    root: Content = member(default_factory=dict)
    version: str | None = None
    element: int = 0
    ordinal: int = 0
    token: set[tuple[int, int, UUID | None, str]] = member(default_factory=set)
    reference: set[tuple[int, int, int, UUID]] = member(default_factory=set)
    string: set[tuple[int, int, str, str]] = member(default_factory=set)
    text: set[tuple[int, int, str]] = member(default_factory=set)
    date: set[tuple[int, int, datetime, datetime]] = member(default_factory=set)
    uri: set[tuple[int, int, str]] = member(default_factory=set)
    quantity: set[QuantityRow] = member(default_factory=set)

    def by_table(self, *, paired: bool = True) -> dict[RowsName, list[tuple[Any, ...]]]:
        """The rows of each table that has any; codes have their pairs if `paired`."""
        found: dict[RowsName, list[tuple[Any, ...]]] = {}
        if self.token:
            found["token"] = self._tokens(self.further.pair if paired else None)
        if self.reference:
            found["reference"] = self._references()
        if self.string:
            found["string"] = list(self.string)
        if self.text:
            found["text"] = list(self.text)
        if self.date:
            found["date"] = list(self.date)
        if self.uri:
            found["uri"] = list(self.uri)
        if self.quantity:
            found["quantity"] = list(self.quantity)
        return found

    def _tokens(self, pair: PairSources | None) -> list[tuple[Any, ...]]:
        """The codes, those of a pair with its digest and the beginning of its date, where they are somebody's."""
        target = None if pair is None else next((row[3] for row in self.reference if row[0] == pair.of), None)
        if pair is None or target is None:
            return [(*row, None, None) for row in self.token]
        at = next((row[2] for row in self.date if row[0] == pair.by), None)
        return [
            (*row, pair_digest(row[0], target, row[2], row[3]), at) if row[0] == pair.code else (*row, None, None)
            for row in self.token
        ]

    def _references(self) -> list[tuple[Any, ...]]:
        """The references, those to who acts with whom the resource is about, where that is one."""
        about = {target for source, _, _, target in self.reference if source in self.further.subject}
        if len(about) != 1:
            return [(*row, None) for row in self.reference]
        (subject,) = about
        return [(*row, subject if row[2] in ACTING_CODES else None) for row in self.reference]


Extract = Callable[[Any, int, Rows], None]
"""Adds the rows of one value, under the number of its source."""

Parse = Callable[["SearchParameter", "str | None", str, Setting], "Value"]
"""Reads one operand (already split at commas, escapes kept) for a parameter and modifier; FhirError parameter-value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchType:
    """A search parameter type.

    `modifiers` are those that R4 gives the type, `missing` aside, which every type but composite takes. `extractors`
    maps the data types that the parameter type indexes to the way they are; `parts` the complex data types that are
    indexed by some of their elements; `alternatives` a modifier to what a parsed value stands for, where that is more
    than one.
    """

    kind: Kind
    modifiers: tuple[str, ...]
    extractors: Mapping[str, Extract]
    parse: Parse
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    alternatives: Mapping[str, Callable[[Any], tuple[Value, ...]]] = field(default_factory=dict)

    def values(
        self, parameter: SearchParameter, modifier: str | None, text: str, setting: Setting
    ) -> tuple[Value, ...]:
        """The values that one operand stands for, any of which may match; FhirError parameter-value."""
        value = self.parse(parameter, modifier, text, setting)
        alternatives = self.alternatives.get(modifier or "")
        return (value,) if alternatives is None else alternatives(value)


def refused(parameter: SearchParameter, accepted: str) -> FhirError:
    """The refusal of a value, saying what the parameter takes."""
    return refused_value(parameter.code, f"takes {accepted}")
