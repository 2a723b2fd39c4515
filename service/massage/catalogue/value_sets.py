"""The ValueSets of the catalogue: everything of each CodeSystem, and the sets that elements of a referral draw from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from service.fhir.code_systems import CPT, ICD10CM, LOINC, NUCC, SNOMED
from service.massage.catalogue.published import SIGN_OFF, canonical, published

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.fhir.resource import Content
    from service.massage.catalogue.rows import Catalogue

_MASSAGE: Final = "387854002"


def value_sets(catalogue: Catalogue, code_systems: Iterable[Content]) -> list[Content]:
    """All ValueSets, in the order in which they are published."""
    return [
        *(_everything_of(each) for each in code_systems),
        _referrals(catalogue),
        _conditions(catalogue),
        _body_sites(catalogue),
        _outcomes(catalogue),
        _absolute_contraindications(),
        _task("input"),
        _task("output"),
        _providers(catalogue),
    ]


def _everything_of(code_system: Content) -> Content:
    logical_id = code_system["id"]
    is_signed_off = not code_system["experimental"]
    return _value_set(
        logical_id,
        [{"system": code_system["url"]}],
        title=code_system["title"],
        description=f"All codes of {code_system['url']}." + ("" if is_signed_off else f" {SIGN_OFF}"),
        is_signed_off=is_signed_off,
    )


def _referrals(catalogue: Catalogue) -> Content:
    by_hand = [row for row in catalogue.techniques.values() if row.pressure]
    kinds = {"property": "concept", "op": "is-a", "value": "medical-massage"}
    return _value_set(
        "massage-referral",
        [
            {"system": canonical("CodeSystem", "massage-technique"), "filter": [kinds]},
            _listed(SNOMED, {_MASSAGE: catalogue.techniques["medical-massage"].wider[_MASSAGE]}),
            _listed(CPT, {code: "" for row in by_hand for code in row.cpt}),
        ],
        title="Codes of a referral to medical massage",
        description="ServiceRequest.code of an order for medical massage: by technique, by SNOMED CT or by CPT.",
        systems=(SNOMED, CPT),
    )


def _conditions(catalogue: Catalogue) -> Content:
    return _value_set(
        "treated-condition",
        [
            _listed(SNOMED, _merged(row.snomed for row in catalogue.conditions.values())),
            _listed(ICD10CM, _merged(row.icd10cm for row in catalogue.conditions.values())),
        ],
        title="Conditions that medical massage is ordered for",
        description="Condition.code and reasonCode of a referral. The ICD-10-CM codes are billable.",
        systems=(SNOMED, ICD10CM),
    )


def _body_sites(catalogue: Catalogue) -> Content:
    return _value_set(
        "massage-body-site",
        [_listed(SNOMED, {code: row.display for code, row in catalogue.body_sites.items()})],
        title="Body sites of massage",
        description="ServiceRequest.bodySite and Procedure.bodySite.",
        systems=(SNOMED,),
    )


def _outcomes(catalogue: Catalogue) -> Content:
    loinc = {code: "" for row in catalogue.outcome_measures.values() for code in row.loinc}
    return _value_set(
        "outcome-code",
        [{"system": canonical("CodeSystem", "massage-outcome")}, _listed(LOINC, loinc)],
        title="Codes of outcome measurements",
        description="Observation.code of a measured outcome: by LOINC where there is a code, else by ours.",
        systems=(LOINC,),
    )


def _absolute_contraindications() -> Content:
    absolute = {"property": "severity", "op": "=", "value": "absolute"}
    return _value_set(
        "absolute-contraindication",
        [{"system": canonical("CodeSystem", "contraindication"), "filter": [absolute]}],
        title="Contraindications that rule massage out",
        description=f"Those of severity absolute. {SIGN_OFF}",
        is_signed_off=False,
    )


def _task(direction: Literal["input", "output"]) -> Content:
    flow = {"property": "direction-of-flow", "op": "=", "value": direction}
    return _value_set(
        f"referral-task-{direction}",
        [{"system": canonical("CodeSystem", "referral-task-io"), "filter": [flow]}],
        title=f"{direction.capitalize()}s of a referral's Task",
        description=f"Task.{direction}.type of a referral.",
    )


def _providers(catalogue: Catalogue) -> Content:
    return _value_set(
        "provider-role",
        [_listed(NUCC, {code: row.display for code, row in catalogue.provider_roles.items()})],
        title="Who gives and who orders medical massage",
        description="PractitionerRole.code and ServiceRequest.performerType: massage therapists, neighbouring "
        "professions and referrers.",
        systems=(NUCC,),
    )


def _value_set(
    logical_id: str,
    include: list[Content],
    *,
    title: str,
    description: str,
    systems: tuple[str, ...] = (),
    is_signed_off: bool = True,
) -> Content:
    found = published(
        "ValueSet",
        logical_id,
        title=title,
        description=description,
        systems=systems,
        is_signed_off=is_signed_off,
    )
    found["immutable"] = False
    found["compose"] = {"include": include}
    return found


def _listed(system: str, codes: dict[str, str]) -> Content:
    concepts = [{"code": code, "display": text} if text else {"code": code} for code, text in codes.items()]
    return {"system": system, "concept": concepts}


def _merged(tables: Iterable[dict[str, str]]) -> dict[str, str]:
    return {code: text for table in tables for code, text in table.items()}
