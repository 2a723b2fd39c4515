"""Reports that are filed already: the one of an identifier that is sent again, and the final one.

What is answered of a stored report is what was filed: its words and its forms, whatever was recorded since.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

from service.documents import sections, words
from service.documents.paper import Paper, Section, Text, legible
from service.documents.report import RECOMMENDATION, TITLES, recommendations_in_words
from service.fhir.concept import code_in
from service.fhir.outcome import failure
from service.fhir.temporal import range_of
from service.massage.cycle.reports import AMEND_IT, final_reports, named_as_final
from service.massage.cycle.terms import TASK_IO
from service.massage.cycle.view import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.documents.case import Case
    from service.documents.report import ReportKind
    from service.fhir.resource import Content
    from service.massage.cycle.view import View

_TYPE: Final = "DiagnosticReport"
_VOID: Final = "entered-in-error"


def filed_under(view: View, identifier: Any, kind: ReportKind, recommendations: Sequence[str]) -> Content | None:
    """The report of the referral that was filed under the identifier, None where there is none.

    FhirError duplicate where it is of another kind, or recommends something else.
    """
    wanted = (identifier["system"], identifier["value"])
    for report in view.of(_TYPE):
        names = {(one.get("system"), one.get("value")) for one in report.get("identifier", ())}
        if wanted not in names or report.get("status") == _VOID:
            continue
        said = str(report.get("conclusion", ""))
        _, mark, told = said.partition(RECOMMENDATION)
        is_same = code_in(report.get("code"), TASK_IO) == kind
        if not is_same or f"{mark}{told}" != recommendations_in_words(recommendations):
            text = f"{name_of(report)} is filed under this identifier, and says something else; amend that one."
            raise failure("duplicate", text, "http.identifier")
        return report
    return None


def refuse_after_final(view: View, task: Content) -> None:
    """FhirError guard-report where a final report stands; one that the Task names and the caller does not see, does."""
    unseen = [name for name in named_as_final(task, view) if view.find(name) is None]
    if standing := [*map(name_of, final_reports(view)), *unseen]:
        told = f"The final report is filed: {', '.join(standing)}. {AMEND_IT}"
        raise failure("guard-report", told, "Task.output")


def paper_of(case: Case, kind: ReportKind, report: Content) -> Paper:
    """What stands in the document of a stored report beside its forms."""
    issued = range_of(str(report.get("issued", "")), case.zone)
    filed_at = words.moment(issued.low if issued else None, case.zone)
    blocks = (
        Text(str(report.get("conclusion", "")) or words.UNKNOWN),
        Text(f"The report was filed on {filed_at}. All of it is in its forms, the HTML and the PDF."),
    )
    section = Section(title="Summary and recommendation", blocks=blocks, refers_to=())
    return legible(
        Paper(title=TITLES[kind], about=sections.about(case), made_at=filed_at, facts=(), sections=(section,))
    )


def form_of(report: Content, media_type: str) -> bytes | None:
    """The data of a form of the report; None where it has none."""
    for each in report.get("presentedForm", ()):
        if each.get("contentType") == media_type and "data" in each:
            try:
                return base64.b64decode(each["data"])
            except binascii.Error:
                return None
    return None
