"""The rules of screening, made of the catalogue's rows and of what a deployment has changed.

They are read when they are asked for; a malformed row stops the start.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Self

from msgspec.structs import replace

from service.fhir.code_systems import LOINC
from service.massage.catalogue.rows import FOLDER, load
from service.massage.data_files import DataFileError, read
from service.massage.screening.index import Index
from service.massage.screening.override import Override, RulesError, override_of
from service.massage.screening.rule import Relation, Rule, Stricter, Threshold

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from service.massage.catalogue import rows
    from service.massage.screening.body_site import Regions

_OBSERVATION_DAYS: Final = 30
"""How long an observation counts whose row does not say: our own reading, no source gives one."""


class Rules:
    """The rules in force, with the rows of `overrides` over the catalogue's; RulesError."""

    def __init__(self, catalogue: rows.Catalogue, overrides: Mapping[str, Any]) -> None:
        self.catalogue = catalogue
        table = catalogue.contraindications
        if unknown := overrides.keys() - table.keys():
            raise RulesError(f"overrides: no rule is called {', '.join(sorted(unknown))}.")
        rules = {name: _rule(name, row) for name, row in table.items()}
        self.overrides: tuple[Override, ...] = tuple(
            override_of(name, rules[name].severity, row) for name, row in overrides.items()
        )
        for each in self.overrides:
            rules[each.rule] = replace(rules[each.rule], severity=each.chosen, overridden_from=each.table)
        self.rules: tuple[Rule, ...] = tuple(rules.values())
        self.by_id = {rule.id: rule for rule in self.rules}
        self.order = {rule.id: number for number, rule in enumerate(self.rules)}
        self.sites: Mapping[str, Regions] = {code: frozenset(row.regions) for code, row in catalogue.body_sites.items()}
        treated = {code for row in catalogue.conditions.values() for code in row.snomed}
        self.index = Index(self.rules, table.values(), treated)

    @classmethod
    def load(cls, path: Path = FOLDER, override_path: Path | None = None) -> Self:
        """The rules of a folder of tables, with those of a deployment's file over them; RulesError."""
        try:
            catalogue = load(path)
        except DataFileError as error:
            raise RulesError(f"The catalogue cannot be read. {error}") from error
        return cls.of(catalogue, override_path)

    @classmethod
    def of(cls, catalogue: rows.Catalogue, override_path: Path | None) -> Self:
        """The rules of a catalogue that is read already, likewise; RulesError."""
        return cls(catalogue, _overrides(override_path) if override_path else {})


def _overrides(path: Path) -> Mapping[str, Any]:
    try:
        return read(path)
    except DataFileError as error:
        raise RulesError(str(error)) from error


def _rule(name: str, row: rows.Contraindication) -> Rule:
    """One row of the table; RulesError."""
    return Rule(
        id=name,
        title=row.display,
        severity=row.severity,
        is_regional=row.scope != "whole-body",
        regions=_regions(row.regions),
        red_flag=row.emergency,
        within=None if row.within_days is None else timedelta(days=row.within_days),
        stricter=tuple(_stricter(each) for each in row.stricter if each.when is None),
        judged=tuple(each.when for each in row.stricter if each.when is not None),
        clearance_for=row.clearance_for,
        thresholds=tuple(_threshold(name, each) for each in row.observations),
        confirming=frozenset(row.if_confirmed.words if row.if_confirmed else ()),
        advice=row.advice or "",
        sources=row.sources,
        confidence=row.confidence,
    )


def _regions(regions: tuple[str, ...]) -> Regions | None:
    return frozenset(regions) or None


def _stricter(row: rows.Stricter) -> Stricter:
    return Stricter(
        severity=row.severity,
        techniques=frozenset(row.techniques),
        is_regional=row.scope in ("region", "site"),
        regions=_regions(row.regions),
    )


def _threshold(name: str, row: rows.Reading) -> Threshold:
    system, _, code = row.code.partition("|")
    bounds: dict[Relation, float | None] = {"above": row.above, "from": row.at_least, "below": row.below}
    given = [(relation, bound) for relation, bound in bounds.items() if bound is not None]
    if system != LOINC or not code or len(given) != 1:
        raise RulesError(f"{name}.observations need a code of {LOINC}|, and one of above, from and below.")
    relation, bound = given[0]
    days = _OBSERVATION_DAYS if row.within_days is None else row.within_days
    return Threshold(
        code=code, relation=relation, bound=Decimal(str(bound)), unit=row.unit, within=timedelta(days=days)
    )
