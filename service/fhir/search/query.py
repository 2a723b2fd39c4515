"""The query tree: what a search asks for, with every value parsed, and how its answer is to be returned.

A tree is a value: it knows neither the text that it came from nor the SQL that it becomes. The values of one criterion
are alternatives (OR), the criteria of an `And` hold together. https://hl7.org/fhir/R4/search.html#combining
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import urlencode

from msgspec import Struct

if TYPE_CHECKING:
    from uuid import UUID

    from service.fhir.interaction import Parameters
    from service.fhir.outcome import Issue
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.temporal import Range

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
TokenForm = Literal["code", "system-and-code", "code-without-system", "system", "any-code-of"]
Summary = Literal["true", "text", "data", "count"]
Total = Literal["none", "estimate", "accurate"]


class TokenValue(Struct, frozen=True, kw_only=True):
    """A token by its form; `codes` are the alternatives of "any-code-of" (none: nothing matches)."""

    form: TokenForm
    code: str = ""
    system: UUID | None = None
    codes: tuple[str, ...] = ()


class ReferenceValue(Struct, frozen=True, kw_only=True):
    """The digests of the possible targets: several where an id was given without a type."""

    targets: tuple[UUID, ...]


class StringValue(Struct, frozen=True, kw_only=True):
    """The folded beginning of a text; with `exact`, the whole text folded and as it is."""

    folded: str
    exact: str | None = None


class DateValue(Struct, frozen=True, kw_only=True):
    """A range to compare with, by one of R4's prefixes; the range of `ap` is already widened."""

    prefix: Prefix
    range: Range


class UriValue(Struct, frozen=True, kw_only=True):
    """A whole URI."""

    value: str


Value = TokenValue | ReferenceValue | StringValue | DateValue | UriValue


class Matches(Struct, frozen=True, kw_only=True):
    """At least one of the values is among those that the parameter reads from the resource."""

    parameter: SearchParameter
    values: tuple[Value, ...]


class Present(Struct, frozen=True, kw_only=True):
    """The resource has a value for the parameter: the opposite of ``:missing=true``."""

    parameter: SearchParameter


class Identified(Struct, frozen=True, kw_only=True):
    """``_id``: the resource has one of the identities."""

    identities: tuple[UUID, ...]


class Updated(Struct, frozen=True, kw_only=True):
    """``_lastUpdated``: the instant of the last update compares with one of the values."""

    values: tuple[DateValue, ...]


Criterion = Matches | Present | Identified | Updated


class Not(Struct, frozen=True, kw_only=True):
    """What the criterion does not match."""

    criterion: Criterion


class And(Struct, frozen=True, kw_only=True):
    """What all of the criteria match; with none of them, everything."""

    criteria: tuple[Criterion | Not, ...] = ()


class Query(Struct, frozen=True, kw_only=True):
    """A search over `types` (more than one: a search of the whole system).

    `count` is the page size; `elements`, `summary` and `total` are as R4 has them (None where not asked for). `cursor`
    is the sealed position to go on from. `applied` are the parameters that took effect, for links; `warnings` tell of
    those that were ignored.
    """

    types: tuple[str, ...]
    where: And
    count: int
    summary: Summary | None = None
    elements: tuple[str, ...] = ()
    total: Total | None = None
    cursor: str | None = None
    applied: Parameters = ()
    warnings: tuple[Issue, ...] = ()

    @property
    def type(self) -> str | None:
        """The one type that is searched, None when there are several."""
        return self.types[0] if len(self.types) == 1 else None

    @property
    def counts_only(self) -> bool:
        """Whether only the number of matches was asked for: ``_summary=count`` or ``_count=0``."""
        return self.summary == "count" or self.count == 0


def query_string(query: Query, *, cursor: str | None = None) -> str:
    """The query part of a link that repeats the search: what took effect, and where to go on from."""
    pairs = [*query.applied, *([("_cursor", cursor)] if cursor else [])]
    return urlencode(pairs)
