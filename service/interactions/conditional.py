"""Conditional interactions: criteria that stand where an id would. https://hl7.org/fhir/R4/http.html#ccreate

Criteria that match nothing are claimed by the statement that makes something for them, so that two clients which create
the same thing at the same time make one (see `store.write_statement`).
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from service.fhir.bundle_plan import located, refuse_equal_targets
from service.fhir.interaction import Create, Criteria, Delete, Update
from service.fhir.links import conditional_references, may_refer_by_criteria
from service.fhir.outcome import FhirError, failure
from service.fhir.search.parse import parse_criteria
from service.fhir.search.parse_chain import link_count
from service.fhir.search.seen import known_to
from service.fhir.url_encoding import parse_query
from service.interactions.permission import permitted
from service.interactions.vouching import (
    is_shared,
    is_unvouched,
    makers_of,
    names_party,
    of_stranger,
    organisation_in,
    organisations_in,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from service.fhir.bundle_plan import Write
    from service.fhir.interaction import Context, Parameters
    from service.fhir.search.query import Query
    from service.interactions.parts import Parts
    from service.interactions.write import WriteRequest
    from service.store.change import Change
    from service.store.joining import Births
    from service.store.match import Matched
    from service.store.store import Session

_MOST_CRITERIA: Final = 8
_MOST_LINKS: Final = 4
"""Criteria, and links of chains, where an id would stand: they name one resource, while a search finds many."""

_CRITERIA_PER_ENTRY: Final = 4
"""Criteria of a unit of work, links among them, for each entry that a Bundle may have.

All are asked for in one statement, whose text, and the plan that a connection keeps of it, grow with them.
"""

_MOST_OF_STRANGERS: Final = 1000
"""Resources under an identifier that are looked through, beside those of trusted ones, for what nobody made."""

Match = tuple[str, str]
"""The type and id of a resource that criteria match."""


class Condition(Struct, frozen=True, kw_only=True):
    """Criteria, parsed, and the signed 64-bit `key` under which they are claimed.

    `where` is the FHIRPath of the Bundle entry that they stand in, or empty; `names_party`: whether they say who asks
    for something, or performs it, and `organisations` which ones they name by their ids.
    """

    resource_type: str
    query: Query
    key: int
    where: str
    names_party: bool = False
    organisations: frozenset[UUID] = frozenset()


def key_of(resource_type: str, parameters: Parameters) -> int:
    """The key of criteria, the same for any order of the parameters."""
    text = "\x1f".join([resource_type, *(f"{name}\x1e{value}" for name, value in sorted(parameters))])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)


class Matches(Struct, frozen=True, kw_only=True):
    """What the criteria of a unit of work match: per index of its requests, and per conditional reference.

    `versions` are the version ids of what matched, `claims` the generations of those that something has to be made for.
    """

    requests: dict[int, list[Match]]
    references: dict[str, str]
    versions: dict[Match, int]
    claims: dict[int, int]


class Conditions:
    """All criteria of a unit of work, parsed before the database is asked; FhirError for any that are not plain."""

    def __init__(self, parts: Parts, context: Context, requests: Sequence[WriteRequest], *, references: bool) -> None:
        self._parts = parts
        self._context = context
        self._requests = requests
        self._left = max(_CRITERIA_PER_ENTRY * parts.limits.max_bundle_entries, _MOST_CRITERIA + _MOST_LINKS)
        """How many criteria, links among them, the rest of the unit may have."""
        self._of_requests = {
            index: condition for index, request in enumerate(requests) if (condition := self._of_request(request))
        }
        self._of_references = self._conditional_references() if references else {}
        # one match and several must be told apart even when every deletion of the unit takes one away
        self._enough = 2 + sum(isinstance(request.interaction, Delete) for request in requests)

    def __bool__(self) -> bool:
        return bool(self._of_requests or self._of_references)

    def __contains__(self, index: int) -> bool:
        return index in self._of_requests

    def keys(self) -> set[int]:
        """The keys of all criteria that stand where an id would."""
        return {condition.key for condition in self._of_requests.values()}

    @cached_property
    def are_likely_new(self) -> bool:
        """Whether everything may well have to be made: creates alone, by criteria that have not matched lately."""
        keys = self.keys()
        return (
            bool(keys)
            and len(keys) == len(self._of_requests)
            and not self._of_references
            and all(isinstance(request.interaction, Create) for request in self._requests)
            and not self._parts.known_criteria.has_any(keys)
        )

    async def match(self, session: Session) -> Matches:
        """What they match now, without what the unit itself deletes: R4 processes DELETE first."""
        if not self:
            return Matches(requests={}, references={}, versions={}, claims={})
        matched = await session.match(self._queries(), self.keys(), enough=self._enough)
        return self._matches(await self._vouched_for(session, await self._of_its_own(session, matched)))

    async def write_if_new(self, session: Session, changes: Sequence[Change], births: Births) -> Matches | None:
        """Write the changes that are to be made if nothing matches, in the statement that looks; else what matches."""
        queries, keys = self._queries(), self.keys()
        matched = await session.write_unless_matched(changes, queries, keys, births=births, enough=self._enough)
        if matched is None:
            return None
        return self._matches(await self._vouched_for(session, await self._of_its_own(session, matched)))

    async def _of_its_own(self, session: Session, matched: Matched) -> Matched:
        """What the rules know a resource again by, without what others made: that, anybody may write."""
        places = {
            place
            for place, index in enumerate(self._of_requests)
            if _sent_criteria(self._requests[index].interaction) is None
        }
        theirs = await session.made_by_others([match for place in places for match in matched.found[place]])
        if not theirs:
            return matched
        found = [
            [match for match in every if place not in places or match not in theirs]
            for place, every in enumerate(matched.found)
        ]
        return replace(matched, found=found)

    async def _vouched_for(self, session: Session, matched: Matched) -> Matched:
        """What matches, without what strangers may have stored for that: it is neither meant nor in the way.

        A reference takes that, too, if nothing else matches; FhirError identity-conflict if it says who asks, or who
        performs.
        """
        shared = [
            (place, condition, organisation_in(self._parts, self._context, self._requests[index].interaction))
            for place, (index, condition) in enumerate(self._of_requests.items())
            if is_shared(condition.resource_type)
        ]
        shared += [
            (place, condition, condition.organisations)
            for place, condition in enumerate(self._of_references.values(), len(self._of_requests))
            if is_shared(condition.resource_type)
        ]
        every = [match for place, *_ in shared for match in matched.found[place]]
        makers = await makers_of(self._parts, session, every)
        if not any(is_unvouched(made, ()) for made in makers.values()):
            return matched
        # however many strangers have stored, what the trusted ones did is found by itself
        vouched = [known_to(condition.query, session.trusted | meant) for _, condition, meant in shared]
        again = await session.match(
            [*vouched, *(condition.query for _, condition, _ in shared)], enough=_MOST_OF_STRANGERS
        )
        makers = await makers_of(self._parts, session, [match for matches in again.found for match in matches])
        found = [*matched.found]
        for number, (place, condition, meant) in enumerate(shared):
            matches = [*dict.fromkeys((*again.found[number], *again.found[number + len(shared)]))]
            found[place] = [match for match in matches if not is_unvouched(makers.get(match), meant)]
            if found[place] or not matches or place < len(self._of_requests):
                continue
            if condition.names_party:
                raise of_stranger(condition.resource_type, condition.where)
            found[place] = matches  # it is only told who or what is meant, and nobody gains by it
        return replace(matched, found=found, versions=matched.versions | again.versions)

    def none(self) -> Matches:
        """That nothing matches."""
        return Matches(requests={index: [] for index in self._of_requests}, references={}, versions={}, claims={})

    def note_made(self) -> None:
        """Something was made for all that matched nothing: they match from now on."""
        if self._of_requests:
            self._parts.known_criteria.add(self.keys())

    def _queries(self) -> list[Query]:
        return [condition.query for condition in (*self._of_requests.values(), *self._of_references.values())]

    def _matches(self, matched: Matched) -> Matches:
        matches = dict(zip(self._of_requests, matched.found, strict=False))
        self._parts.known_criteria.add(
            condition.key for index, condition in self._of_requests.items() if matches[index]
        )
        doomed = self._doomed(matches)
        matches = {
            index: every if isinstance(self._requests[index].interaction, Delete) else _without(every, doomed)
            for index, every in matches.items()
        }
        making = {
            index: condition
            for index, condition in self._of_requests.items()
            if not matches[index] and isinstance(self._requests[index].interaction, Create | Update)
        }
        # two entries with the same criteria would make two resources that both match from then on
        refuse_equal_targets(
            (condition.where, (condition.resource_type, str(condition.key))) for condition in making.values()
        )
        return Matches(
            requests=matches,
            versions=matched.versions,
            references=self._literal_references(matched.found[len(self._of_requests) :], doomed),
            claims={condition.key: matched.claims[condition.key] for condition in making.values()},
        )

    def _doomed(self, matches: dict[int, list[Match]]) -> set[Match]:
        doomed: set[Match] = set()
        for index, request in enumerate(self._requests):
            if isinstance(request.interaction, Delete):
                target = request.interaction.target
                doomed.update(matches[index] if index in matches else {(request.interaction.type, str(target))})
        return doomed

    def _literal_references(self, found: Sequence[list[Match]], doomed: set[Match]) -> dict[str, str]:
        literal = {}
        for (reference, condition), every_match in zip(self._of_references.items(), found, strict=True):
            matches = _without(every_match, doomed)
            if len(matches) != 1:
                code, how_many = ("reference-ambiguous", "several") if matches else ("reference-unmatched", "no")
                told = f"A conditional reference matches {how_many} resources; it must match exactly one."
                raise failure(code, told, condition.where)
            literal[reference] = "/".join(matches[0])
        return literal

    def _of_request(self, request: WriteRequest) -> Condition | None:
        sent = _sent_criteria(request.interaction)
        parameters = self._known_by(request.interaction) if sent is None else sent.parameters
        return None if parameters is None else self._condition(request.interaction.type, parameters, request.where)

    def _known_by(self, interaction: Write) -> Parameters | None:
        """What the rules of the domain say that a resource must not be made twice by."""
        rules = self._parts.rules
        return rules.criteria(interaction) if rules is not None and isinstance(interaction, Create) else None

    def _conditional_references(self) -> dict[str, Condition]:
        conditions: dict[str, Condition] = {}
        sent = [
            (request.where, request.interaction.content)
            for request in self._requests
            if isinstance(request.interaction, Create | Update)
        ]
        if not may_refer_by_criteria([content for _, content in sent]):
            return conditions
        for place, content in sent:
            found = conditional_references(content, self._context.base)
            for reference in found:
                is_party = names_party(content, reference.path, reference.type)
                known = conditions.get(reference.text)
                if known is not None and (known.names_party or not is_party):
                    continue
                where = f"{place}.resource.{reference.path}"
                if known is not None:
                    conditions[reference.text] = replace(known, where=where, names_party=True)
                    continue
                self._require_known(reference.type, where)
                parameters = parse_query(reference.query.encode(), where)
                condition = self._condition(reference.type, parameters, where)
                named = organisations_in(self._parts, self._context, parameters)
                conditions[reference.text] = replace(condition, names_party=is_party, organisations=named)
        return conditions

    def _require_known(self, resource_type: str, where: str) -> None:
        if resource_type not in self._parts.definitions.all_type_names:
            told = f"R4 has no resource type {resource_type[:64]}; a reference by criteria begins with one."
            raise failure("reference-invalid", told, where)

    def _condition(self, resource_type: str, parameters: Parameters, where: str) -> Condition:
        try:
            query = parse_criteria(
                self._parts.registry,
                resource_type,
                parameters,
                base=self._context.base,
                zone=self._parts.zone,
                limits=self._parts.limits.search,
            )
            self._count(query)
            query = permitted(self._parts, self._context, query)
        except FhirError as error:
            raise located(error, where) from error
        return Condition(resource_type=resource_type, query=query, key=key_of(resource_type, parameters), where=where)

    def _count(self, query: Query) -> None:
        """FhirError too-costly for more than one condition, or all of the unit together, may have."""
        criteria, links = len(query.where.criteria), sum(link_count(each) for each in query.where.criteria)
        if criteria > _MOST_CRITERIA or links > _MOST_LINKS:
            text = f"Criteria in the place of an id are at most {_MOST_CRITERIA}, with {_MOST_LINKS} links of chains."
            raise failure("too-costly", text, "http.criteria")
        self._left -= criteria + links
        if self._left < 0:
            text = "The criteria of all entries are too many; send the Bundle in parts."
            raise failure("too-costly", text, "http.criteria")


def _sent_criteria(interaction: Write) -> Criteria | None:
    """What the client itself sent in the place of an id, or to find what is there already."""
    sent = interaction.if_none_exist if isinstance(interaction, Create) else interaction.target
    return sent if isinstance(sent, Criteria) else None


def _without(matches: Sequence[Match], doomed: set[Match]) -> list[Match]:
    return [match for match in matches if match not in doomed]


def single_match(matches: Sequence[Match], where: str) -> Match | None:
    """The one resource that matched, or None; FhirError multiple-matches."""
    if len(matches) > 1:
        raise failure(
            "multiple-matches", "The criteria match more than one resource; use criteria that select one.", where
        )
    return matches[0] if matches else None
