"""What $record-session answers: what was made, by the parts that it plays; also of what was recorded before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from service.fhir.concept import codings
from service.fhir.outcome import FhirError
from service.massage.cycle.terms import reference_in, references_in
from service.massage.cycle.units import minutes_of, said_units
from service.massage.cycle.view import View, name_of
from service.massage.visits import entry_of
from service.massage.visits.log import PAIN, PAIN_AFTER, TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from service.fhir.outcome import Issue
    from service.fhir.resource import Content
    from service.massage.session import Drafts, Surrounding

Json = dict[str, Any]

_ENTRY: Final = re.compile(r"Bundle\.entry\[(\d+)\](?:\.resource)?(?:\.(.+))?")
_TELLING: Final[dict[str, tuple[str, ...]]] = {
    "Appointment": ("start", "end"),
    "Observation": ("code", "value", "component", "dataAbsentReason"),
    "QuestionnaireResponse": ("questionnaire", "item"),
}
"""Type → how the names of the elements begin by which it says something; the rest tells whose it is."""
_ROLES: Final = {**dict.fromkeys(PAIN, "painBefore"), PAIN_AFTER: "painAfter", TOLERANCE: "tolerance"}


def answer_of(response: Content, played: Sequence[str]) -> Content:
    """Parameters that name what a transaction made; `played` says which part each of its entries plays."""
    made: list[tuple[str, Content]] = []
    outcomes: list[Json] = []
    for part, entry in zip(played, response["entry"], strict=True):
        outcome = entry["response"].get("outcome", {})
        if any(one["severity"] == "warning" for one in outcome.get("issue", ())):
            outcomes.append({"name": "outcome", "resource": outcome})
        if part:
            made.append((part.rstrip("0123456789"), entry["resource"]))
    session = next(content for part, content in made if part == "session")
    return _parameters(session, made, outcomes, is_new=True)


def parameters_of(view: View, session: Content) -> Content:
    """The same of a session that is stored."""
    return _parameters(session, list(_parts(view, session)), (), is_new=False)


def same_session(view: View, stored: Content, drafted: Drafts, around: Surrounding) -> bool:
    """Whether the session that is stored says what is told now, but for what the service has counted."""
    drawn: dict[str, dict[str, Content]] = {}
    for content in (*drafted.made.values(), *([around.encounter] if around.encounter else ())):
        drawn.setdefault(content["resourceType"], {})[content["id"]] = content
    now = entry_of(View("", drawn, ""), drafted.made["session"], None)
    before = entry_of(view, stored, None)
    same = {"session": "", "encounter": "", "units": None}
    # units that were told and are others were refused when it was recorded
    counted = said_units(drafted.made["session"])
    is_same = replace(now, **same) == replace(before, **same) and counted in (None, before.units)
    return is_same and _is_stored(drafted.made.values(), [content for _, content in _parts(view, stored)])


def _is_stored(drafted: Iterable[Content], stored: Sequence[Content]) -> bool:
    """Whether the answers, observations and next visit that are told now are among those of the stored session."""
    return all(
        any(_telling(content) == _telling(other) for other in stored)
        for content in drafted
        if content["resourceType"] in _TELLING
    )


def _telling(content: Content) -> dict[str, Any]:
    kind = content["resourceType"]
    told = {name: value for name, value in content.items() if name.startswith(_TELLING.get(kind, ()))}
    return told | {"resourceType": kind}


def translated(error: FhirError, entries: Sequence[Json]) -> FhirError:
    """The refusal of a transaction that no client has sent: at the resources instead of the entries."""
    issues = [_located(issue, entries) for issue in error.issues]
    return FhirError(issues=issues, retry_after_seconds=error.retry_after_seconds)


def _located(issue: Issue, entries: Sequence[Json]) -> Issue:
    return replace(issue, expression=tuple(_translated(each, entries) for each in issue.expression))


def _translated(expression: str, entries: Sequence[Json]) -> str:
    match = _ENTRY.fullmatch(expression)
    if match is None:
        return expression
    kind = str(entries[int(match[1])]["resource"]["resourceType"])
    return f"{kind}.{match[2]}" if match[2] else kind


def _parts(view: View, session: Content) -> Iterator[tuple[str, Content]]:
    """What belongs to a stored session, by the part that it plays."""
    name = name_of(session)
    encounter = view.find(reference_in(session.get("encounter")))
    if encounter is not None:
        yield "encounter", encounter
    yield "session", session
    for content in (*view.of("Procedure"), *view.of("Observation")):
        if any(view.local(reference) == name for reference in references_in(content.get("partOf"))):
            yield _role(content), content
    for answers in view.of("QuestionnaireResponse"):
        if encounter is not None and view.local(reference_in(answers.get("encounter"))) == name_of(encounter):
            yield "questionnaireResponse", answers
    for visit in view.of("Appointment"):
        if any(one in session.get("identifier", ()) for one in visit.get("identifier", ())):
            yield "nextAppointment", visit


def _role(content: Content) -> str:
    if content["resourceType"] == "Procedure":
        return "technique"
    codes = ((one.get("system", ""), one.get("code", "")) for one in codings(content.get("code")))
    return next((_ROLES[code] for code in codes if code in _ROLES), "observation")


def _parameters(
    session: Content, made: Iterable[tuple[str, Content]], outcomes: Iterable[Json], *, is_new: bool
) -> Content:
    units, minutes = said_units(session), minutes_of(session)
    parameter: list[Json] = [{"name": "recorded", "valueBoolean": is_new}]
    parameter += [{"name": part, "valueReference": {"reference": name_of(content)}} for part, content in made]
    parameter += [{"name": "minutes", "valueInteger": minutes}] if minutes is not None else []
    parameter += [{"name": "units", "valueUnsignedInt": units}] if units is not None else []
    return {"resourceType": "Parameters", "parameter": [*parameter, *outcomes]}
