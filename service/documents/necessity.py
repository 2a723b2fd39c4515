"""What a payer wants to see of medical massage, and which of it is missing: the rows of `necessity.toml`, looked for.

It says what is not there and what would be accepted; whether the treatment is necessary is the payer's to judge.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.documents import words
from service.documents.coverage import coverages, covered_on, is_within_free_visits
from service.fhir.concept import codings
from service.massage.cycle import visits
from service.massage.cycle.allowance import Allowance
from service.massage.cycle.coverage import is_waived
from service.massage.cycle.reports import STANDS
from service.massage.cycle.terms import references_in
from service.massage.data_files import rows
from service.massage.visits import answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from service.documents.case import Case
    from service.fhir.resource import Content
    from service.massage.visits import Authorisation, SessionEntry

FUNCTIONAL: Final = frozenset(
    {
        "bpi-interference",
        "promis-pain-interference",
        "promis-pain-interference-raw",
        "odi",
        "ndi",
        "rmdq",
        "hit-6",
        "midas",
        "psfs",
        "maximal-mouth-opening",
        "muscle-strength",
        "pain-medication-days",
        "work-absence-days",
    }
)
"""Measures in functional terms beside ranges of motion (`rom-`): WAC names motion, tolerance and less medication."""

_ICD: Final = "icd-10"
_SIGNED: Final = "signature"
_ROWS: Final = Path(__file__).parent / "necessity.toml"


class Requirement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of `necessity.toml`."""

    title: str
    accepted: str
    element: str
    sources: tuple[str, ...]


class Missing(Struct, frozen=True, kw_only=True):
    """A requirement that is not met, and what is lacking."""

    requirement: Requirement
    told: str


@cache
def requirements() -> Mapping[str, Requirement]:
    """The rows, in the order of the document."""
    return rows(_ROWS, Requirement)


def missing(case: Case) -> tuple[Missing, ...]:
    """What is lacking for a payer; empty where the documentation is complete."""
    found = []
    for name, requirement in requirements().items():
        lacking = [told for told in _CHECKS[name](case) if told]
        if lacking:
            found.append(Missing(requirement=requirement, told=" ".join(lacking)))
    return tuple(found)


def _order(case: Case) -> Iterator[str]:
    if not case.referral.get("requester"):
        yield "The order does not say who ordered."
    if not case.referral.get("authoredOn"):
        yield "The order has no date."


def _signature(case: Case) -> Iterator[str]:
    signed = any(_SIGNED in each for each in case.view.of("Provenance") if _is_about_order(case, each))
    scripts = [case.view.find(each) for each in references_in(case.referral.get("supportingInfo"))]
    if not signed and not any(each and each["resourceType"] == "DocumentReference" for each in scripts):
        yield "Nothing shows that the order was signed."


def _is_about_order(case: Case, provenance: Content) -> bool:
    return any(case.view.names_referral(each) for each in references_in(provenance.get("target")))


def diagnoses(case: Case) -> list[Content]:
    """The CodeableConcepts of the reasons, from the order and from the Conditions that it names."""
    conditions = [case.view.find(each) for each in references_in(case.referral.get("reasonReference"))]
    coded = [each["code"] for each in conditions if each and each["resourceType"] == "Condition" and "code" in each]
    return [*case.referral.get("reasonCode", ()), *coded]


def _diagnosis(case: Case) -> Iterator[str]:
    codes = (each for concept in diagnoses(case) for each in codings(concept))
    if not any(_ICD in str(each.get("system", "")).lower() and each.get("code") for each in codes):
        yield "No reason has a code of ICD-10."


def _visits(case: Case) -> Iterator[str]:
    if visits.ordered(case.view) is None:
        yield "The number of sessions is not said."
    if not any(name in case.referral for name in ("occurrenceTiming", "occurrencePeriod")):
        yield "The time over which they are to happen is not said."


def _plan(case: Case) -> Iterator[str]:
    if case.plan is None:
        yield "There is no plan."
    elif not case.plan.get("activity"):
        yield "The plan has no activities."


def _necessity(case: Case) -> Iterator[str]:
    if not (case.plan or {}).get("addresses"):
        yield "No plan names the condition that it addresses."
    targets = [target for goal in case.goals for target in goal.get("target", ())]
    measured = [case.measures.of(each.get("measure", {})) for each in targets]
    if not any(each and (each.code in FUNCTIONAL or each.code.startswith("rom-")) for each in measured):
        yield "No goal is set in functional terms."


def _deficits(case: Case) -> Iterator[str]:
    if not case.goals:
        yield "There is no goal."
    measured = {series.measure.code for series in case.series}
    for goal in case.goals:
        name = words.concept(goal.get("description")) or "without a description"
        found = [case.measures.of(each.get("measure", {})) for each in goal.get("target", ())]
        codes = {each.code for each in found if each is not None}
        if not codes or not all(_is_complete(each) for each in goal["target"]):
            yield f"The goal “{name}” has no target with measure, value and due date."
        elif not codes & measured:
            yield f"What the goal “{name}” is about has not been measured since the order."


def _is_complete(target: Content) -> bool:
    return any(name.startswith("detail") for name in target) and any(name.startswith("due") for name in target)


def _coverage(case: Case) -> Iterator[str]:
    if "Coverage" in case.unread:
        yield "The access token does not let the client read Coverage."
    elif not coverages(case):
        yield "The order names no active coverage."
    else:
        starts = [entry.start for entry in case.log if entry.start is not None]
        uncovered = dict.fromkeys(words.day(each, case.zone) for each in starts if not covered_on(case, each))
        if uncovered:
            yield f"No coverage was in force on {', '.join(uncovered)}."


def _authorisation(case: Case) -> Iterator[str]:
    if "ClaimResponse" in case.unread:
        yield "The access token does not let the client read ClaimResponse."
        return
    given = answers(case.view)
    is_enough = is_waived(case.referral) or (not given and is_within_free_visits(case))
    if not given and not is_enough:
        yield "The order names no answer of the payer."
    elif not is_enough and not any(_is_whole(each) for each in given):
        yield "No answer of the payer has its number, its period and the number of visits together."
    allowance = Allowance(case.view, case.policy, case.zone)
    delivered, covered = len(allowance.delivered), allowance.placed(allowance.delivered)
    if given and delivered > covered:
        yield f"{delivered} sessions were delivered, {covered} of them are authorised for their days."


def _is_whole(answer: Authorisation) -> bool:
    return bool(answer.number and (answer.start or answer.end)) and answer.visits is not None


def _log(case: Case) -> Iterator[str]:
    """One sentence for what the same things are missing of, with the days of these sessions."""
    found: dict[tuple[str, ...], list[SessionEntry]] = {}
    for entry in case.log:
        lacking = {
            "start and end": entry.start is None or entry.end is None,
            "technique": not entry.techniques,
            "region": not entry.regions,
            "therapist": not entry.therapist,
        }
        if named := tuple(name for name, lacks in lacking.items() if lacks):
            found.setdefault(named, []).append(entry)
    for named, entries in found.items():
        days = dict.fromkeys(words.day(each.start, case.zone) for each in entries)
        of = "The session" if len(entries) == 1 else f"{len(entries)} sessions"
        has = "has" if len(entries) == 1 else "have"
        yield f"{of} ({', '.join(days)}) {has} no {', '.join(named)}."


def _progress(case: Case) -> Iterator[str]:
    policy = case.policy
    starts = [entry.start for entry in case.log if entry.start is not None]
    is_due = len(case.log) >= policy.report_every_visits or (starts and case.now - min(starts) >= policy.report_every)
    if is_due and not any(each.get("status") in STANDS for each in case.view.of("DiagnosticReport")):
        yield "A progress report was due, and none is filed."


_CHECKS: Final[Mapping[str, Callable[[Case], Iterator[str]]]] = {
    "order": _order,
    "signature": _signature,
    "diagnosis": _diagnosis,
    "visits": _visits,
    "plan": _plan,
    "necessity": _necessity,
    "deficits": _deficits,
    "coverage": _coverage,
    "authorisation": _authorisation,
    "log": _log,
    "progress": _progress,
}
