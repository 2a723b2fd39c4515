"""What a referral stands on: its patient, the Conditions that it is for, and the Coverage that pays.

They are of this service and of the referral's patient: what is elsewhere is neither screened nor seen by the clinic.
Looked at when a referral comes into force, and when it names others afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.bundle_plan import below
from service.fhir.concept import codings
from service.fhir.outcome import FhirError, Issue
from service.fhir.reference import parse_local
from service.loop.episode import decoded
from service.massage.cycle.terms import IDENTIFIER_TYPE, identifiers, reference_in
from service.store.referrals import resources, seen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from service.fhir.resource import Content
    from service.interactions.rules import Proposal
    from service.loop.diagnoses import Diagnoses
    from service.loop.episode import Name
    from service.loop.referrals import Referrals
    from service.store.store import Session

_IN_FORCE: Final = frozenset({"active", "on-hold"})
_LASTING: Final = frozenset({"active", "recurrence", "relapse"})
_DENIED: Final = frozenset({"refuted", "entered-in-error"})
_NAMED: Final = ("subject", "reasonReference", "insurance")
_OWNERS: Final = {"Condition": "subject", "Coverage": "beneficiary", "ClaimResponse": "patient"}
_MEMBER: Final = "MB"
_MISSING: Final = "is not here: create it first, or in the same transaction, and refer to it there"


class Grounds:
    """Holds what referrals name against what they need (DOMAIN 1.6); `types` are the served resource types."""

    def __init__(self, referrals: Referrals, diagnoses: Diagnoses, types: Collection[str]) -> None:
        self._referrals = referrals
        self._diagnoses = diagnoses
        self._types = types

    async def require(self, session: Session, proposals: Sequence[Proposal], base: str) -> None:
        """FhirError with all that is missing or unfit; `session` sees what the writer does."""
        coming = [each for each in proposals if self._comes(each)]
        if not coming:
            return
        unit = {(each.type, each.id): content for each in proposals if (content := each.after or each.before)}
        known = await self._known(session, unit, coming, base)
        issues = [issue for each in coming for issue in self._issues(each, known, base)]
        if issues:
            raise FhirError(issues=tuple(issues))

    def _comes(self, each: Proposal) -> bool:
        """Whether a referral comes into force, or names something else than before."""
        after, before = each.after, each.before or {}
        if each.type != "ServiceRequest" or after is None or after.get("status") not in _IN_FORCE:
            return False
        is_new = before.get("status") not in _IN_FORCE or not self._referrals.has(before)
        is_changed = any(after.get(name) != before.get(name) for name in _NAMED)
        return (is_new or is_changed) and self._referrals.has(after)

    async def _known(
        self, session: Session, unit: Mapping[Name, Content], coming: Sequence[Proposal], base: str
    ) -> dict[Name, Content]:
        """What the referrals name, of the unit and of what is stored and seen."""
        named = {name for each in coming for _, _, name in self._references(each.after or {}, base) if name}
        found = {name: unit[name] for name in named if name in unit}
        if missing := named - found.keys():
            visible = await seen(session, missing)
            stored = [decoded(version) for version in await resources(session, visible)] if visible else []
            found |= {(each["resourceType"], each["id"]): each for each in stored}
        return found

    def _references(self, referral: Content, base: str) -> Iterator[tuple[str, str, Name | None]]:
        """Element, its expression, and the (type, id) that it names, None where that is none of this service."""
        for element in _NAMED:
            value = referral.get(element) or []
            is_list = isinstance(value, list)
            for place, reference in enumerate(value if is_list else [value]):
                where = f"ServiceRequest.{element}[{place}]" if is_list else f"ServiceRequest.{element}"
                yield element, where, self._name(reference, base)

    def _name(self, reference: Any, base: str) -> Name | None:
        target = parse_local(reference_in(reference), base, self._types)
        return None if target is None else (target.type, target.id)

    def _issues(self, each: Proposal, known: Mapping[Name, Content], base: str) -> Iterator[Issue]:
        referral = each.after or {}
        patient = self._name(referral.get("subject"), base)
        references = list(self._references(referral, base))
        is_billed = any(name is not None and name[0] == "Coverage" for _, _, name in references)

        def issue(code: str, told: str, where: str) -> Issue:
            found = Issue(code=code, diagnostics=told, expression=(where,))
            return below(found, each.where) if each.where else found

        for element, where, name in references:
            content = None if name is None else known.get(name)
            if name is None or content is None:
                yield issue("reference-not-found", f"The {_WORDS[element]} {_MISSING}.", where)
                continue
            if name[0] in _OWNERS and self._name(content.get(_OWNERS[name[0]]), base) != patient:
                yield issue("subject-mismatch", f"The {name[0]} is about another patient than the referral.", where)
            elif element == "subject" and name[0] != "Patient":
                yield issue("reference-not-found", "A referral is for a Patient of this service.", where)
            elif name[0] == "Condition":
                for told in self._of_reason(content, is_billed=is_billed):
                    yield issue("guard-referral", told, where)
            elif name[0] == "Coverage" and (lacks := list(_lacking(content))):
                yield issue("guard-referral", f"A Coverage that is to pay needs {', '.join(lacks)}.", where)

    def _of_reason(self, condition: Content, *, is_billed: bool) -> Iterator[str]:
        if not _has_code(condition, "clinicalStatus", _LASTING) or _has_code(condition, "verificationStatus", _DENIED):
            yield "A Condition that is a reason is active, recurring or relapsing (clinicalStatus), and is not refuted."
        if is_billed and not self._diagnoses.may_be_billed(condition.get("code")):
            yield "Where a Coverage pays, each Condition that is a reason needs a code of ICD-10-CM that is billable."


_WORDS: Final = {"subject": "patient", "reasonReference": "reason", "insurance": "insurance"}


def _has_code(content: Content, element: str, codes: frozenset[str]) -> bool:
    return any(one.get("code") in codes for one in codings(content.get(element)))


def _lacking(coverage: Content) -> Iterator[str]:
    """What a Coverage lacks of US Core's (us-core-15, relationship, one payor)."""
    if not coverage.get("subscriberId") and not identifiers(coverage, _MEMBER):
        yield f"subscriberId, or an identifier of type {_MEMBER} of {IDENTIFIER_TYPE}"
    if not coverage.get("relationship"):
        yield "relationship"
    payors: list[Any] = coverage.get("payor", [])
    if len(payors) != 1:
        yield "exactly one payor"
