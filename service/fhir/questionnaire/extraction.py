"""The Observations that a response says, by SDC's observation-based extraction.

https://hl7.org/fhir/uv/sdc/extraction.html. A question that is marked, and has a code, becomes an Observation for each
of its answers; one that is marked as a component, a component of its parent's. An option that has a score, of a
question that has a unit, becomes the score in that unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.questionnaire.enabled import given_answers
from service.fhir.questionnaire.scoring import score_of, total

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from service.fhir.questionnaire.form import Extraction, Form, Question
    from service.fhir.resource import Content


_OURS: Final = str.maketrans({each: f"%{ord(each):02X}" for each in "%/[]"})
"""What names are put together with is written in percent where a linkId has it, so that no two names are the same."""


class Extracted(Struct, frozen=True, kw_only=True):
    """An Observation, without an id; `name` tells it from all others that a response to the form can say.

    It is the linkId; of what repeats, which repeat it is: ``pain[2]``; below that, what is inside: ``pain[2]/when``.
    """

    name: str
    content: Content


def extracted(response: Content, form: Form, reference: str) -> list[Extracted]:
    """Of a response that its form allows; `reference` is to it. Totals that nobody entered are counted."""
    items = response.get("item", ())
    given = given_answers(items)
    found = [*_of_items(items, form.items, _about(response, reference), "")]
    for question in form.by_link_id.values():
        if not question.sum_of or given.get(question.link_id) or question.extraction is None:
            continue
        counted = total(question, form, given)
        if counted is not None:
            name, value = _named(question), {"valueInteger": counted}
            found.append(
                Extracted(
                    name=name, content=_observation(question, question.extraction, value, _about(response, reference))
                )
            )
    return found


def _about(response: Content, reference: str) -> Content:
    """The elements that every Observation has from the response."""
    about: dict[str, Any] = {"status": "amended" if response.get("status") == "amended" else "final"}
    for name in ("basedOn", "subject", "encounter"):
        if name in response:
            about[name] = response[name]
    if parts := [each for each in response.get("partOf", ()) if not _is_observation(each)]:
        about["partOf"] = parts
    if "authored" in response:
        about["effectiveDateTime"] = response["authored"]
        if "T" in response["authored"]:
            about["issued"] = response["authored"]
    if "author" in response and not str(response["author"].get("reference", "")).startswith("Device/"):
        about["performer"] = [response["author"]]
    return about | {"derivedFrom": [{"reference": reference}]}


def _is_observation(reference: Content) -> bool:
    """An Observation is part of no Observation in R4."""
    return str(reference.get("reference", "")).startswith("Observation/")


def _of_items(
    items: Sequence[Content], questions: Sequence[Question], about: Content, within: str
) -> Iterator[Extracted]:
    known = {each.link_id: each for each in questions}
    counts: dict[str, int] = {}
    for item in items:
        question = known.get(item.get("linkId", ""))
        if question is None:
            continue
        nth = counts[question.link_id] = counts.get(question.link_id, 0) + 1
        repeated = f"[{nth}]" if question.type == "group" and question.repeats else ""
        name = f"{within}{_named(question)}{repeated}"
        yield from _of_items(item.get("item", ()), question.items, about, f"{name}/" if repeated else within)
        for place, answer in enumerate(item.get("answer", ()), start=1):
            one = f"{name}[{place}]" if question.repeats else name
            if question.extraction is not None and not question.extraction.is_component:
                content = _observation(question, question.extraction, answer, about)
                if components := [*_components(question, answer)]:
                    content["component"] = components
                if "component" in content or any(each.startswith("value") for each in content):
                    yield Extracted(name=one, content=content)
            below = f"{one}/" if question.repeats else within
            yield from _of_items(answer.get("item", ()), question.items, about, below)


def _named(question: Question) -> str:
    return question.link_id.translate(_OURS)


def _observation(question: Question, extraction: Extraction, answer: Content, about: Content) -> Content:
    content: Content = {"resourceType": "Observation", "status": about["status"]}
    if extraction.categories:
        content["category"] = list(extraction.categories)
    content["code"] = {"coding": [dict(each) for each in question.codes], "text": question.text}
    content |= {name: value for name, value in about.items() if name != "status"}
    if question.body_site is not None:
        content["bodySite"] = question.body_site
    return content | _value(question, answer)


def _components(question: Question, answer: Content) -> Iterator[Content]:
    below: Mapping[str, Question] = {each.link_id: each for each in question.items}
    for item in answer.get("item", ()):
        part = below.get(item.get("linkId", ""))
        if part is not None and part.extraction is not None and part.extraction.is_component:
            for each in item.get("answer", ()):
                code = {"coding": [dict(one) for one in part.codes], "text": part.text}
                yield {"code": code} | _value(part, each)


def _value(question: Question, answer: Content) -> Content:
    """The element of the value, in R4's types for an Observation; empty for an answer that has none there."""
    score = score_of(question, answer) if question.unit else None
    if score is not None:
        return {"valueQuantity": _quantity(score, question.unit)}
    name, value = next((pair for pair in answer.items() if pair[0].startswith("value")), ("", None))
    match name:
        case "valueBoolean" | "valueString" | "valueTime" | "valueQuantity" | "valueDateTime":
            return {name: value}
        case "valueInteger" | "valueDecimal" if question.unit or name == "valueDecimal":
            return {"valueQuantity": _quantity(value, question.unit)}
        case "valueInteger":
            return {"valueInteger": value}
        case "valueDate":
            return {"valueDateTime": value}
        case "valueCoding":
            return {"valueCodeableConcept": {"coding": [value]}}
        case "valueUri":
            return {"valueString": value}
    return {}


def _quantity(number: Any, unit: Content | None) -> Content:
    if unit is None:
        return {"value": number}
    return {
        "value": number,
        "unit": unit.get("display", unit.get("code", "")),
        "system": unit.get("system", ""),
        "code": unit.get("code", ""),
    }
