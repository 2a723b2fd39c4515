"""The assessments as FHIR resources: a Questionnaire for each form, and the CodeSystem of their own answers.

https://hl7.org/fhir/R4/questionnaire.html, https://hl7.org/fhir/uv/sdc/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import LOINC, OBSERVATION_CATEGORY, SNOMED, UCUM
from service.fhir.questionnaire import form
from service.massage.assessment.expansion import written_out
from service.massage.assessment.rows import FOLDER, load
from service.massage.catalogue.published import canonical, published
from service.massage.catalogue.rows import FOLDER as CATALOGUE
from service.massage.fingerprint import fingerprint_of
from service.massage.systems import CONTRAINDICATION, OUTCOME

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from service.fhir.resource import Content
    from service.massage.assessment.rows import Assessments, Form, Item, Option, When
    from service.massage.catalogue.rows import OutcomeMeasure, Unit

VERSION: Final = "1.0.0"
"""Of all forms together; to be raised with every change of what one of them asks."""

CODES: Final = canonical("CodeSystem", "assessment-code")

_LAUNCH: Final = "http://hl7.org/fhir/uv/sdc/CodeSystem/launchContext"
_LOINC_NOTICE: Final = (
    "Contains codes of LOINC (http://loinc.org), © Regenstrief Institute, Inc. and the LOINC Committee, available at "
    "no cost under the licence at http://loinc.org/license."
)


def resources(assessments: Assessments | None = None) -> list[Content]:
    """The CodeSystem and the Questionnaires, each with its id; of the packaged rows where none are given."""
    found = assessments or load()
    return [_codes(found), *questionnaires(found).values()]


def questionnaires(assessments: Assessments) -> dict[str, Content]:
    """The Questionnaires by their canonical URLs."""
    made = (_questionnaire(each, assessments) for each in written_out(assessments))
    return {each["url"]: each for each in made}


def fingerprint(folder: Path = FOLDER) -> str:
    """A digest of the rows and of the code that makes resources of them, without reading what they say."""
    return fingerprint_of((*folder.glob("*.toml"), *FOLDER.glob("*.py"), *CATALOGUE.glob("*.toml")))


def _questionnaire(row: Form, assessments: Assessments) -> Content:
    sources = "; ".join(assessments.catalogue.sources[each].display for each in row.sources)
    lists = dict.fromkeys(each.options for each in _every(row.item) if each.options)
    doubts = (row.doubt, *(assessments.answers[each].doubt for each in lists))
    doubt = "".join(f" To be reviewed: {each}" for each in doubts if each)
    found = published(
        "Questionnaire",
        row.id,
        title=row.title,
        description=row.description,
        purpose=f"Sources: {sources}.{doubt}",
        systems=() if row.copyright else (LOINC, SNOMED),
        is_signed_off=not any(each.flag for each in _every(row.item)),
    )
    if row.copyright:
        found["copyright"] = f"{row.copyright} {_LOINC_NOTICE}"
    category = {"coding": [{"system": OBSERVATION_CATEGORY, "code": row.category}]}
    extensions = [{"url": form.CATEGORY, "valueCodeableConcept": category}]
    if any(each.initial for each in _every(row.item)):
        extensions.append(_launch_context())
    found |= {
        "version": VERSION,
        "extension": extensions,
        "subjectType": ["Patient"],
        "item": [_item(each, assessments) for each in row.item],
    }
    return found | ({"code": [{"system": LOINC, "code": row.panel}]} if row.panel else {})


def _launch_context() -> Content:
    name = {"system": _LAUNCH, "code": "patient", "display": "Patient"}
    parts = [{"url": "name", "valueCoding": name}, {"url": "type", "valueCode": "Patient"}]
    return {"url": f"{form.SDC}/sdc-questionnaire-launchContext", "extension": parts}


def _every(items: Iterable[Item]) -> Iterable[Item]:
    for each in items:
        yield each
        yield from _every(each.item)


def _item(row: Item, assessments: Assessments) -> Content:
    measure = assessments.catalogue.outcome_measures[row.measure] if row.measure else None
    kind = row.type or _number_type(_unit(row, measure))
    extensions = _extensions(row, kind, measure, assessments)
    found: dict[str, Any] = {"extension": extensions} if extensions else {}
    found["linkId"] = row.id
    if codes := _coding(row, measure, assessments):
        found["code"] = codes
    found |= {"text": row.text, "type": kind}
    if row.when is not None:
        found["enableWhen"] = [_condition(row.when, assessments)]
    if row.required:
        found["required"] = True
    if row.last_days is not None or row.total_of:
        found["readOnly"] = True
    if kind == "choice" and row.options:
        found["answerOption"] = [_option(each) for each in assessments.answers[row.options].option]
    return found | ({"item": [_item(each, assessments) for each in row.item]} if row.item else {})


def _unit(row: Item, measure: OutcomeMeasure | None) -> Unit | None:
    """The unit of the measure that the answer is in."""
    units = measure.values if measure else ()
    return next((each for each in units if each.unit == row.unit), units[0] if units else None)


def _number_type(unit: Unit | None) -> str:
    return "integer" if unit is not None and unit.whole else "decimal"


def _extensions(row: Item, kind: str, measure: OutcomeMeasure | None, assessments: Assessments) -> list[Content]:
    unit = _unit(row, measure)
    name = row.unit or (unit.unit if unit else None)
    found: list[Content] = []
    if name is not None:
        found.append({"url": form.UNIT, "valueCoding": {"system": UCUM, "code": name, "display": name}})
    if unit is not None and kind in ("integer", "decimal"):
        found += [
            {"url": url, "valueInteger" if kind == "integer" else "valueDecimal": _exact(bound, kind)}
            for url, bound in ((form.MIN_VALUE, unit.low), (form.MAX_VALUE, unit.high))
            if bound is not None
        ]
    if row.last_days is not None:
        period = {"value": row.last_days, "unit": "days", "system": UCUM, "code": "d"}
        found.append({"url": form.LINK_PERIOD, "valueDuration": period})
    elif row.part is not None:
        found.append({"url": form.EXTRACT, "valueCode": "component"})
    elif row.measure or row.loinc:
        found.append({"url": form.EXTRACT, "valueBoolean": True})
    if row.initial is not None:
        found.append({"url": form.INITIAL, "valueExpression": _expression(row.initial)})
    if row.site is not None:
        found.append({"url": form.BODY_SITE, "valueCodeableConcept": _site(row.site, assessments)})
    return [*found, *_total(row.total_of)]


def _exact(bound: float, kind: str) -> Any:
    return int(bound) if kind == "integer" or bound == int(bound) else bound


def _expression(text: str) -> Content:
    return {"language": "text/fhirpath", "expression": text}


def _total(summands: tuple[str, ...]) -> list[Content]:
    if not summands:
        return []
    listed = " | ".join(f"'{each}'" for each in summands)
    path = f"%resource.item.item.where(linkId in ({listed})).answer.value.weight().sum()"
    named = [{"url": form.SUM_OF, "valueString": each} for each in summands]
    return [{"url": form.CALCULATED, "valueExpression": _expression(path)}, *named]


def _coding(row: Item, measure: OutcomeMeasure | None, assessments: Assessments) -> list[Content]:
    if row.flag is not None:
        display = assessments.catalogue.contraindications[row.flag].display
        return [{"system": CONTRAINDICATION, "code": row.flag, "display": display}]
    if row.part is not None:
        return [{"system": CODES, "code": row.part, "display": row.text}]
    loinc = row.loinc or (next(iter(measure.loinc)) if measure and len(measure.loinc) == 1 and not row.site else None)
    found: list[Content] = [{"system": LOINC, "code": loinc}] if loinc else []
    if measure is not None and row.measure is not None:
        found.append({"system": OUTCOME, "code": row.measure, "display": measure.display})
    return found


def _site(code: str, assessments: Assessments) -> Content:
    row = assessments.sites[code]
    wider = {"system": SNOMED, "code": row.wider, "display": assessments.catalogue.body_sites[row.wider].display}
    return {"coding": [{"system": CODES, "code": code, "display": row.display}, wider], "text": row.display}


def _condition(when: When, assessments: Assessments) -> Content:
    found: Content = {"question": when.item, "operator": "="}
    if isinstance(when.expected, bool):
        return found | {"answerBoolean": when.expected}
    options = (each for answers in assessments.answers.values() for each in answers.option)
    chosen = next(each for each in options if each.code == when.expected)
    return found | {"answerCoding": _as_coding(chosen)}


def _option(row: Option) -> Content:
    found: Content = {"valueCoding": _as_coding(row)}
    if row.score is not None:
        return {"extension": [{"url": form.ORDINAL, "valueDecimal": row.score}]} | found
    return found


def _as_coding(row: Option) -> Content:
    return {"system": row.system or CODES, "code": row.code, "display": row.display}


def _codes(assessments: Assessments) -> Content:
    content = published(
        "CodeSystem",
        "assessment-code",
        title="Codes of the assessments",
        description="Answers of the assessments that no other code system has, and sites with their sides.",
    )
    options = (each for answers in assessments.answers.values() for each in answers.option if each.system is None)
    displays = {each.code: each.display for each in options}
    displays |= {code: each.display for code, each in assessments.sites.items()}
    concepts = [{"code": code, "display": display} for code, display in displays.items()]
    return content | {"caseSensitive": True, "content": "complete", "count": len(concepts), "concept": concepts}
