"""``/policy``: the rules as a page for people, each under its id, with where it comes from and what is in doubt."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from service.massage.catalogue.published import SIGN_OFF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.massage.catalogue.rows import Contraindication
    from service.massage.screening.rule import Rule, Threshold
    from service.massage.screening.rules import Rules


def policy_page(rules: Rules) -> bytes:
    """The page as HTML."""
    rows = rules.catalogue.contraindications
    sections = "".join(_section(rule, rows[rule.id]) for rule in rules.rules)
    changed = "".join(
        f"<li>{escape(each.rule)}: {each.chosen} instead of {each.table}. {escape(each.reason)}</li>"
        for each in rules.overrides
    )
    overrides = f"<h2>Changed by this deployment</h2><ul>{changed}</ul>" if changed else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Contraindications of massage</title></head>'
        f"<body><main><h1>Contraindications of massage</h1><p><strong>{escape(SIGN_OFF)}</strong></p>"
        f"{overrides}{sections}</main></body></html>"
    ).encode()


def _section(rule: Rule, row: Contraindication) -> str:
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _lines(rule, row))
    return f'<section id="{escape(rule.id)}"><h2>{escape(rule.title)}</h2><dl>{lines}</dl></section>'


def _lines(rule: Rule, row: Contraindication) -> Iterator[tuple[str, str]]:
    yield "Severity", rule.severity if rule.overridden_from is None else f"{rule.severity} (changed)"
    yield "Where", row.scope
    if rule.red_flag:
        yield "Red flag", "The referrer is told at once."
    for each in row.stricter:
        yield "Graver", f"{each.severity}: {', '.join(filter(None, (*each.techniques, each.when)))}"
    stages = f" with seventh character {', '.join(row.seventh)}" if row.seventh else ""
    told = (
        ("Not without clearance", ", ".join(row.clearance_for)),
        ("What to do", row.advice),
        ("SNOMED CT", "; ".join(f"{code} {display}" for code, display in row.snomed.items())),
        ("ICD-10-CM begins with", f"{', '.join(row.icd10cm)}{stages}"),
        ("Medicines", ", ".join(row.medicines)),
        ("ATC begins with", ", ".join(row.atc)),
        ("Allergy to", ", ".join(row.substances)),
        ("Readings", "; ".join(_reading(each) for each in rule.thresholds)),
        ("Sources", f"{', '.join(row.sources)} (confidence {row.confidence})"),
        ("In doubt", row.doubt),
    )
    for name, text in told:
        if text:
            yield name, text


def _reading(threshold: Threshold) -> str:
    days = threshold.within.days
    return f"LOINC {threshold.code} {threshold.relation} {threshold.bound} {threshold.unit}, not older than {days} days"
