"""Responses in a unit of work, held against their Questionnaires; and what in it is told to the referrer at once.

A response whose Questionnaire is not held is stored like any other content, as R4 has it, with two exceptions: where it
claims one of this service's, or belongs to a referral. What names no Questionnaire has none to be held against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.bundle_plan import below
from service.fhir.outcome import FhirError, Issue
from service.fhir.questionnaire.answers import RESPONSE, problems
from service.fhir.reference import parse_local
from service.fhir.sight import is_linked
from service.fhir.stamp import new_logical_id
from service.massage.assessment.red_flags import red_flags
from service.massage.assessment.self_harm import alarm_identifier, flag_of, is_alarming, may_be_alarming, message_of
from service.massage.cycle import Change
from service.massage.cycle.terms import references_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime

    from service.fhir.interaction import Context
    from service.fhir.questionnaire.form import Form
    from service.fhir.resource import Content
    from service.interactions.rules import Proposal
    from service.loop.episode import Loaded, Name
    from service.loop.forms import Forms
    from service.store.store import Session

_ASKED: Final = f"{RESPONSE}.questionnaire"


class Looked(Struct, frozen=True, kw_only=True):
    """What was found: responses to Questionnaires that are not held, and what says self-harm, each (type, id)."""

    unknown: frozenset[Name] = frozenset()
    alarming: frozenset[Name] = frozenset()

    def is_alarming(self, proposal: Proposal) -> bool:
        """Whether a write is to be told to the referrer at once."""
        return (proposal.type, proposal.id) in self.alarming

    def spreads(self, proposal: Proposal) -> bool:
        """Whether it is so, and nothing says to which referral it belongs: it concerns all of the patient's."""
        return self.is_alarming(proposal) and proposal.after is not None and not is_linked(proposal.after)

    def alarming_for(
        self,
        patient: str,
        own: Iterable[Proposal],
        others: Iterable[Proposal],
        patient_of: Callable[[Content], str | None],
    ) -> list[Proposal]:
        """What of a referral of the patient is to be told, and of the `others` what concerns all of the patient's."""
        spread = [each for each in others if self.spreads(each) and patient_of(each.after or {}) == patient]
        return [*(each for each in own if self.is_alarming(each)), *spread]


NOTHING_FOUND: Final = Looked()


class Responses:
    """Looks at the responses and scores of a unit."""

    def __init__(self, forms: Forms, types: Collection[str]) -> None:
        self._forms = forms
        self._types = types

    @staticmethod
    def concern(content: Content) -> bool:
        """Whether a new resource, not validated yet, has to be looked at, wherever it belongs."""
        if content["resourceType"] == RESPONSE:
            return "questionnaire" in content
        return content["resourceType"] == "Observation" and may_be_alarming(content)

    async def look(self, session: Session, context: Context, proposals: Sequence[Proposal]) -> Looked:
        """What is new in the unit; FhirError with all answers that are not allowed, and unknown forms of ours."""
        unknown, alarming, issues = set(), set(), []
        forms: dict[str, Form | None] = {}
        for each in proposals:
            after = each.after
            if after is None or after == each.before or each.type not in (RESPONSE, "Observation"):
                continue
            form = None
            if each.type == RESPONSE and "questionnaire" in after:
                named = after["questionnaire"]
                form = await self._form(session, context, after, forms)
                if form is not None:
                    issues += [_at(each, issue) for issue in problems(after, form)]
                elif self._forms.is_ours(named):
                    issues.append(_at(each, UNKNOWN))
                else:
                    unknown.add((each.type, each.id))
            if is_alarming(after, form):
                alarming.add((each.type, each.id))
        if issues:
            raise FhirError(issues=issues)
        return Looked(unknown=frozenset(unknown), alarming=frozenset(alarming))

    async def _form(
        self, session: Session, context: Context, response: Content, known: dict[str, Form | None]
    ) -> Form | None:
        """The form of a response; `known` keeps those of the unit, but for contained ones, which are nobody else's."""
        named = response["questionnaire"]
        if named.startswith("#"):
            return await self._forms.find(session, context, named, response.get("contained", ()))
        if named not in known:
            known[named] = await self._forms.find(session, context, named)
        return known[named]

    def require(self, own: Iterable[Proposal], looked: Looked) -> None:
        """FhirError for responses of a referral: to a Questionnaire that is not held, with red flags and deleted."""
        issues = []
        for each in own:
            if (each.type, each.id) in looked.unknown:
                issues.append(_at(each, UNKNOWN))
            is_deleted = each.type == RESPONSE and each.after is None and each.before is not None
            if is_deleted and any(red_flags(each.before or {})):
                issues.append(_at(each, _KEPT))
        if issues:
            raise FhirError(issues=issues)

    def alarms(self, context: Context, loaded: Loaded, about: Sequence[Proposal], patient: str) -> list[Change]:
        """A Flag and an urgent Communication for each answer that the referrer was not told of yet."""
        told = {
            (one.get("system"), one.get("value"))
            for (name, _), content in loaded.contents.items()
            if name == "Communication"
            for one in content.get("identifier", ())
        }
        found: list[Change] = []
        for each in about:
            source = self._source(each, context.base)
            identifier = alarm_identifier(loaded.reference, source)
            name = identifier["system"], identifier["value"]
            if name not in told and each.after is not None:
                told.add(name)
                found += _told(loaded, each, source, identifier, patient, context.received_at)
        return found

    def _source(self, each: Proposal, base: str) -> str:
        """A reference to the response that an Observation is derived from, or to what says so itself."""
        for reference in references_in((each.after or {}).get("derivedFrom")):
            target = parse_local(reference, base, self._types)
            if target is not None and target.type == RESPONSE:
                return f"{RESPONSE}/{target.id}"
        return f"{each.type}/{each.id}"


def _told(
    loaded: Loaded, each: Proposal, source: str, identifier: Content, patient: str, now: datetime
) -> list[Change]:
    subject = f"Patient/{patient}"
    flag = flag_of(identifier, subject, (each.after or {}).get("encounter"), now)
    flag_id = new_logical_id(now)
    message = message_of(
        identifier,
        patient_reference=subject,
        about=(loaded.reference, source, f"Flag/{flag_id}"),
        recipient=loaded.content.get("requester"),
        now=now,
    )
    named = ((flag, flag_id), (message, new_logical_id(now)))
    return [
        Change(type=content["resourceType"], id=logical_id, before=None, after={**content, "id": logical_id})
        for content, logical_id in named
    ]


_KEPT: Final = Issue(
    code="transition-not-allowed",
    diagnostics="A response with a red flag is not deleted: correct it, or mark it as entered-in-error.",
    expression=(RESPONSE,),
)
UNKNOWN: Final = Issue(
    code="questionnaire-unknown",
    diagnostics="The service does not hold this Questionnaire in this version: store it, or name one that is held.",
    expression=(_ASKED,),
)


def _at(each: Proposal, issue: Issue) -> Issue:
    return below(issue, each.where) if each.where else issue
