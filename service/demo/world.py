"""A referral and its patient in memory: every step is ruled on as if a client had sent it, and kept with its history.

What the database would be asked is known here: nobody else works on the episode, and it belongs to the two sides.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from service.demo.directory import SYNTHETIC
from service.fhir import codec
from service.fhir.interaction import Context
from service.fhir.outcome import FhirError
from service.fhir.resource import Version
from service.fhir.stamp import new_logical_id, next_instant, stamped
from service.interactions.rules import Proposal
from service.loop.episode import READ_BESIDE, Loaded, belonging, new_referral
from service.loop.rules import CLINICAL, LOOP
from service.massage.cycle import Episode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from random import Random

    from service.fhir.resource import Content
    from service.fhir.validation import Validator
    from service.interactions.rules import Addition
    from service.loop.episode import Name
    from service.loop.rules import ReferralRules
    from service.massage.assessment.rows import Form

BEGINNING: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""When the organisations were registered."""

_BITS: Final = 74
_SCREENED: Final = CLINICAL - {"Observation", "Procedure"} | {"ServiceRequest"}
"""What is known of a demo's patient changes with these alone: what its sessions measure endangers nobody."""


class Sent(Struct, frozen=True, kw_only=True):
    """A unit of work as a client would have sent it: for which organisation, when, and the contents."""

    organisation: str
    moment: datetime
    contents: tuple[Content, ...]


class Kept(Struct, kw_only=True):
    """A resource: whom it belongs to, its versions, and the content of the last."""

    maker: str
    versions: list[Version] = field(default_factory=list)
    content: Content = field(default_factory=dict)


def marked(maker: str, content: Content) -> Kept:
    """A resource of an organisation that nobody rules on, such as the organisation itself."""
    kept = Kept(maker=maker)
    keep(kept, BEGINNING, content)
    return kept


def keep(kept: Kept, moment: datetime, content: Content) -> None:
    """One more version, marked as made up."""
    previous = kept.versions[-1] if kept.versions else None
    number = previous.version_id + 1 if previous else 1
    last_updated = next_instant(moment, previous.last_updated if previous else None)
    sent = content | {"meta": content.get("meta", {}) | {"security": [SYNTHETIC]}}
    kind, logical_id = content["resourceType"], content["id"]
    kept.content = stamped(sent, logical_id=logical_id, version_id=number, last_updated=last_updated)
    kept.versions.append(
        Version(
            type=kind,
            id=logical_id,
            version_id=number,
            last_updated=last_updated,
            method="PUT",
            content=codec.encode(kept.content),
        )
    )


class Surroundings(Struct, frozen=True, kw_only=True):
    """What all episodes share: the rules, the served types, what checks contents, the check before a session."""

    rules: ReferralRules
    types: Collection[str]
    check: Form
    validator: Validator


class World:
    """The resources of one patient with one referral; `beside` are those who refer and treat."""

    def __init__(self, around: Surroundings, beside: Iterable[Content], random: Random) -> None:
        self._around = around
        self._beside: dict[str, dict[str, Content]] = {}
        for each in beside:
            self._beside.setdefault(each["resourceType"], {})[each["id"]] = each
        self._random = random
        self.kept: dict[Name, Kept] = {}
        self.sent: list[Sent] = []

    @property
    def check(self) -> Form:
        """The form of the questions before a session."""
        return self._around.check

    def new_id(self, moment: datetime) -> str:
        """An id for what is made at a moment."""
        return new_logical_id(moment, self._random.getrandbits(_BITS))

    def content(self, kind: str, logical_id: str) -> Content:
        """A resource as it stands."""
        return self.kept[kind, logical_id].content

    def all(self, kind: str) -> list[Content]:
        """The resources of a type."""
        return [each.content for (name, _), each in self.kept.items() if name == kind]

    def changed(self, kind: str, logical_id: str, **elements: Any) -> Content:
        """A resource as it is to become; None takes an element away."""
        content = self.content(kind, logical_id) | elements
        return {name: value for name, value in content.items() if value is not None}

    def act(self, organisation: str, moment: datetime, *contents: Content) -> None:
        """What an organisation sends in one unit; FhirError as its client would get it."""
        self.sent.append(Sent(organisation=organisation, moment=moment, contents=contents))
        proposals = [self._proposal(each) for each in contents]
        added = self._ruled(organisation, moment, proposals)
        settled = {(each.type, each.id): each.content for each in added}
        for each in proposals:
            if each.after is not None and each.after != each.before:
                self._keep(organisation, moment, settled.pop((each.type, each.id), each.after))
        for content in settled.values():
            self._keep(organisation, moment, content)

    def let_expire(self, organisation: str, moment: datetime) -> None:
        """What the service does by its clock, for whom the Task is."""
        loaded = self._loaded()
        for each in self._around.rules.expired_of(self._context(organisation, moment), loaded, self._episode(loaded)):
            self._keep(organisation, moment, each.content)

    def _proposal(self, content: Content) -> Proposal:
        name = (content["resourceType"], content["id"])
        if issues := self._around.validator.issues(content, name[0]):
            raise FhirError(issues=issues)
        kept = self.kept.get(name)
        before = kept.content if kept else None
        return Proposal(type=name[0], id=name[1], before=before, after=content, if_match=True)

    def _ruled(self, organisation: str, moment: datetime, proposals: Sequence[Proposal]) -> list[Addition]:
        context = self._context(organisation, moment)
        ordered = [each for each in proposals if each.type == "ServiceRequest"]
        is_new = bool(ordered) and ordered[0].before is None
        if not is_new and not self.all("ServiceRequest"):
            return []
        loaded = new_referral(ordered[0]) if is_new else self._loaded()
        own = belonging(loaded, proposals, context.base, self._around.types)
        about = None
        if any(each.type in _SCREENED for each in proposals):
            after = {(each.type, each.id): each.after for each in proposals if each.after is not None}
            stored = {name: each.content for name, each in self.kept.items()}
            about = [each for (kind, _), each in (stored | after).items() if kind in _SCREENED]
        added, _ = self._around.rules.ruled(context, loaded, own, proposals, self._episode(loaded, proposals), about)
        return added

    def _loaded(self) -> Loaded:
        members = {name: each for name, each in self.kept.items() if name[0] in LOOP}
        (referral,) = self.all("ServiceRequest")
        return Loaded(
            id=referral["id"],
            content=referral,
            versions={name: each.versions[-1] for name, each in members.items()},
            contents={name: each.content for name, each in members.items()},
        )

    def _episode(self, loaded: Loaded, proposals: Sequence[Proposal] = ()) -> Episode:
        by_type: dict[str, dict[str, Content]] = {kind: {**known} for kind, known in self._beside.items()}
        for (kind, logical_id), each in self.kept.items():
            if kind in LOOP or kind in READ_BESIDE:
                by_type.setdefault(kind, {})[logical_id] = each.content
        for proposal in proposals:
            if proposal.type in READ_BESIDE and proposal.after:
                by_type.setdefault(proposal.type, {})[proposal.id] = proposal.after
        return Episode(referral=loaded.content, resources=by_type)

    def _context(self, organisation: str, moment: datetime) -> Context:
        return Context(base="", request_id="demo", received_at=moment, organisation=organisation)

    def _keep(self, organisation: str, moment: datetime, content: Content) -> None:
        name = (content["resourceType"], content["id"])
        keep(self.kept.setdefault(name, Kept(maker=organisation)), moment, content)
