"""The report back to the referrer: progress on the way, or the final report. https://hl7.org/fhir/R4/diagnosticreport.html

It says what is on record and what the clinic sends in as its recommendation, and nothing beyond that.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final, Literal

from service.documents import sections, words
from service.documents.paper import Paper, Points, Section, Text, legible
from service.fhir.code_systems import LOINC
from service.fhir.concept import code_in
from service.fhir.stamp import instant_text
from service.massage.catalogue.published import canonical
from service.massage.cycle.terms import BUSINESS_STATUS, TASK_IO
from service.massage.outcome import compared, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.documents.case import Case
    from service.fhir.resource import Content
    from service.massage.outcome import Reached, Series

PROGRESS: Final = canonical("CodeSystem", "progress-class")
ReportKind = Literal["progress-report", "final-report"]

TITLES: Final[dict[ReportKind, str]] = {"progress-report": "Progress report", "final-report": "Final report"}
RECOMMENDATION: Final = "Recommendation: "
DOCUMENT_TYPES: Final[dict[ReportKind, tuple[str, str]]] = {
    "progress-report": ("11506-3", "Progress note"),
    "final-report": ("11488-4", "Consult note"),
}
"""LOINC: the first of R4's own document types, the second as BSeR does."""


_REACHED: Final[dict[Reached, str]] = {
    "reached": "the goal is met",
    "late": "the value of the goal is reached, after the due date",
    "lost": "the goal was met by its due date, its value is not reached any more",
    "not-reached": "the goal is not met",
}


def report_paper(case: Case, kind: ReportKind, recommendations: Sequence[str]) -> Paper:
    """The report as a reader has it."""
    facts = [*sections.people(case), *_state(case)]
    parts = [
        recommended(case, recommendations),
        sections.goals(case),
        sections.outcomes(case),
        sections.visits(case),
        sections.done(case),
        sections.sessions(case),
        *sections.limits(case),
    ]
    return legible(
        Paper(
            title=TITLES[kind],
            about=sections.about(case),
            made_at=words.moment(case.now, case.zone),
            facts=tuple(facts),
            sections=tuple(parts),
        )
    )


def recommended(case: Case, recommendations: Sequence[str]) -> Section:
    """How it stands by the measurements, and what the clinic recommends."""
    lines = [f"{each.measure.display}: {_stands(case, each)}." for each in case.series]
    blocks = [Points(tuple(lines))] if lines else [Text("Nothing that counts was measured.")]
    if recommendations:
        own = [Text("The clinic recommends:"), *(Text(each, is_important=True) for each in recommendations)]
    else:
        own = [Text("The clinic has sent no recommendation with this report.")]
    return Section(title="Summary and recommendation", blocks=(*blocks, *own))


def conclusion(case: Case, recommendations: Sequence[str]) -> str:
    """The same in one text, for systems that show no more than that."""
    measured = [
        told(compared(each), case.measures.sources, reached=sections.goals_reached(case, each)) for each in case.series
    ]
    summed_up = " ".join(measured) or "Nothing that counts was measured in this episode."
    return " ".join(filter(None, (summed_up, recommendations_in_words(recommendations))))


def recommendations_in_words(recommendations: Sequence[str]) -> str:
    """The end of a conclusion; empty where nothing is recommended."""
    return " ".join(f"{RECOMMENDATION}{each}" for each in recommendations)


def diagnostic_report(
    case: Case,
    kind: ReportKind,
    recommendations: Sequence[str],
    forms: Sequence[Content],
    *,
    is_final: bool,
    identifier: Content | None = None,
) -> Content:
    """The DiagnosticReport without an id; what is not filed yet is preliminary."""
    code, display = DOCUMENT_TYPES[kind]
    listed: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "status": "final" if is_final else "preliminary",
        "code": {"coding": [{"system": TASK_IO, "code": kind}, {"system": LOINC, "code": code, "display": display}]},
        "subject": case.referral["subject"],
        "basedOn": [{"reference": each} for each in _bases(case)],
        "issued": instant_text(case.now),
        "conclusion": conclusion(case, recommendations),
        "presentedForm": list(forms),
    }
    if identifier is not None:
        listed["identifier"] = [identifier]
    if period := care_period(case):
        listed["effectivePeriod"] = period
    if case.clinic:
        listed["performer"] = [case.clinic]
    named = dict.fromkeys(each.observation for series in case.series for each in series.readings)
    if named:
        listed["result"] = [{"reference": each} for each in named]
    if classes := [_class(case, each) for each in case.series]:
        listed["conclusionCode"] = classes
    return listed


def _class(case: Case, series: Series) -> Content:
    """What became of a measure, as a code."""
    progress = compared(series).progress
    display = case.progress_classes[progress].display
    coding = {"system": PROGRESS, "code": progress, "display": display}
    return {"coding": [coding], "text": f"{series.measure.display}: {display}"}


def attachment(case: Case, media_type: str, title: str, data: bytes) -> Content:
    """A form of a document within a resource. https://hl7.org/fhir/R4/datatypes.html#attachment"""
    return {
        "contentType": media_type,
        "language": "en",
        "data": base64.b64encode(data).decode(),
        "size": len(data),
        "hash": base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode(),
        "title": title,
        "creation": instant_text(case.now),
    }


def care_period(case: Case) -> dict[str, str]:
    """From the beginning of the first session to the end of the last; empty before there is one."""
    starts = [each.start for each in case.log if each.start is not None]
    ends = [each.end for each in case.log if each.end is not None]
    period = {"start": instant_text(min(starts))} if starts else {}
    return period | {"end": instant_text(max(ends))} if starts and ends else period


def _stands(case: Case, series: Any) -> str:
    reached = sections.goals_reached(case, series)
    goal = "" if reached is None else f"; {_REACHED[reached]}"
    return f"{sections.PROGRESS[compared(series).progress]}{goal}"


def _state(case: Case) -> list[tuple[str, str]]:
    starts = [each.start for each in case.log if each.start is not None]
    days = f"{words.day(min(starts), case.zone)} to {words.day(max(starts), case.zone)}" if starts else "none yet"
    facts = [("Sessions from", days)]
    if case.plan is not None:
        facts.append(("Plan", " ".join(filter(None, (case.plan.get("title"), words.period(case.plan.get("period")))))))
    if case.task is not None:
        code = code_in(case.task.get("businessStatus"), BUSINESS_STATUS)
        facts.append(("State of the referral", (code or str(case.task.get("status"))).replace("-", " ")))
    return [each for each in facts if each[1]]


def _bases(case: Case) -> list[str]:
    plan = [f"CarePlan/{case.plan['id']}"] if case.plan is not None else []
    return [f"ServiceRequest/{case.view.referral_id}", *plan]
