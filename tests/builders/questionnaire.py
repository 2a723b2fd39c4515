"""Questions of a Questionnaire, and items of the responses to it."""

from __future__ import annotations

from typing import Any, Final

from service.fhir.code_systems import UCUM
from service.fhir.questionnaire.form import EXTRACT, ORDINAL, SUM_OF, UNIT

Json = dict[str, Any]

SCORE: Final[Json] = {"system": UCUM, "code": "{score}"}
PAIN: Final[list[Json]] = [{"system": "http://loinc.org", "code": "72514-3"}]
"""Item.code of a question about pain."""


def question(kind: str, link_id: str = "q", *extensions: Json, **elements: Any) -> Json:
    """An item of a Questionnaire."""
    found = {"linkId": link_id, "type": kind, "text": "Asked?"} | elements
    return found | ({"extension": list(extensions)} if extensions else {})


def coding(code: str, score: int | None = None) -> Json:
    """An option to choose."""
    option: Json = {"valueCoding": {"system": "http://answers.example.org", "code": code}}
    return option if score is None else option | {"extension": [{"url": ORDINAL, "valueDecimal": score}]}


def answered(value: Any = None, element: str = "", link_id: str = "q", **elements: Any) -> Json:
    """An item of a response with one answer, or none."""
    return {"linkId": link_id} | ({"answer": [{element: value}]} if element else {}) | elements


def response(*items: Json, status: str = "completed", **elements: Any) -> Json:
    """A response of these items."""
    return {"resourceType": "QuestionnaireResponse", "status": status, "item": list(items)} | elements


def scored() -> list[Json]:
    """Two questions with scores, and their total."""
    options = [coding("no", 0), coding("yes", 3)]
    summands = [{"url": SUM_OF, "valueString": each} for each in ("one", "two")]
    marked = {"url": EXTRACT, "valueBoolean": True}
    total = question("integer", "total", {"url": UNIT, "valueCoding": SCORE}, marked, *summands, code=[{"code": "sum"}])
    return [*(question("choice", each, answerOption=options) for each in ("one", "two")), total]


def chosen(link_id: str, code: str) -> Json:
    """An item that is answered by an option of `coding`."""
    return answered(coding(code)["valueCoding"], "valueCoding", link_id)
