"""The reports to the referrer: which of them stand, and which is the final one of the care."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir.concept import code_in
from service.massage.cycle.terms import TASK_IO, reference_in
from service.massage.cycle.view import LIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir.resource import Content
    from service.massage.cycle.view import View

FINAL: Final = "final-report"
PROGRESS: Final = "progress-report"

STANDS: Final = frozenset({"final", "amended", "corrected", "appended"})
"""The states of a report that is filed. Of the last three R4 says that it was changed after it was final."""

AMEND_IT: Final = "After it no other is filed; amend that one (status amended, corrected or appended)."


def kind_of(report: Content, view: View) -> str:
    """Which report a DiagnosticReport is: by its code, or as what the output of a Task names it; empty for another."""
    coded = code_in(report.get("code"), TASK_IO)
    if coded in (FINAL, PROGRESS):
        return str(coded)
    name = f"DiagnosticReport/{report.get('id')}"
    kinds = {kind for task in view.tasks() for kind, named in _outputs(task, view) if named == name}
    return next((kind for kind in (FINAL, PROGRESS) if kind in kinds), "")


def final_reports(view: View) -> list[Content]:
    """The final reports that stand. While a Task is live, those of Tasks that ended before are of an earlier care."""
    live = view.live_task()
    earlier = {
        named
        for task in view.tasks()
        if live is not None and task.get("status") not in LIVE
        for _, named in _outputs(task, view)
    }
    return [
        each
        for each in view.of("DiagnosticReport")
        if each.get("status") in STANDS
        and f"DiagnosticReport/{each.get('id')}" not in earlier
        and kind_of(each, view) == FINAL
    ]


def named_as_final(task: Content, view: View) -> list[str]:
    """The references, as ``Type/id``, by which the output of a Task names final reports."""
    return [named for kind, named in _outputs(task, view) if kind == FINAL]


def _outputs(task: Content, view: View) -> Iterator[tuple[str, str]]:
    for output in task.get("output", ()):
        kind, named = code_in(output.get("type"), TASK_IO), reference_in(output.get("valueReference"))
        if kind and named:
            yield kind, view.local(named)
