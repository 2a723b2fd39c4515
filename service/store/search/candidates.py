"""The keys of the resources that match, newest first: one criterion leads, the others are probed for each candidate.

No plan may hang on fresh statistics, so the statement itself says how to go about it:

- *ordered*: an identity, an identifier, a reference, a code. For every source and value the value index is walked
  backward from the newest key; the walk stops after a page.
- *sought*: a beginning of a text, a range of dates. The index finds the rows, in no useful order, so all have to be
  gathered and sorted. That is the best way when they are few; when they are more than `FEW`, a page is found sooner by
  an ordered criterion, or by walking the type, and probing.
- *walked*: nothing to seek by; the type's newest resources are probed one by one.

Two idioms keep Postgres to it, besides the pool's settings, which rule out bitmap and sequential scans. ``OFFSET 0`` in
a probe keeps it one: the few rows of one resource are read by its key and then compared, where a semi-join could hash
every active resource of the table. ``LIMIT (SELECT n)`` is a limit that the planner cannot see through: it plans for
the first tenth of the rows, so it takes them from the ordered index however few it expects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    and_,
    any_,
    column,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    union_all,
)

from service.store.search.forms import FORMS, IDENTIFYING_RANK, SELECTIVE, Form
from service.store.tables import resource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.sql.elements import KeyedColumnElement

    from service.store.search.shape import CriterionShape, ProbeShape

Condition = ColumnElement[bool]
Array = ColumnElement[Any]

_FENCE: Final[ColumnElement[int]] = literal_column("0", Integer)

FEW: Final = 3000
"""How many rows are gathered and sorted; when there are more, probing by age soon finds a page."""

_FEW: Final[ColumnElement[int]] = literal_column(str(FEW), Integer)
_ONE_MORE: Final[ColumnElement[int]] = literal_column(str(FEW + 1), Integer)


class BoundProbe(Struct, frozen=True):
    """A probe with its arrays of values, as expressions: the sources (None for the resource itself), the columns."""

    shape: ProbeShape
    sources: Array | None
    columns: tuple[Array, ...]

    @property
    def form(self) -> Form:
        """How the probe is made."""
        return FORMS[self.shape.form]

    @property
    def rank(self) -> int:
        """How many resources a value usually has, fewest first."""
        return IDENTIFYING_RANK if self.shape.identifying and self.form.ordered else self.form.rank


class BoundCriterion(Struct, frozen=True):
    """A criterion with its values as expressions."""

    shape: CriterionShape
    probes: tuple[BoundProbe, ...]

    @property
    def rank(self) -> int:
        """The rank of its least selective probe."""
        return max(probe.rank for probe in self.probes)

    @property
    def ordered(self) -> bool:
        """Whether it can lead in the order of keys."""
        return not self.shape.negated and all(probe.form.ordered for probe in self.probes)

    @property
    def sought(self) -> bool:
        """Whether it can lead by seeking ranges."""
        return not self.shape.negated and all(probe.form.sought for probe in self.probes)


class Search(Struct, frozen=True, kw_only=True):
    """What to look for: the searched types, an array; the criteria; only keys below `before`, at most `limit`."""

    types: Array
    criteria: tuple[BoundCriterion, ...]
    before: ColumnElement[int]
    limit: ColumnElement[int]

    def best(self, *, ordered: bool) -> BoundCriterion | None:
        """The most selective criterion that can lead in order (or by seeking), None if there is none."""
        able = [each for each in self.criteria if (each.ordered if ordered else each.sought)]
        return min(able, key=lambda each: each.rank, default=None)


def page_of_keys(search: Search) -> Select[Any]:
    """At most `limit` keys of matching resources below `before`, newest first, as column `key`."""
    ordered, sought = search.best(ordered=True), search.best(ordered=False)
    if sought is None or (ordered is not None and ordered.rank <= SELECTIVE):
        return _newest(_walk(search, ordered), search.limit)
    few = _gathered(search, sought, limit=_ONE_MORE).cte("few")
    are_few = select(func.count() <= _FEW).select_from(few).scalar_subquery()
    gathered = select(few.c.key).where(
        are_few, few.c.key < search.before, *_probes(search, "few.key", except_for=sought)
    )
    walked = _walk(search, ordered).subquery("walked")
    probed = select(walked.c.key).where(not_(are_few))
    either = union_all(_newest(gathered.subquery("gathered"), search.limit), probed)
    return _newest(either, search.limit).add_cte(few, nest_here=True)


def all_keys(search: Search) -> Select[Any]:
    """The keys of all matching resources, in no order, as column `key`; `before` and `limit` are not looked at."""
    leads = [each for each in search.criteria if each.ordered or each.sought]
    lead = min(leads, key=lambda each: each.rank, default=None)
    if lead is None:
        row = resource.alias("lead")
        return select(row.c.key).where(
            func.hashtextextended(row.c.type, _FENCE) == any_(_hashes(search.types)),
            row.c.type == any_(search.types),
            row.c.content.is_not(None),
            *_probes(search, "lead.key", except_for=None),
        )
    candidates = _gathered(search, lead, limit=None).subquery("candidate")
    return select(candidates.c.key).where(*_probes(search, "candidate.key", except_for=lead))


def _newest(keys: Any, limit: ColumnElement[int]) -> Select[Any]:
    found = keys if isinstance(keys, FromClause) else keys.subquery("found")
    return select(found.c.key).distinct().order_by(found.c.key.desc()).limit(limit)


def _walk(search: Search, lead: BoundCriterion | None) -> Any:
    """A page of keys in order, for every source and value of the lead, or for every type."""
    if lead is None:
        return _walk_types(search)
    walks = [_walk_values(search, lead, probe) for probe in lead.probes]
    return walks[0] if len(walks) == 1 else union_all(*walks)


def _walk_values(search: Search, lead: BoundCriterion, probe: BoundProbe) -> Select[Any]:
    row = probe.form.table.alias("lead")
    key = _key(row)
    scope, values = _scope(probe, search.types)
    page = (
        select(key.label("key"))
        .distinct()
        .where(
            _within(row, scope),
            probe.form.found(row, values.columns, scope.columns[0] if scope else None),
            probe.form.passes(row, values.columns),
            key < search.before,
            *_probes(search, f"lead.{key.name}", except_for=lead),
        )
        .order_by(key.desc())
        .limit(select(search.limit).scalar_subquery())
        .lateral("page")
    )
    return select(page.c.key).select_from(_joined(scope, values).join(page, true()))


def _walk_types(search: Search) -> Select[Any]:
    scope = _unnested("type", [search.types], [Text()])
    row = resource.alias("lead")
    page = (
        select(row.c.key)
        .where(
            _within(row, scope),
            row.c.key < search.before,
            *_probes(search, "lead.key", except_for=None),
        )
        .order_by(row.c.key.desc())
        .limit(select(search.limit).scalar_subquery())
        .lateral("page")
    )
    return select(page.c.key).select_from(scope.rows.join(page, true()))


def _gathered(search: Search, lead: BoundCriterion, *, limit: ColumnElement[int] | None) -> Select[Any]:
    """The keys that the lead finds, repeats included; at most `limit`."""
    found = [_gathered_by(search, probe, limit) for probe in lead.probes]
    keys = (found[0] if len(found) == 1 else union_all(*found)).subquery("gathered_key")
    return select(keys.c.key).limit(limit) if limit is not None else select(keys.c.key).distinct()


def _gathered_by(search: Search, probe: BoundProbe, limit: ColumnElement[int] | None) -> Select[Any]:
    row = probe.form.table.alias("lead")
    scope, values = _scope(probe, search.types)
    found = select(_key(row).label("key")).where(
        _within(row, scope),
        probe.form.found(row, values.columns, scope.columns[0] if scope else None),
        probe.form.passes(row, values.columns),
    )
    fenced = (found.limit(limit) if limit is not None else found.offset(_FENCE)).lateral("found")
    return select(fenced.c.key).select_from(_joined(scope, values).join(fenced, true()))


class _Unnested(Struct, frozen=True):
    """The rows of arrays side by side."""

    rows: FromClause
    columns: tuple[ColumnElement[Any], ...]


def _unnested(name: str, arrays: Sequence[Array], types: Sequence[Any]) -> _Unnested:
    names = [f"{name}_{number}" for number in range(len(arrays))]
    columns = [column(each, type_) for each, type_ in zip(names, types, strict=True)]
    rows = func.unnest(*arrays).table_valued(*columns, name=name).render_derived()
    return _Unnested(rows, tuple(rows.c[each] for each in names))


def _hashes(types: Array) -> Any:
    """The hashes of an array of types, as the indexes of `resource` have them."""
    scope = _unnested("type", [types], [Text()])
    return func.array(select(func.hashtextextended(scope.columns[0], _FENCE)).select_from(scope.rows).scalar_subquery())


def _scope(probe: BoundProbe, types: Array) -> tuple[_Unnested | None, _Unnested]:
    """What the probe's values are looked up within (sources, types, nothing for an identity), and the values."""
    values = _unnested("wanted", probe.columns, probe.form.types)
    if probe.sources is not None:
        return _unnested("source", [probe.sources], [Integer()]), values
    if probe.form.ordered:
        return None, values
    return _unnested("type", [types], [Text()]), values


def _joined(scope: _Unnested | None, values: _Unnested) -> FromClause:
    return values.rows if scope is None else scope.rows.join(values.rows, true())


def _within(row: FromClause, scope: _Unnested | None) -> Condition:
    """The row is one of the scope, and not a tombstone's."""
    if "source" in row.c and scope is not None:
        return row.c.source == scope.columns[0]
    current: Condition = row.c.content.is_not(None)
    if scope is None:
        return current
    wanted = scope.columns[0]
    return and_(
        func.hashtextextended(row.c.type, _FENCE) == func.hashtextextended(wanted, _FENCE),
        row.c.type == wanted,
        current,
    )


def _key(row: FromClause) -> KeyedColumnElement[int]:
    return row.c.resource_key if "resource_key" in row.c else row.c.key


def _probes(search: Search, key: str, *, except_for: BoundCriterion | None) -> list[Condition]:
    """One condition per criterion on the resource whose key the enclosing select has under the name `key`.

    It is referred to by name, because SQLAlchemy would not correlate an expression across the fence.
    """
    return [_criterion(each, literal_column(key, BigInteger)) for each in search.criteria if each is not except_for]


def _criterion(criterion: BoundCriterion, key: ColumnElement[int]) -> Condition:
    holds = or_(*(_probe(probe, key) for probe in criterion.probes))
    return not_(holds) if criterion.shape.negated else holds


def _probe(probe: BoundProbe, key: ColumnElement[int]) -> Condition:
    """Whether one of the few rows that the table has for the resource passes."""
    table = probe.form.table
    row = select(table).where(_key(table) == key).offset(_FENCE).subquery("probed")
    found: Select[Any] = select(literal_column("1")).select_from(row)
    if probe.sources is not None:
        found = found.where(row.c.source == any_(probe.sources))
    if len(probe.columns) == 1:
        found = found.where(probe.form.passes(row, [any_(probe.columns[0])]))
    elif probe.columns:
        values = _unnested("alternative", probe.columns, probe.form.types)
        found = found.join(values.rows, true()).where(probe.form.passes(row, values.columns))
    return found.offset(_FENCE).exists()
