"""The ninth question of PHQ-9: any answer above 0 is flagged, and the referrer is told at once. It stops no massage.

Whether it comes as an answer, as an Observation of its own or as a component of one. An answer in words or codes that
cannot be told counts as one above 0: to miss one is the dangerous mistake.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import LOINC
from service.fhir.concept import codings
from service.fhir.outcome import CANONICAL
from service.fhir.questionnaire.enabled import given_answers
from service.fhir.questionnaire.form import ORDINAL, WEIGHT
from service.fhir.questionnaire.scoring import score_of
from service.massage.assessment.rows import FOLDER
from service.massage.data_files import read
from service.massage.screening.content import codings_in, objects_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from service.fhir.questionnaire.form import Form
    from service.fhir.resource import Content

IDENTIFIER_SYSTEM: Final = f"{CANONICAL}/NamingSystem/self-harm-alarm"
"""Of the identifiers ``<referral>/<what said so>`` of Flag and Communication: nobody is told twice of one answer."""

_NOT_OBSERVED: Final = frozenset({"registered", "cancelled", "entered-in-error", "unknown"})
_LOWEST: Final = "LA6568-5"
_NEVER: Final = "not at all"
_TITLE: Final = "PHQ-9, question 9: thoughts of being better off dead, or of self-harm"
_TOLD: Final = (
    f"{_TITLE}. It was answered above 0. Please see to the patient today; the massage is not stopped by this."
)


@cache
def alarming_codes() -> frozenset[str]:
    """The LOINC codes of the questions, by the rows of forms.toml."""
    forms = read(FOLDER / "forms.toml")
    listed = (one for form in forms.values() for item in form["item"] for one in item.get("listed", ()))
    return frozenset(one["loinc"] for one in listed if one.get("alarm"))


def is_alarming(content: Content, form: Form | None = None) -> bool:
    """Whether an Observation, or the response to a form, has such an answer above 0."""
    if content.get("status") in _NOT_OBSERVED:
        return False
    if content["resourceType"] == "QuestionnaireResponse":
        return form is not None and any(_is_above(each) for each in _answers(content, form))
    holders = (content, *content.get("component", ()))
    return any(_is_above(each) for each in holders if _asks(codings(each.get("code"))))


def may_be_alarming(observation: Content) -> bool:
    """Whether an Observation, which nobody has validated yet, is of the question."""
    holders = (observation, *objects_in(observation, "component"))
    return any(_asks({"system": system, "code": code} for system, code in codings_in(each, "code")) for each in holders)


def _answers(response: Content, form: Form) -> Iterator[Content]:
    for link_id, answers in given_answers(response.get("item", ())).items():
        question = form.by_link_id.get(link_id)
        if question is not None and _asks(question.codes):
            for each in answers:
                score = score_of(question, each)
                yield each if score is None else {"valueDecimal": score}


def _asks(codes: Iterable[Content]) -> bool:
    return any(each.get("system") == LOINC and each.get("code") in alarming_codes() for each in codes)


def _is_above(holder: Content) -> bool:
    """Whether the value, of an Observation or an answer, is not 0 and not "not at all"; without a value it is not."""
    name = next((each for each in holder if each.startswith("value")), "")
    value: Any = holder.get(name)
    match name:
        case "":
            return False
        case "valueCodeableConcept":
            told = [*codings(value), {"display": value.get("text", "")}]
            return not any(_is_lowest(each) for each in told)
        case "valueCoding":
            return not _is_lowest(value)
        case "valueQuantity":
            return value.get("value") is None or Decimal(str(value["value"])) > 0 or "comparator" in value
        case "valueString":
            return bool(value.strip().casefold() not in (_NEVER, "0"))
        case "valueBoolean":
            return bool(value)
        case "valueInteger" | "valueDecimal":
            return Decimal(str(value)) > 0
        case _:
            return True


def _is_lowest(coding: Content) -> bool:
    weights = (each for each in coding.get("extension", ()) if each.get("url") in (ORDINAL, WEIGHT))
    is_zero = any(each.get("valueDecimal") == 0 for each in weights)
    is_named = str(coding.get("display", "")).strip().casefold() == _NEVER
    return is_zero or is_named or (coding.get("system"), coding.get("code")) == (LOINC, _LOWEST)


def alarm_identifier(referral_reference: str, source: str) -> dict[str, Any]:
    """By which Flag and Communication of an answer are found again; `source` is a reference to what said so first."""
    return {"system": IDENTIFIER_SYSTEM, "value": f"{referral_reference}/{source}"}


def flag_of(identifier: Content, patient_reference: str, encounter: Content | None, now: datetime) -> Content:
    """The Flag: https://hl7.org/fhir/R4/flag.html. People end it."""
    category = {"system": "http://terminology.hl7.org/CodeSystem/flag-category", "code": "safety", "display": "Safety"}
    flag: Content = {
        "resourceType": "Flag",
        "identifier": [identifier],
        "status": "active",
        "category": [{"coding": [category]}],
        "code": {"coding": [{"system": LOINC, "code": each} for each in sorted(alarming_codes())], "text": _TITLE},
        "subject": {"reference": patient_reference},
        "period": {"start": now.isoformat(timespec="milliseconds")},
    }
    return flag if encounter is None else flag | {"encounter": encounter}


def message_of(
    identifier: Content,
    *,
    patient_reference: str,
    about: Iterable[str],
    recipient: Content | None,
    now: datetime,
) -> Content:
    """The urgent Communication: https://hl7.org/fhir/R4/communication.html, to the referral's requester."""
    alert = {"system": "http://terminology.hl7.org/CodeSystem/communication-category", "code": "alert"}
    communication: Content = {
        "resourceType": "Communication",
        "identifier": [identifier],
        "status": "completed",
        "category": [{"coding": [alert | {"display": "Alert"}]}],
        "priority": "stat",
        "subject": {"reference": patient_reference},
        "about": [{"reference": each} for each in about],
        "sent": now.isoformat(timespec="milliseconds"),
        "reasonCode": [{"text": _TITLE}],
        "payload": [{"contentString": _TOLD}],
    }
    return communication if recipient is None else communication | {"recipient": [recipient]}
