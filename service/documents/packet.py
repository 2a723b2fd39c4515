"""The documentation of medical necessity for a payer: all that it asks for in one document, and what that lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.documents import sections, words
from service.documents.coverage import coverages, is_within_free_visits
from service.documents.necessity import diagnoses
from service.documents.paper import Facts, Paper, Points, Section, Table, Text, legible
from service.fhir.concept import codings
from service.massage.cycle.terms import references_in
from service.massage.visits import answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.documents.case import Case
    from service.documents.necessity import Missing
    from service.documents.paper import Block
    from service.fhir.resource import Content

TITLE: Final = "Documentation of medical necessity"


def packet_paper(case: Case, lacking: Sequence[Missing]) -> Paper:
    """The document as a reader has it; what is missing comes first."""
    parts = [
        state(lacking),
        _prescription(case),
        _diagnoses(case),
        sections.goals(case),
        _plan(case),
        sections.sessions(case, is_for_payer=True),
        sections.outcomes(case),
        _authorisation(case),
        _reports(case),
        *sections.limits(case),
    ]
    return legible(
        Paper(
            title=TITLE,
            about=sections.about(case),
            made_at=words.moment(case.now, case.zone),
            facts=tuple(sections.people(case)),
            sections=tuple(parts),
        )
    )


def state(lacking: Sequence[Missing]) -> Section:
    """Whether the documentation is complete, and what it lacks."""
    if not lacking:
        return Section(title="Completeness", blocks=(Text("Everything that is asked for is in this document."),))
    rows = tuple((each.requirement.title, each.told, words.capital(each.requirement.accepted)) for each in lacking)
    told = f"The documentation is not complete: {_missing(len(lacking))} missing."
    head = ("Asked for", "Missing", "What would be accepted")
    return Section(title="Completeness", blocks=(Text(told, is_important=True), Table("Missing", head, rows)))


def operation_outcome(lacking: Sequence[Missing]) -> Content:
    """The same for a system: one issue for each thing that is missing."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "warning",
                "code": "required",
                "details": {"text": each.requirement.title},
                "diagnostics": f"{each.told} Accepted is {each.requirement.accepted}.",
                "expression": [each.requirement.element],
            }
            for each in lacking
        ],
    }


def _missing(count: int) -> str:
    return "one thing that is asked for is" if count == 1 else f"{count} things that are asked for are"


def _prescription(case: Case) -> Section:
    referral = case.referral
    rows = [
        ("Ordered service", words.concept(referral.get("code"))),
        ("In detail", "; ".join(map(words.concept, referral.get("orderDetail", ())))),
        ("Sessions ordered", words.count(case.visits.ordered)),
        ("How often", words.timing(referral.get("occurrenceTiming"))),
        ("Within", words.period(referral.get("occurrencePeriod"))),
        ("Instruction", str(referral.get("patientInstruction", ""))),
        ("Notes", " ".join(str(each.get("text", "")) for each in referral.get("note", ()))),
    ]
    name = f"ServiceRequest/{case.view.referral_id}"
    scripts = [
        case.view.local(each)
        for each in references_in(referral.get("supportingInfo"))
        if case.view.local(each).startswith("DocumentReference/")
    ]
    present = tuple((term, told) for term, told in rows if told)
    return Section(title="Prescription", blocks=(Facts(present),), refers_to=(name, *scripts))


def _diagnoses(case: Case) -> Section:
    rows = tuple(_coded_diagnoses(case).values())
    named = tuple(case.view.local(each) for each in references_in(case.referral.get("reasonReference")))
    if not rows:
        return Section(title="Diagnoses", blocks=(Text("No diagnosis is on record."),), refers_to=named)
    table = Table("Diagnoses of the prescriber", ("Code", "System", "Diagnosis"), rows)
    return Section(title="Diagnoses", blocks=(table,), refers_to=named)


def _coded_diagnoses(case: Case) -> dict[tuple[str, str], tuple[str, str, str]]:
    """One row for each code, in the longest words that it is given; those without a code by their words."""
    found: dict[tuple[str, str], tuple[str, str, str]] = {}
    for each in diagnoses(case):
        text = words.concept(each)
        for coding in list(codings(each)) or [{"system": text}]:
            code, system = str(coding.get("code", "")), str(coding.get("system", ""))
            known = found.get((code, system), ("", "", ""))[2]
            found[code, system] = (code, system if code else "", max(known, text, key=len))
    return found


def _plan(case: Case) -> Section:
    plan = case.plan
    if plan is None:
        return Section(title="Plan", blocks=(Text("No plan is on record."),))
    rows = [
        ("Title", str(plan.get("title", ""))),
        ("Status", str(plan.get("status", ""))),
        ("Period", words.period(plan.get("period"))),
        ("Description", str(plan.get("description", ""))),
    ]
    activities = [_activity(each.get("detail", {})) for each in plan.get("activity", ())]
    listed = Points(tuple(each for each in activities if each))
    facts = Facts(tuple((term, told) for term, told in rows if told))
    blocks = (facts, *((listed,) if listed.items else ()))
    return Section(title="Plan", blocks=blocks, refers_to=(f"CarePlan/{plan['id']}",))


def _activity(detail: Content) -> str:
    parts = (words.concept(detail.get("code")), detail.get("description"), words.timing(detail.get("scheduledTiming")))
    return "; ".join(str(each) for each in parts if each)


def _authorisation(case: Case) -> Section:
    head = ("Number", "Valid", "Visits allowed", "Told by")
    rows = tuple(
        (
            each.number or words.UNKNOWN,
            words.period({"start": each.start, "end": each.end}) or words.UNKNOWN,
            words.count(each.visits),
            each.reference or "coverage information on the order",
        )
        for each in answers(case.view)
    )
    told: Block = Table("Authorisations", head, rows) if rows else Text("No authorisation is on record.")
    policies = tuple(
        (
            words.who(case.view, next(iter(each.get("payor", ())), None)) or words.UNKNOWN,
            str(each.get("subscriberId", words.UNKNOWN)),
            words.period(each.get("period")) or words.UNKNOWN,
        )
        for each in coverages(case)
    )
    covered = (
        Table("Coverage", ("Payer", "Subscriber", "In force"), policies)
        if policies
        else Text("No active coverage is on record.")
    )
    named = tuple(case.view.local(each) for each in references_in(case.referral.get("insurance")))
    counted = sections.visits(case).blocks
    if not rows and is_within_free_visits(case):
        free = case.policy.visits_without_authorisation
        told = Text(f"No authorisation is on record; by the payer's rules the first {free} visits take none.")
    return Section(title="Authorisation and coverage", blocks=(told, covered, *counted), refers_to=named)


def _reports(case: Case) -> Section:
    found = sorted(case.view.of("DiagnosticReport"), key=lambda each: str(each.get("issued", "")))
    lines = tuple(f"{str(each.get('issued', ''))[:10]}: {_called(each)} ({each.get('status')})" for each in found)
    blocks = (Points(lines),) if lines else (Text("No report is on record."),)
    return Section(title="Reports", blocks=blocks, refers_to=tuple(f"DiagnosticReport/{each['id']}" for each in found))


def _called(report: Content) -> str:
    titles = (each.get("title") for each in report.get("presentedForm", ()))
    return next((str(each) for each in titles if each), words.concept(report.get("code")) or "Report")
