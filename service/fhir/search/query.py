"""The query tree: what a search asks for, with every value parsed, and how its answer is to be returned.

A tree is a value: it knows neither the text that it came from nor the SQL that it becomes. The values of one criterion
are alternatives (OR), the criteria of an `And` hold together. https://hl7.org/fhir/R4/search.html#combining
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from service.fhir.url_encoding import encode_query

if TYPE_CHECKING:
    from decimal import Decimal
    from uuid import UUID

    from service.fhir.interaction import Parameters
    from service.fhir.outcome import Issue
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.temporal import Range

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
TokenForm = Literal["code", "system-and-code", "code-without-system", "system", "any-code-of", "of-type"]
StringForm = Literal["prefix", "exact", "contains"]
UriForm = Literal["equal", "below"]
QuantityForm = Literal["any-unit", "code", "system-and-code"]
CodeRelation = Literal["in", "above", "below"]
Summary = Literal["true", "text", "data", "count"]
Total = Literal["none", "estimate", "accurate"]
Contained = Literal["true", "false", "both"]
ContainedType = Literal["container", "contained"]


class TokenValue(Struct, frozen=True, kw_only=True):
    """A token by its form; `codes` are the alternatives of "any-code-of" (none: nothing matches).

    With "of-type", `system` is the digest of the identifier type's ``system|code`` and `code` the identifier's value.
    """

    form: TokenForm
    code: str = ""
    system: UUID | None = None
    codes: tuple[str, ...] = ()


class ReferenceValue(Struct, frozen=True, kw_only=True):
    """The digests of the possible targets: several where an id was given without a type.

    `acting`: each is a resource of this service of one of the types of those who act, and no canonical names it.
    """

    targets: tuple[UUID, ...]
    acting: bool = False


class StringValue(Struct, frozen=True, kw_only=True):
    """A folded text that begins, is or is contained in the value; `exact` is the whole text as it is, for "exact"."""

    folded: str
    exact: str | None = None
    form: StringForm = "prefix"


class DateValue(Struct, frozen=True, kw_only=True):
    """A range to compare with, by one of R4's prefixes; the range of `ap` is already widened."""

    prefix: Prefix
    range: Range


class UriValue(Struct, frozen=True, kw_only=True):
    """A whole URI; with "below" also those that start with it."""

    value: str
    form: UriForm = "equal"


class NumberValue(Struct, frozen=True, kw_only=True):
    """A number to compare with, by one of R4's prefixes.

    With `eq` and `ne` the half-open range of the implicit precision, with `ap` 10 % around the number; with the other
    prefixes `low` and `high` are both the exact number.
    """

    prefix: Prefix
    low: Decimal
    high: Decimal


class CanonicalRange(Struct, frozen=True, kw_only=True):
    """A quantity's bounds in the canonical unit of its kind, such as metres for lengths."""

    unit: str
    low: Decimal
    high: Decimal


class QuantityValue(Struct, frozen=True, kw_only=True):
    """Bounds as those of a number, and how the unit is compared: not at all, by its code or text, or by its system too.

    `canonical` are the same bounds in the canonical unit, None where the unit is not one of UCUM.
    """

    prefix: Prefix
    low: Decimal
    high: Decimal
    form: QuantityForm
    system: UUID | None = None
    code: str = ""
    canonical: CanonicalRange | None = None


class CompositeValue(Struct, frozen=True, kw_only=True):
    """One value for each of the parameter's components, which hold together within one element."""

    components: tuple[Value, ...]


Value = TokenValue | ReferenceValue | StringValue | DateValue | UriValue | NumberValue | QuantityValue | CompositeValue


class Matches(Struct, frozen=True, kw_only=True):
    """At least one of the values is among those that the parameter reads from the resource.

    In a reference parameter a TokenValue is ``:identifier``; in a token or reference parameter a StringValue is
    ``:text``.
    """

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


class CodesOperand(Struct, frozen=True, kw_only=True):
    """What ``:in`` names, the `url` of a value set, or what ``:above`` and ``:below`` do, a `code` of the system `url`.

    The URL of a value set is canonical, with ``|version`` where it was named, or ``ValueSet/id``.
    """

    url: str
    code: str = ""


class InCodes(Struct, frozen=True, kw_only=True):
    """One of the codes that an operand stands for: those of a value set, or above or below a code in its hierarchy.

    `terminology.resolve` turns it into `Matches`; no statement is built for it.
    """

    parameter: SearchParameter
    relation: CodeRelation
    operands: tuple[CodesOperand, ...]


class Chain(Struct, frozen=True, kw_only=True):
    """The resource refers, through `parameter`, to one of the `types` that matches `where`."""

    parameter: SearchParameter
    types: tuple[str, ...]
    where: And


class Has(Struct, frozen=True, kw_only=True):
    """A resource of `type` that matches `where` refers to the resource through `parameter`, which is one of `type`."""

    type: str
    parameter: SearchParameter
    where: And


class Seen(Struct, frozen=True, kw_only=True):
    """One of the organisations sees the resource, or everybody does: `open_types` are those of which nothing is hidden.

    What is contained is seen where its container is.
    """

    by: tuple[UUID, ...]
    open_types: frozenset[str]


class AnyOf(Struct, frozen=True, kw_only=True):
    """At least one of the criteria holds."""

    criteria: tuple[Criterion | Not, ...]


class Not(Struct, frozen=True, kw_only=True):
    """What the criterion does not match."""

    criterion: Criterion


class And(Struct, frozen=True, kw_only=True):
    """What all of the criteria match; with none of them, everything."""

    criteria: tuple[Criterion | Not, ...] = ()


Criterion = Matches | Present | Identified | Updated | InCodes | Chain | Has | Seen | AnyOf


class SortKey(Struct, frozen=True, kw_only=True):
    """One key of ``_sort``; resources without a value come last in both directions."""

    parameter: SearchParameter
    descending: bool = False


ANY_TYPE: Final = "*"
"""The source type of an include of every type."""


class Include(Struct, frozen=True, kw_only=True):
    """What to return with the matches: the targets of `parameter` in resources of `source_type` (or of `ANY_TYPE`).

    With `reverse`, the resources of `source_type` that refer to a match through `parameter`. `parameter` is None for
    ``*``: any reference, and `sources` are the numbers of those of the type. `target_type` narrows the targets; with
    `iterate` what was included is followed too. `named` are the numbers under which the index has the URLs of what
    canonicals may lead to, none where there are none.
    """

    source_type: str
    parameter: SearchParameter | None
    sources: tuple[int, ...] = ()
    target_type: str | None = None
    iterate: bool = False
    reverse: bool = False
    named: tuple[int, ...] = ()


class Query(Struct, frozen=True, kw_only=True):
    """A search over `types` (more than one: a search of the whole system).

    `count` is the page size; `elements`, `summary` and `total` are as R4 has them (None where not asked for); without
    `sort` the newest come first. `compartment` is the type and id that the address narrows the search to, which `where`
    demands already. With `contained` "true" contained resources are searched instead of others, with "both" beside
    them; `contained_type` says what of a match is returned. `explain` asks for the plan instead of the answer. `cursor`
    is the sealed position to go on from. `applied` are the parameters that took effect, for links; `warnings` tell of
    those that were ignored.
    """

    types: tuple[str, ...]
    where: And
    count: int
    summary: Summary | None = None
    elements: tuple[str, ...] = ()
    total: Total | None = None
    sort: tuple[SortKey, ...] = ()
    includes: tuple[Include, ...] = ()
    compartment: tuple[str, str] | None = None
    contained: Contained = "false"
    contained_type: ContainedType = "container"
    explain: bool = False
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
    return encode_query(pairs)
