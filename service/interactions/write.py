"""The unit of work behind every write: one create, or all writes of a transaction Bundle, in the same few statements.

    match criteria → lock and match those of nothing → read targets → prepare (pure) → check references → write all

Steps that have nothing to do are left out, so a create is one statement and an update two. A unit that needs no lock
runs without an explicit transaction, first in the hope that nobody else writes the same resource; when somebody does,
it runs again with its rows locked. https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, assert_never

from service.fhir.bundle_plan import Write, refuse_equal_targets
from service.fhir.interaction import Create, Criteria, Delete, Patch, Update
from service.fhir.links import Links, conditional_references
from service.fhir.outcome import FhirError, Issue, Result, failure
from service.fhir.url_encoding import parse_query
from service.interactions import create, delete, patch, update
from service.interactions.conditional import criteria_query, lock_key, single_match
from service.interactions.integrity import check_integrity, with_every_reference
from service.interactions.writing import Target, Written, content_issues, require_logical_id
from service.store.change import Conflict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from service.fhir.interaction import Context, Parameters
    from service.fhir.resource import Version
    from service.fhir.search.query import Query
    from service.interactions.parts import Parts
    from service.store.store import Session

_ATTEMPTS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRequest:
    """A write and the id for a resource that it makes; `where` is the FHIRPath of its Bundle entry, or empty."""

    interaction: Write
    new_id: str
    full_url: str | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class _Condition:
    resource_type: str
    parameters: Parameters
    query: Query


async def write(
    parts: Parts,
    context: Context,
    requests: Sequence[WriteRequest],
    *,
    bundle: bool = False,
    afterwards: Callable[[Session], Awaitable[None]] | None = None,
) -> list[Written]:
    """Perform all writes or none. In a `bundle` links are resolved; `afterwards` reads in the same transaction."""
    unit = _Unit(parts, context, requests, bundle=bundle)
    for attempt in range(_ATTEMPTS):
        try:
            if unit.needs_transaction or afterwards or attempt:
                async with parts.store.transaction() as session:
                    written = await unit.run(session, lock=True)
                    if afterwards:
                        await afterwards(session)
            else:
                async with parts.store.session() as session:
                    written = await unit.run(session, lock=False)
        except Conflict:
            continue
        return written
    raise failure("edit-conflict", "Other clients keep changing the same resource; send the request again.")


class _Unit:
    """The writes of one unit, parsed and validated; `run` may be called again after a conflict."""

    def __init__(self, parts: Parts, context: Context, requests: Sequence[WriteRequest], *, bundle: bool) -> None:
        self._parts = parts
        self._context = context
        self._requests = requests
        self._bundle = bundle
        _check_contents(parts, requests)
        self._conditions = {
            index: condition for index, request in enumerate(requests) if (condition := self._condition_of(request))
        }
        self._references = self._conditional_references() if bundle else {}
        only_creates = all(isinstance(request.interaction, Create) for request in requests)
        self.needs_transaction = bool(
            self._conditions
            or self._references
            or parts.limits.referential_integrity
            or (len(requests) > 1 and not only_creates)
        )

    async def run(self, session: Session, *, lock: bool) -> list[Written]:
        """One attempt."""
        matches, references = await self._matches(session)
        targets = self._targets(matches)
        refuse_equal_targets(
            (request.where, (target.type, target.id))
            for request, target in zip(self._requests, targets, strict=True)
            if target and not (target.matched and isinstance(request.interaction, Create))
        )
        targets = await self._with_previous(session, targets, lock=lock)
        if self._bundle:
            links = self._links(targets, references)
            targets = [target and replace(target, links=links) for target in targets]
        written = [self._prepare(request, target) for request, target in zip(self._requests, targets, strict=True)]
        if self._parts.limits.referential_integrity:
            written = with_every_reference(self._parts, self._context, written)
            await check_integrity(self._parts, self._context, session, written)
        changes = [one.change for one in written if one.change]
        if changes:
            await session.write(changes)
        return written

    def _condition_of(self, request: WriteRequest) -> _Condition | None:
        interaction = request.interaction
        criteria = interaction.if_none_exist if isinstance(interaction, Create) else interaction.target
        if not isinstance(criteria, Criteria):
            return None
        query = criteria_query(self._parts, self._context, interaction.type, criteria.parameters)
        return _Condition(interaction.type, criteria.parameters, query)

    def _conditional_references(self) -> dict[str, _Condition]:
        conditions: dict[str, _Condition] = {}
        for request in self._requests:
            if not isinstance(request.interaction, Create | Update):
                continue
            for reference, resource_type, query_text in conditional_references(request.interaction.content):
                parameters = parse_query(query_text.encode(), request.where)
                query = criteria_query(self._parts, self._context, resource_type, parameters)
                conditions[reference] = _Condition(resource_type, parameters, query)
        return conditions

    async def _matches(self, session: Session) -> tuple[dict[int, list[tuple[str, str]]], dict[str, str]]:
        """Request index → what its criteria match, and conditional reference → literal reference."""
        conditions = [*self._conditions.values(), *self._references.values()]
        if not conditions:
            return {}, {}
        found = await session.match([one.query for one in conditions])
        await self._match_again(session, conditions, found)
        matches = dict(zip(self._conditions, found, strict=False))
        doomed = self._doomed(matches)
        for index, request in enumerate(self._requests):
            if index in matches and not isinstance(request.interaction, Delete):
                matches[index] = [match for match in matches[index] if match not in doomed]
        return matches, self._literal_references(found[len(self._conditions) :], doomed)

    async def _match_again(
        self, session: Session, conditions: Sequence[_Condition], found: list[list[tuple[str, str]]]
    ) -> None:
        """What matched nothing may be created here: lock those criteria, and look whether somebody else was faster.

        What matched is not locked, so the referrals of one practice, which all name its organisation, do not queue.
        """
        unmatched = [index for index in range(len(self._conditions)) if not found[index]]
        if not unmatched:
            return
        await session.lock_criteria(
            [lock_key(conditions[index].resource_type, conditions[index].parameters) for index in unmatched]
        )
        for index, matches in zip(
            unmatched, await session.match([conditions[index].query for index in unmatched]), strict=True
        ):
            found[index] = matches

    def _doomed(self, matches: dict[int, list[tuple[str, str]]]) -> set[tuple[str, str]]:
        """What this unit deletes: R4 processes DELETE first, so no other criteria may match it."""
        doomed: set[tuple[str, str]] = set()
        for index, request in enumerate(self._requests):
            if isinstance(request.interaction, Delete):
                target = request.interaction.target
                doomed.update(matches[index] if index in matches else {(request.interaction.type, str(target))})
        return doomed

    def _literal_references(
        self, found: Sequence[list[tuple[str, str]]], doomed: set[tuple[str, str]]
    ) -> dict[str, str]:
        literal = {}
        for reference, every_match in zip(self._references, found, strict=True):
            matches = [match for match in every_match if match not in doomed]
            if len(matches) != 1:
                code, how_many = ("reference-ambiguous", "several") if matches else ("reference-unmatched", "no")
                raise failure(code, f"A conditional reference matches {how_many} resources; it must match exactly one.")
            literal[reference] = "/".join(matches[0])
        return literal

    def _targets(self, matches: dict[int, list[tuple[str, str]]]) -> list[Target | None]:
        """The resource that each request acts on; None for a conditional delete that matched nothing."""
        return [
            self._target(request, matches.get(index), conditional=index in self._conditions)
            for index, request in enumerate(self._requests)
        ]

    def _target(
        self, request: WriteRequest, matches: list[tuple[str, str]] | None, *, conditional: bool
    ) -> Target | None:
        interaction = request.interaction
        match = single_match(matches or (), request.where or "http.criteria")
        if match:
            logical_id = match[1]
            if isinstance(interaction, Update) and interaction.content.get("id", logical_id) != logical_id:
                raise failure("id-mismatch", "The content has another id than the resource that the criteria match.")
        elif isinstance(interaction, Create):
            logical_id = request.new_id
        elif not conditional:
            logical_id = str(interaction.target)
        elif isinstance(interaction, Update):
            logical_id = interaction.content.get("id", request.new_id)
        elif isinstance(interaction, Patch):
            raise failure("not-found", "The criteria match no resource.", request.where or "http.criteria")
        else:
            return None
        return Target(
            type=interaction.type,
            id=logical_id,
            previous=None,
            matched=match is not None,
            full_url=request.full_url,
            where=request.where,
        )

    async def _with_previous(
        self, session: Session, targets: Sequence[Target | None], *, lock: bool
    ) -> list[Target | None]:
        wanted = [
            (target.type, target.id)
            for request, target in zip(self._requests, targets, strict=True)
            if target and (target.matched or not isinstance(request.interaction, Create))
        ]
        current: dict[tuple[str, str], Version] = await session.current(wanted, lock=lock) if wanted else {}
        return [target and replace(target, previous=current.get((target.type, target.id))) for target in targets]

    def _links(self, targets: Sequence[Target | None], references: dict[str, str]) -> Links:
        return Links(
            targets={target.full_url: f"{target.type}/{target.id}" for target in targets if target and target.full_url},
            conditional=references,
            names=self._parts.link_names,
        )

    def _prepare(self, request: WriteRequest, target: Target | None) -> Written:
        if target is None:
            return Written(result=Result.DELETED, version=None)
        interaction = request.interaction
        try:
            match interaction:
                case Create():
                    return create.prepare(self._parts, self._context, interaction, target)
                case Update():
                    return update.prepare(self._parts, self._context, interaction, target)
                case Patch():
                    return patch.prepare(self._parts, self._context, interaction, target)
                case Delete():
                    return delete.prepare(self._parts, self._context, interaction, target)
                case _:
                    assert_never(interaction)
        except FhirError as error:
            raise located(error, request.where) from error


def located(error: FhirError, where: str) -> FhirError:
    """The error with its expressions below the Bundle entry `where`."""
    if not where:
        return error
    return FhirError(
        issues=[_below(issue, where) for issue in error.issues], retry_after_seconds=error.retry_after_seconds
    )


def _below(issue: Issue, where: str) -> Issue:
    if any(path.startswith(where) for path in issue.expression):
        return issue
    inside = [path.partition(".")[2] for path in issue.expression if not path.startswith("http.")]
    return replace(
        issue, expression=tuple(f"{where}.resource.{path}" if path else where for path in inside) or (where,)
    )


def _check_contents(parts: Parts, requests: Sequence[WriteRequest]) -> None:
    """Validate every content before anything is read or locked; all issues of all entries in one FhirError."""
    issues: list[Issue] = []
    for request in requests:
        interaction = request.interaction
        found: list[Issue] = []
        if isinstance(interaction, Create | Update):
            found = content_issues(parts, interaction)
        issues.extend(_below(issue, request.where) if request.where else issue for issue in found)
        if not isinstance(interaction, Create) and isinstance(interaction.target, str):
            require_logical_id(interaction.target)
    if issues:
        raise FhirError(issues=issues)
