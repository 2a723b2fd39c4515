"""What a row says beyond its name, as properties of its concept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.code_systems import LOINC, SNOMED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.massage.catalogue.rows import Catalogue, Codes, Contraindication, OutcomeMeasure, Reading, Stricter

Property = tuple[str, str, Any]
"""Code, data type (the suffix of ``value``), value; None where there is nothing to say."""


def of_contraindication(catalogue: Catalogue, row: Contraindication) -> list[Property]:
    """What a row of contraindications.toml says."""
    confirmed = row.if_confirmed
    return [
        ("severity", "Code", row.severity),
        ("scope", "Code", row.scope),
        *(("region", "Code", each) for each in row.regions),
        ("emergency", "Boolean", True if row.emergency else None),
        *codings("snomed", SNOMED, row.snomed),
        *(("icd-10-cm", "Code", each) for each in row.icd10cm),
        (
            "if-confirmed",
            "String",
            f"{', '.join([*confirmed.snomed, *confirmed.icd10cm])}: {confirmed.by}" if confirmed else None,
        ),
        ("within-days", "Integer", row.within_days),
        *(("observation", "String", _reading(each)) for each in row.observations),
        *(("medicine", "String", each) for each in row.medicines),
        *(("atc", "Code", each) for each in row.atc),
        *(("substance", "String", each) for each in row.substances),
        *codings("procedure", SNOMED, row.procedures),
        ("without-reason", "Boolean", True if row.without_reason else None),
        *(("stricter", "String", _stricter(catalogue, each)) for each in row.stricter),
        *(("clearance-for", "Code", each) for each in row.clearance_for),
        ("advice", "String", row.advice),
        ("confidence", "Code", row.confidence),
        *sources(catalogue, row.sources),
        ("doubt", "String", row.doubt),
    ]


def _stricter(catalogue: Catalogue, row: Stricter) -> str:
    told: list[str] = [row.severity]
    if row.techniques:
        told.append(f"for {', '.join(row.techniques)}")
    if row.scope:
        told.append(f"in the {row.scope}")
    if row.when:
        told.append(row.when)
    named = "; ".join(catalogue.sources[each].display for each in row.sources)
    return f"{' '.join(told)} (confidence {row.confidence}: {named})"


def _reading(row: Reading) -> str:
    bounds = (("above", row.above), ("from", row.at_least), ("below", row.below))
    told = ", ".join(f"{name} {bound:g} {row.unit}" for name, bound in bounds if bound is not None)
    return f"{row.code} {told}" + (f", not older than {row.within_days} days" if row.within_days else "")


def of_measure(catalogue: Catalogue, row: OutcomeMeasure) -> list[Property]:
    """What a row of outcome_measures.toml says."""
    first = row.values[0] if row.values else None
    return [
        ("notSelectable", "Boolean", True if row.abstract else None),
        *(("loinc", "Coding", {"system": LOINC, "code": code}) for code in row.loinc),
        *codings("snomed", SNOMED, row.snomed),
        *(("unit", "String", each.unit) for each in row.values),
        ("low", "Decimal", first.low if first else None),
        ("high", "Decimal", first.high if first else None),
        ("direction", "Code", row.direction),
        ("change", "Decimal", row.change),
        ("percent", "Decimal", row.percent),
        *(("meaningful-change", "String", f"{each.text} ({_named(catalogue, each.sources)})") for each in row.changes),
        (
            "precision",
            "String",
            f"{row.precision.text} ({_named(catalogue, row.precision.sources)})" if row.precision else None,
        ),
        *(("band", "String", _range(each.low, each.high, each.unit, each.name)) for each in row.bands),
        ("confidence", "Code", row.confidence),
        *sources(catalogue, row.sources),
        ("doubt", "String", row.doubt),
    ]


def _range(low: float, high: float | None, unit: str, name: str) -> str:
    told = f"{low:g} or more" if high is None else f"{low:g} to {high:g}"
    return f"{told} {unit}: {name}"


def codings(name: str, system: str, codes: Codes) -> list[Property]:
    """Codes of a system with their names."""
    return [(name, "Coding", {"system": system, "code": code, "display": text}) for code, text in codes.items()]


def sources(catalogue: Catalogue, named: Iterable[str]) -> list[Property]:
    """Where a row was read."""
    return [("source", "String", catalogue.sources[each].display) for each in named]


def _named(catalogue: Catalogue, sources: Iterable[str]) -> str:
    return "; ".join(catalogue.sources[each].display for each in sources)
