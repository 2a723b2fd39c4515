"""Guards on the reports to the referrer, and on what a Task's output says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.concept import code_in
from service.massage.cycle.guards.guard import Guard
from service.massage.cycle.reports import AMEND_IT, FINAL, PROGRESS, STANDS, final_reports, kind_of, named_as_final
from service.massage.cycle.terms import TASK_IO, reference_in
from service.massage.cycle.view import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir.resource import Content
    from service.massage.cycle.situation import Situation

_ANY_REPORT: Final = STANDS | {"preliminary"}


def _no_final_report(situation: Situation) -> str | None:
    if any(report.get("status") in STANDS for report in _reports(situation, {FINAL})):
        return None
    return f"Task.output needs a DiagnosticReport with status final, of type final-report ({TASK_IO})."


def _outcome_untold(situation: Situation) -> str | None:
    if any(one.get("status") in _ANY_REPORT for one in _reports(situation, {FINAL, PROGRESS})):
        return None
    if any(_says_something(output) for output in _outputs(situation, {"outcome-summary"})):
        return None
    return f"Task.output needs a final-report, a progress-report or an outcome-summary ({TASK_IO}) that explains."


def _after_the_final(situation: Situation) -> str | None:
    """Only of the reports of the care; any other DiagnosticReport may hang on a referral."""
    own, draft, before = situation.content, situation.draft, situation.before
    kind = kind_of(own, draft)
    is_amendment = before is not None and situation.source in STANDS and kind_of(before, draft.stored) == kind
    if not kind or is_amendment:
        return None
    others = [name_of(each) for each in final_reports(draft) if each["id"] != own["id"]]
    return f"The final report is filed: {', '.join(others)}. {AMEND_IT}" if others else None


def _final_replaced(situation: Situation) -> str | None:
    """A final report that stands stays in the output that names it, and no other is put beside it."""
    task, draft = situation.content, situation.draft
    standing = [name_of(each) for each in final_reports(draft)]
    before = named_as_final(situation.before, draft) if situation.before else []
    named = named_as_final(task, draft)
    if lost := [name for name in before if name not in named and _stands(situation, name)]:
        return f"The final report is filed: {', '.join(lost)}. It stays in the output. {AMEND_IT}"
    second = [name for name in named if name in standing and name not in before]
    if second and len(standing) > 1:
        first = [name for name in standing if name not in second] or standing[:1]
        return f"The final report is filed: {', '.join(first)}. {AMEND_IT}"
    return None


def _stands(situation: Situation, name: str) -> bool:
    found = situation.draft.find(name)
    return found is not None and found.get("status") in STANDS


def _outputs(situation: Situation, types: set[str]) -> Iterator[dict[str, Any]]:
    for output in situation.content.get("output", ()):
        if code_in(output.get("type"), TASK_IO) in types:
            yield output


def _reports(situation: Situation, types: set[str]) -> Iterator[Content]:
    for output in _outputs(situation, types):
        found = situation.draft.find(reference_in(output.get("valueReference")))
        if found is not None and found["resourceType"] == "DiagnosticReport":
            yield found


def _says_something(output: Content) -> bool:
    texts = (output.get("valueString"), output.get("valueMarkdown"), reference_in(output.get("valueReference")))
    return any(isinstance(text, str) and text.strip() for text in texts)


GUARDS: Final = (
    Guard("final-report-delivered", "guard-report", "output", "a final report is in the output", _no_final_report),
    Guard("outcome-explained", "guard-report", "output", "a report or explanation is in the output", _outcome_untold),
    Guard("before-final-report", "guard-report", "", "no other final report stands", _after_the_final),
    Guard("final-report-kept", "guard-report", "output", "the final report stays the only one", _final_replaced),
)
