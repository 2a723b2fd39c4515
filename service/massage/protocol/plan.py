"""Applying a protocol: the draft of a plan for one patient and one referral, with its goals; nothing is stored.

https://hl7.org/fhir/R4/plandefinition-operation-apply.html
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_URL, uuid5

from service.fhir.code_systems import CONDITION_CLINICAL, ICD10CM, SNOMED
from service.fhir.concept import coded, codes_of
from service.fhir.outcome import failure
from service.massage.catalogue.published import canonical
from service.massage.cycle.terms import reference_in, sessions
from service.massage.profiles import canonical as profile
from service.massage.protocol.definitions import VERSION, activity_url, technique_id
from service.massage.protocol.dosage import dosage_of
from service.massage.protocol.goals import aim_of, cited, measure_concept
from service.massage.protocol.techniques import chosen, is_licensed
from service.massage.systems import TECHNIQUE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.fhir.resource import Content
    from service.massage.protocol.case import Case
    from service.massage.protocol.dosage import Dosage
    from service.massage.protocol.rows import Activity, Protocol, Protocols, Statement, TechniqueUse
    from service.massage.protocol.techniques import Chosen

_CATEGORY: Final = "http://hl7.org/fhir/us/core/CodeSystem/careplan-category"
_ACTIVE: Final = coded(CONDITION_CLINICAL, "active")
_MASSAGE: Final = "387854002"


def apply(protocols: Protocols, row: Protocol, case: Case) -> Content:
    """A CarePlan in state draft that contains its Goals and its sessions; FhirError guard-* where there is no plan."""
    if absolute := [each.rule for each in case.screening.absolute if each.rule not in case.cleared]:
        told = f"Massage is contraindicated until it is cleared: {', '.join(absolute)}."
        raise failure("guard-safety", told, "http.subject")
    techniques, dosage = chosen(protocols, row, case), dosage_of(row, case)
    addresses, reason = _addresses(case)
    goals = [_goal(protocols, code, case, dosage, addresses) for code in row.goals]
    notes = _notes(protocols, row, case, (*techniques.notes, *dosage.notes))
    plan: dict[str, Any] = {
        "resourceType": "CarePlan",
        "meta": {"profile": [profile("massage-care-plan")]},
        "text": {"status": "generated", "div": _narrative(protocols, row, techniques, dosage, goals, notes)},
        "contained": [*reason, *goals, _sessions(protocols, row, case, techniques, dosage)],
        "instantiatesCanonical": [f"{canonical('PlanDefinition', row.id)}|{VERSION}"],
        "status": "draft",
        "intent": "plan",
        "category": [coded(_CATEGORY, "assess-plan")],
        "title": row.title,
        "description": " ".join(_said(protocols, each) for each in (row.why, protocols.judgement)),
        "subject": {"reference": case.patient},
    }
    plan |= _made(case, dosage)
    listed = [{"reference": f"#{goal['id']}"} for goal in goals]
    return plan | {
        "addresses": addresses,
        "supportingInfo": [{"reference": each} for each in (case.order, *case.issues)],
        "goal": listed,
        "activity": [
            {"reference": {"reference": "#sessions"}},
            *(_activity(protocols, each, listed) for each in protocols.activities),
        ],
        "note": [{"text": each} for each in notes],
    }


def _made(case: Case, dosage: Dosage) -> Content:
    """When and by whom the plan is made, and for when."""
    found: Content = {"encounter": {"reference": case.encounter}} if case.encounter else {}
    found["period"] = {"start": dosage.start.isoformat(), "end": dosage.end.isoformat()}
    found["created"] = case.today.isoformat()
    author = case.author or case.organisation
    if author:
        found["author"] = {"reference": author}
    if case.organisation and case.organisation != author:
        found["contributor"] = [{"reference": case.organisation}]
    return found


def bundled(plan: Content) -> Content:
    """The same as a transaction that creates the plan, and its Goals beside it, so that each has a life of its own."""
    inside = {each["id"]: each for each in plan["contained"]}
    urls = {
        name: uuid5(NAMESPACE_URL, f"{plan['supportingInfo'][0]['reference']}#{name}").urn
        for name, each in inside.items()
        if each["resourceType"] == "Goal"
    }
    stored = {
        **plan,
        "contained": [each for name, each in inside.items() if name not in urls],
        "goal": [{"reference": url} for url in urls.values()],
        "activity": [_beside(each, urls) for each in plan["activity"]],
    }
    goals = []
    for name, url in urls.items():
        goal = {key: value for key, value in inside[name].items() if key != "id"}
        goal["text"] = {"status": "generated", "div": _division([f"<p>{escape(goal['description']['text'])}</p>"])}
        goal["addresses"] = [each for each in goal["addresses"] if not each["reference"].startswith("#")]
        goals.append(_entry(url, goal))
    own = uuid5(NAMESPACE_URL, f"{plan['supportingInfo'][0]['reference']}#plan").urn
    return {"resourceType": "Bundle", "type": "transaction", "entry": [*goals, _entry(own, stored)]}


def _entry(url: str, content: Content) -> Content:
    return {"fullUrl": url, "resource": content, "request": {"method": "POST", "url": content["resourceType"]}}


def _beside(activity: Content, urls: dict[str, str]) -> Content:
    detail = activity.get("detail")
    if not detail or "goal" not in detail:
        return activity
    return {**activity, "detail": detail | {"goal": [{"reference": url} for url in urls.values()]}}


def _addresses(case: Case) -> tuple[list[Content], list[Content]]:
    """The Conditions that the referral names; else one that is contained, of its reason codes, and that one."""
    named = [each for each in case.referral.get("reasonReference", ()) if "Condition/" in reference_in(each)]
    if named:
        return [{"reference": reference_in(each)} for each in named], []
    codes = case.referral.get("reasonCode")
    if not codes:
        told = "The referral names no reason: a plan addresses the referrer's diagnosis, and a therapist makes none."
        raise failure("guard-referral", told, "ServiceRequest.reasonReference")
    reasons = [
        {
            "resourceType": "Condition",
            "id": f"reason-{number}",
            "clinicalStatus": _ACTIVE,
            "code": code,
            "subject": {"reference": case.patient},
        }
        for number, code in enumerate(codes, 1)
    ]
    return [{"reference": f"#{each['id']}"} for each in reasons], reasons


def _goal(protocols: Protocols, code: str, case: Case, dosage: Dosage, addresses: list[Content]) -> Content:
    """One Goal, with the value to reach where a first measurement and a meaningful change are known."""
    measure = protocols.catalogue.outcome_measures[code]
    aim = aim_of(code, measure)
    first = case.measured.get(code)
    wanted = None if first is None else aim.wanted(first)
    target: dict[str, Any] = {"measure": measure_concept(code, measure)}
    if wanted is not None:
        target["detailQuantity"] = aim.quantity(wanted)
    goal = {
        "resourceType": "Goal",
        "id": f"goal-{code}",
        "lifecycleStatus": "proposed",
        "description": {"text": aim.words(wanted)},
        "subject": {"reference": case.patient},
        "startDate": dosage.start.isoformat(),
        "target": [target | {"dueDate": dosage.end.isoformat()}],
        "addresses": [*addresses, {"reference": case.order}],
    }
    reason = aim.reason(protocols.catalogue.sources)
    return goal | {"note": [{"text": reason}]} if reason else goal


def _sessions(protocols: Protocols, row: Protocol, case: Case, techniques: Chosen, dosage: Dosage) -> Content:
    """The sessions as a contained ServiceRequest of intent plan: techniques, body site, number and rhythm."""
    known = protocols.catalogue
    sites = case.referral.get("bodySite") or [
        {"coding": [{"system": SNOMED, "code": each, "display": known.body_sites[each].display}]} for each in row.sites
    ]
    found: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "id": "sessions",
        "instantiatesCanonical": [
            activity_url(technique_id(use.code))
            for use in techniques.uses
            if use.code in {own.code for own in row.techniques}
        ],
        "basedOn": [{"reference": case.order}],
        "status": "draft",
        "intent": "plan",
        "code": {"coding": [{"system": SNOMED, "code": _MASSAGE}], "text": "Medical massage"},
        "orderDetail": [_technique(protocols, use.code) for use in techniques.uses],
        "quantityQuantity": sessions(dosage.visits),
        "subject": {"reference": case.patient},
        "occurrenceTiming": dosage.timing(),
        "bodySite": sites,
        "note": [{"text": f"{known.techniques[use.code].display}: {_said(protocols, use)}"} for use in techniques.uses],
    }
    if performer := case.author or case.organisation:
        found["performer"] = [{"reference": performer}]
    if not found["instantiatesCanonical"]:
        del found["instantiatesCanonical"]
    return found


def _activity(protocols: Protocols, row: Activity, goals: list[Content]) -> Content:
    detail: dict[str, Any] = {"kind": row.kind, "instantiatesCanonical": [activity_url(row.id)]}
    if row.technique:
        detail["code"] = _technique(protocols, row.technique)
        if row.technique == "assessment":
            detail["goal"] = goals
    detail |= {"status": "not-started", "scheduledString": row.when}
    return {"detail": detail | {"description": f"{row.title}. {_said(protocols, row)}"}}


def _technique(protocols: Protocols, code: str) -> Content:
    display = protocols.catalogue.techniques[code].display
    return {"coding": [{"system": TECHNIQUE, "code": code, "display": display}], "text": display}


def _said(protocols: Protocols, statement: Statement | TechniqueUse | Activity) -> str:
    """What is said, and where it was read."""
    return f"{statement.says} {cited(protocols.catalogue.sources, statement.sources)}"


def _notes(protocols: Protocols, row: Protocol, case: Case, found: tuple[str, ...]) -> list[str]:
    """What the therapist is to know before the draft becomes a plan."""
    notes = [*found, *(_said(protocols, each) for each in row.cautions)]
    for each in case.screening.findings:
        state = "cleared" if each.rule in case.cleared else each.severity
        notes.append(f"Safety: {each.title} ({each.rule}, {state}). {each.action}".strip())
    if case.screening.basis == "unscreened":
        notes.append("Nothing is known of the patient that the safety rules could judge, which does not mean safe.")
    codes = {(system, code) for each in case.referral.get("reasonCode", ()) for system, code in codes_of(each)}
    if codes and not codes & _treated(protocols, row):
        notes.append("The reasons of the referral are not among the conditions of this protocol, as far as coded.")
    if case.therapist is not None and not is_licensed(case.therapist, case):
        notes.append("No licence of the therapist that is in force today is known here; a session takes one.")
    return [*notes, _said(protocols, protocols.continuation)]


def _treated(protocols: Protocols, row: Protocol) -> set[tuple[str, str]]:
    conditions = [protocols.catalogue.conditions[each] for each in row.conditions]
    return {(system, code) for each in conditions for system, codes in _systems(each) for code in codes}


def _systems(condition: Any) -> tuple[tuple[str, dict[str, str]], ...]:
    return ((SNOMED, condition.snomed), (ICD10CM, condition.icd10cm))


def _narrative(
    protocols: Protocols, row: Protocol, techniques: Chosen, dosage: Dosage, goals: list[Content], notes: list[str]
) -> str:
    names = ", ".join(protocols.catalogue.techniques[use.code].display for use in techniques.uses)
    parts = [
        f"<p><b>{escape(row.title)}</b>: {dosage.visits} sessions of {dosage.minutes} minutes. {escape(names)}.</p>",
        _listed(goal["description"]["text"] for goal in goals),
        _listed(notes),
    ]
    return _division(parts)


def _division(parts: Iterable[str]) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{"".join(parts)}</div>'


def _listed(texts: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in texts)}</ul>"
