"""Patient/$match: https://hl7.org/fhir/R4/patient-operation-match.html

Those are graded who are found by a few searches, within what the caller sees: one statement for all of them, and one
for what is known of those who were found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from service.fhir import codec
from service.fhir.bundle import Entry, bundle
from service.fhir.candidates import searches_for
from service.fhir.identity import grade
from service.fhir.interaction import Answer
from service.fhir.outcome import Issue, Result, failure, operation_outcome
from service.fhir.search.parse import parse_criteria
from service.operations.parameters import Taken, missing, sent

if TYPE_CHECKING:
    from service.fhir.identity import Match
    from service.fhir.interaction import Context, Operation
    from service.fhir.resource import Content, Version
    from service.interactions.parts import Parts

TAKEN: Final = Taken(operation="match", kinds={"onlyCertainMatches": "boolean", "count": "integer"})
"""Beside resource."""

MATCH_GRADE: Final = "http://hl7.org/fhir/StructureDefinition/match-grade"
MOST_FOUND: Final = 50
"""Patients that one of the searches brings."""

_PATIENT: Final = "Patient"
_MORE: Final = Issue(
    code=None,
    severity="warning",
    issue_type="incomplete",
    diagnostics=f"Some of what was sent is true of more than {MOST_FOUND} patients, of whom only so many were looked "
    "at. Send more: identifiers with their systems, the birth date, full names, telecom.",
)
_SEVERAL: Final = Issue(
    code=None,
    severity="warning",
    issue_type="multiple-matches",
    diagnostics="More than one patient is a certain match, so none is returned; ask without onlyCertainMatches.",
)


class _Graded(Struct, frozen=True):
    version: Version
    match: Match


async def match(parts: Parts, context: Context, operation: Operation) -> Answer:
    """A searchset Bundle of the likeliest matches first; FhirError criteria-required where too little was sent."""
    if operation.type != _PATIENT or operation.id is not None:
        raise failure("operation-unknown", "$match works on the type Patient.")
    patient, rest = _taken_apart(parts, operation)
    given = sent(rest, TAKEN, parts.validator)
    count = given.one("count")
    if count == 0:
        raise failure("parameter-value", "count takes a whole number from 1.", "http.count")
    limits = parts.limits.search
    graded, is_cut = await _graded(parts, context, patient)
    issues = [_MORE] if is_cut else []
    if given.flag("onlyCertainMatches"):
        graded = [each for each in graded if each.match.grade == "certain"]
        if len(graded) > 1:
            graded, issues = [], [*issues, _SEVERAL]
    graded = graded[: min(count or limits.default_page_size, limits.max_page_size)]
    entries = [_entry(context, each) for each in graded]
    if issues:
        told = codec.encode(operation_outcome(issues))
        entries.append(Entry(content=told, rest=b'{"search":{"mode":"outcome"}}'))
    body = bundle("searchset", entries, built_at=context.received_at, total=len(graded))
    return Answer(result=Result.OK, body=body, issues=tuple(issues))


async def _graded(parts: Parts, context: Context, patient: Content) -> tuple[list[_Graded], bool]:
    """Those who may be the patient, the likeliest first, and whether more were found than are looked at."""
    criteria = searches_for(patient)
    if not criteria:
        told = (
            "A patient is found by an identifier with its system, by two of birth date, family and given name, "
            "or by telecom."
        )
        raise failure("criteria-required", told, "Patient")
    queries = [
        parse_criteria(parts.registry, _PATIENT, each, base=context.base, zone=parts.zone, limits=parts.limits.search)
        for each in criteria
    ]
    async with parts.store.session() as session:
        matched = await session.match(queries, (), enough=MOST_FOUND + 1)
        named = dict.fromkeys(each for found in matched.found for each in found[:MOST_FOUND])
        versions = await session.current(list(named), lock=False) if named else {}
    graded = [
        _Graded(version, grade(codec.decode(version.content), patient))
        for version in versions.values()
        if version.content is not None
    ]
    possible = [each for each in graded if each.match.grade != "certainly-not"]
    possible.sort(key=lambda each: (-each.match.score, each.version.id))
    return possible, any(len(found) > MOST_FOUND for found in matched.found)


def _taken_apart(parts: Parts, operation: Operation) -> tuple[Content, Operation]:
    """The patient that was sent, alone or as the parameter resource, and the operation with what else was sent."""
    content = operation.content
    if content is None:
        raise missing("POST the Patient to look for, alone or in Parameters as resource.", "resource")
    if content.get("resourceType") == _PATIENT:
        parts.validator.check(content, _PATIENT)
        return content, replace(operation, content=None)
    parts.validator.check(content, "Parameters")
    listed = content.get("parameter", ())
    resources = [(place, each) for place, each in enumerate(listed) if each["name"] == "resource"]
    if not resources:
        raise missing("There is no parameter resource: the Patient to look for.", "resource")
    place, parameter = resources[0]
    patient = _the_patient(parameter, f"Parameters.parameter[{place}]", is_alone=len(resources) == 1)
    parts.validator.check(patient, _PATIENT)
    others = [each for each in listed if each["name"] != "resource"]
    return patient, replace(operation, content={**content, "parameter": others} if others else None)


def _the_patient(parameter: Content, where: str, *, is_alone: bool) -> Content:
    patient: Any = parameter.get("resource")
    if not is_alone or patient is None:
        raise failure("parameter-value", "$match takes resource once, and it is a Patient.", where)
    if patient["resourceType"] != _PATIENT:
        raise failure("type-mismatch", "The parameter resource must be a Patient.", where)
    found: Content = patient
    return found


def _entry(context: Context, each: _Graded) -> Entry:
    search = {
        "extension": [{"url": MATCH_GRADE, "valueCode": each.match.grade}],
        "mode": "match",
        "score": each.match.score,
    }
    version = each.version
    return Entry(
        full_url=f"{context.base}/{version.type}/{version.id}",
        content=version.content,
        rest=codec.encode({"search": search}),
    )
