"""The unit of work behind every write: one create, or all writes of a transaction Bundle, in the same few statements.

    match criteria → read targets → prepare (pure) → check references → write all

Steps that have nothing to do are left out, so a create is one statement, an update two, a transaction Bundle two or
three; where everything is likely to be new, one statement both matches and writes. A unit runs without locks first: the
statement that writes sees by itself whether anything has changed since it was read, and then writes nothing. After that
it runs again in a transaction that locks criteria and rows. https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from service.fhir.bundle_plan import Write, below, located, refuse_equal_targets
from service.fhir.interaction import Create, Delete, Patch, Update
from service.fhir.outcome import FhirError, Issue, Result, failure
from service.interactions import create, delete, patch, search_parameters, sight, update
from service.interactions.births import births, stand_alone
from service.interactions.conditional import Conditions, single_match
from service.interactions.integrity import check_integrity, with_every_reference
from service.interactions.meanwhile import while_waiting
from service.interactions.provenance import check as check_provenance
from service.interactions.provenance import provenance
from service.interactions.ruling import came_by, concerned, proposals, touched, with_additions
from service.interactions.writing import Target, Written, content_issues, links_of, require_logical_id
from service.store.change import Conflict
from service.store.joining import Births

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from service.fhir.audit.record import Record
    from service.fhir.interaction import Context
    from service.interactions.conditional import Matches
    from service.interactions.parts import Parts
    from service.store.change import Change
    from service.store.store import Session

_ATTEMPTS: Final = 10


class WriteRequest(Struct, frozen=True, kw_only=True):
    """A write and the id for a resource that it makes; `where` is the FHIRPath of its Bundle entry, or empty."""

    interaction: Write
    new_id: str
    full_url: str | None = None
    where: str = ""


async def write(
    parts: Parts,
    context: Context,
    requests: Sequence[WriteRequest],
    *,
    bundle: bool = False,
    afterwards: Callable[[Session], Awaitable[None]] | None = None,
    meanwhile: Callable[[list[Written]], None] | None = None,
) -> list[Written]:
    """Perform all writes or none. In a `bundle` links are resolved; `afterwards` reads in the same transaction.

    `meanwhile` gets what will have been written while the database is at it, for each attempt.
    """
    unit = _Unit(parts, context, requests, bundle=bundle, meanwhile=meanwhile)
    for attempt in range(_ATTEMPTS):
        try:
            if attempt or afterwards or unit.in_one_transaction:
                async with parts.store.transaction(unit.locks(criteria=attempt > 0)) as session:
                    written = await unit.run(session, lock=True)
                    if afterwards:
                        await afterwards(session)
            else:
                async with parts.store.session() as session:
                    written = await unit.run(session, lock=False)
        except Conflict:
            continue
        if unit.defines_search:
            parts.lease.lapse()
        unit.settle()
        return written
    raise failure("edit-conflict", "Other clients keep changing the same resource; send the request again.")


class _Unit:
    """The writes of one unit, parsed and validated; `run` may be called again after a conflict."""

    def __init__(
        self,
        parts: Parts,
        context: Context,
        requests: Sequence[WriteRequest],
        *,
        bundle: bool,
        meanwhile: Callable[[list[Written]], None] | None,
    ) -> None:
        self._parts = parts
        self._context = context
        self._requests = requests
        self._bundle = bundle
        self._meanwhile = meanwhile
        self._checked = False
        self._records: list[Record] = []
        self._is_kept = False
        check_provenance(parts, context)
        self.defines_search = any(request.interaction.type == search_parameters.TYPE for request in requests)
        try:
            self._rules = parts.rules if concerned(parts, [request.interaction for request in requests]) else None
            self._links_referrals = any(sight.may_link(parts, request.interaction) for request in requests)
            self.conditions = Conditions(parts, context, requests, references=bundle)
        except Exception:
            self._check_contents()  # their faults are told first, and trip who reads them
            raise
        if not self.conditions:
            self._check_contents()

    @cached_property
    def in_one_transaction(self) -> bool:
        """Whether several statements have to see and write the same."""
        if self.defines_search or self._parts.limits.referential_integrity:
            return True
        if not self._links_referrals and not self._rules:
            return False
        interactions = [request.interaction for request in self._requests]
        return not self.conditions.are_likely_new or not stand_alone(self._parts, self._context, interactions)

    def _check_contents(self) -> None:
        if not self._checked:
            _check_contents(self._parts, self._requests)
            self._checked = True

    def locks(self, *, criteria: bool) -> set[int]:
        """The keys to lock before anything is read."""
        keys = self.conditions.keys() if criteria else set()
        return keys | {search_parameters.LOCK} if self.defines_search else keys

    async def run(self, session: Session, *, lock: bool) -> list[Written]:
        """One attempt; `lock` the rows that it reads, in a transaction."""
        matches = None
        if not lock and self.conditions.are_likely_new:
            written, matches = await self._made(session)
            if matches is None:
                return written
            if self._links_referrals or self._rules:
                raise Conflict
        if matches is None:
            matches = await self._matched(session)
        written, beside, changes = await self._prepared(session, matches, lock=lock)
        meanwhile = self._told(written)
        if changes:
            await while_waiting(session.write(changes, matches.claims), meanwhile)
        elif meanwhile:
            meanwhile()
        if self._links_referrals or (self._rules and beside):  # what the rules add may hang on a referral
            await sight.link(self._parts, self._context, session, [*written, *beside])
        if self.defines_search:
            where = [request.where for request in self._requests]
            await search_parameters.take_effect(self._parts, session, zip(where, written, strict=True))
        return written

    async def _made(self, session: Session) -> tuple[list[Written], Matches | None]:
        """All of it as if it were new, and what matches if it is not: then nothing is written.

        Most referrals are new, and one statement finds that out and writes them. Conflict where they have to be looked
        at in a transaction.
        """
        self._check_contents()
        try:
            written, beside, changes = await self._prepared(session, self.conditions.none(), lock=False)
        except FhirError as error:
            if self._rules is None:
                raise
            raise Conflict from error  # what is there already may well be allowed
        born: tuple[list[Change], Births] | None = changes, Births()
        if self._links_referrals or (self._rules and beside):
            born = births(self._parts, self._context, [*written, *beside], changes)
        if born is None:
            raise Conflict
        return written, await while_waiting(self.conditions.write_if_new(session, *born), self._told(written))

    def _told(self, written: list[Written]) -> Callable[[], None] | None:
        return None if self._meanwhile is None else partial(self._meanwhile, written)

    async def _prepared(
        self, session: Session, matches: Matches, *, lock: bool
    ) -> tuple[list[Written], list[Written], list[Change]]:
        """What the requests come to when their criteria match this, what comes beside, and the changes of both."""
        targets = self._targets(matches.requests)
        refuse_equal_targets(
            (request.where, (target.type, target.id))
            for request, target in zip(self._requests, targets, strict=True)
            if target and not (target.matched and isinstance(request.interaction, Create))
        )
        interactions = [request.interaction for request in self._requests]
        rules = self._rules
        if rules is not None and lock and (identities := touched(self._parts, self._context, interactions, targets)):
            await rules.lock(session, identities)
        targets = await self._with_previous(session, targets, matches.versions, lock=lock)
        added_to = await sight.require_own(session, interactions, targets)
        links = None
        if self._bundle:
            links = links_of(self._parts, interactions, targets, matches.references)
            targets = [target and replace(target, links=links) for target in targets]
        written = [self._prepare(request, target) for request, target in zip(self._requests, targets, strict=True)]
        sight.require_only_added(self._parts, self._context, added_to, targets, written)
        await sight.require_part(self._parts, self._context, session, targets, written)
        added: list[Written] = []
        if rules is not None:
            ruling = await rules.rule(session, self._context, [*proposals(interactions, targets, written)])
            written, added = with_additions(self._parts, self._context, targets, written, ruling)
        beside = [*added, *provenance(self._parts, self._context, written, links)]
        if self._parts.limits.referential_integrity:
            every = with_every_reference(self._parts, self._context, [*written, *beside])
            await check_integrity(self._parts, self._context, session, every, [each.where for each in self._requests])
            written, beside = every[: len(written)], every[len(written) :]
        return written, beside, self._on_record(written, targets, beside)

    def _on_record(
        self, written: Sequence[Written], targets: Sequence[Target | None], beside: Sequence[Written]
    ) -> list[Change]:
        """The changes, with the records of all writes of the unit and of the Bundle that they came in."""
        changes = [one.change for one in (*written, *beside) if one.change]
        trail = self._context.trail
        if trail is None:
            return changes
        self._records = [
            trail.written(request.interaction, one.result, one.version, target.content if target else None)
            for request, one, target in zip(self._requests, written, targets, strict=True)
        ]
        self._records += [trail.written(came_by(one.version), one.result, one.version) for one in beside if one.version]
        self._is_kept = bool(changes)
        if not changes:
            return changes
        records = [*self._records, trail.processed()] if self._bundle else self._records
        return [replace(changes[0], records=tuple(records)), *changes[1:]]

    def settle(self) -> None:
        """What was on record with the changes is settled; entries that changed nothing are left to be put on record."""
        self.conditions.note_made()
        trail = self._context.trail
        if trail is None:
            return
        if self._is_kept:
            trail.settle()
        elif self._bundle:
            trail.add(*self._records)

    async def _matched(self, session: Session) -> Matches:
        """What the criteria match; the contents are validated while the database looks for it."""
        return await while_waiting(self.conditions.match(session), None if self._checked else self._check_contents)

    def _targets(self, matches: dict[int, list[tuple[str, str]]]) -> list[Target | None]:
        """The resource that each request acts on; None for a conditional delete that matched nothing."""
        return [
            self._target(request, matches.get(index), conditional=index in self.conditions)
            for index, request in enumerate(self._requests)
        ]

    def _target(
        self, request: WriteRequest, matches: list[tuple[str, str]] | None, *, conditional: bool
    ) -> Target | None:
        interaction = request.interaction
        match = single_match(matches or (), request.where or "http.criteria")
        if match:
            logical_id = match[1]
        elif isinstance(interaction, Create):
            logical_id = request.new_id
        elif not conditional:
            logical_id = str(interaction.target)
        elif isinstance(interaction, Update):
            logical_id = interaction.content.get("id", request.new_id)
            require_logical_id(logical_id)
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
        self, session: Session, targets: Sequence[Target | None], versions: dict[tuple[str, str], int], *, lock: bool
    ) -> list[Target | None]:
        """The targets with their latest versions; Conflict where criteria matched others than these, `versions`."""
        wanted = [
            (target.type, target.id)
            for request, target in zip(self._requests, targets, strict=True)
            if target and (target.matched or not isinstance(request.interaction, Create))
        ]
        if not wanted:
            return [*targets]
        current = await session.current(wanted, lock=lock)
        found = [target and replace(target, previous=current.get((target.type, target.id))) for target in targets]
        for target in found:
            seen = versions.get((target.type, target.id)) if target and target.matched else None
            if target and seen is not None and (target.previous is None or target.previous.version_id != seen):
                raise Conflict
        return found

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


def _check_contents(parts: Parts, requests: Sequence[WriteRequest]) -> None:
    """Validate every content before anything is locked or written; all issues of all entries in one FhirError."""
    issues: list[Issue] = []
    for request in requests:
        interaction = request.interaction
        found: list[Issue] = []
        if isinstance(interaction, Create | Update):
            found = content_issues(parts, interaction)
        issues.extend(below(issue, request.where) if request.where else issue for issue in found)
        if not isinstance(interaction, Create) and isinstance(interaction.target, str):
            require_logical_id(interaction.target)
    if issues:
        raise FhirError(issues=issues)
