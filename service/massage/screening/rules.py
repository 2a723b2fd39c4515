"""The rules of screening, made of the catalogue's table and of what a deployment has changed.

The tables are read when they are asked for; a malformed one stops the start. Its columns are described at its head.
"""

from __future__ import annotations

import tomllib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from msgspec.structs import replace

from service.massage.screening.index import Index
from service.massage.screening.override import Override, RulesError, override_of
from service.massage.screening.rule import RANKS, Relation, Rule, Severity, Stricter, Threshold
from service.massage.screening.systems import LOINC

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.massage.screening.body_site import Regions

    Row = Mapping[str, Any]

CATALOGUE: Final = Path(__file__).parent.parent / "catalogue"
SIGN_OFF: Final = (
    "The rules come from public lists and common teaching, not from a guideline: a licensed clinician must sign them "
    "off before clinical use."
)
"""What everything that shows a finding must say."""

_SCOPES: Final = ("whole-body", "region", "site")
_RELATIONS: Final[tuple[Relation, ...]] = ("above", "from", "below")
_OBSERVATION_DAYS: Final = 30
"""How long an observation counts whose row does not say: our own reading, no source gives one."""


class Rules:
    """The rules in force, `overrides` applied; `sites` are the regions of body sites by SNOMED CT code.

    `known` are the SNOMED CT codes of conditions that the catalogue knows to be no contraindication.
    """

    def __init__(
        self,
        table: Mapping[str, Row],
        *,
        sites: Mapping[str, Regions],
        overrides: Mapping[str, Row],
        known: Iterable[str],
    ) -> None:
        if unknown := overrides.keys() - table.keys():
            raise RulesError(f"overrides: no rule is called {', '.join(sorted(unknown))}.")
        rules = {name: _rule(name, row) for name, row in table.items()}
        self.overrides: tuple[Override, ...] = tuple(
            override_of(name, rules[name].severity, row) for name, row in overrides.items()
        )
        for each in self.overrides:
            rules[each.rule] = replace(rules[each.rule], severity=each.chosen, overridden_from=each.table)
        self.rules: tuple[Rule, ...] = tuple(rules.values())
        self.sites = sites
        self.index = Index(self.rules, table.values())
        self.known = frozenset(known) | self.index.snomed.keys() | self.index.unconfirmed_snomed.keys()

    @classmethod
    def load(cls, path: Path = CATALOGUE, override_path: Path | None = None) -> Self:
        """The rules of a folder of tables, with those of a deployment's file over them; RulesError."""
        sites = {code: frozenset(row["regions"]) for code, row in _read(path / "body_sites.toml").items()}
        conditions = path / "conditions.toml"
        treated = _read(conditions).values() if conditions.exists() else ()
        return cls(
            _read(path / "contraindications.toml"),
            sites=sites,
            overrides=_read(override_path) if override_path else {},
            known=[code for row in treated for code in row.get("snomed", ())],
        )


def _read(path: Path) -> dict[str, Row]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(f"{path.name} cannot be read.") from error
    except tomllib.TOMLDecodeError as error:
        raise RulesError(f"{path.name} is not TOML: {error}.") from error


def _rule(name: str, row: Row) -> Rule:
    """One row of the table; RulesError."""
    if not isinstance(row.get("display"), str) or row.get("scope") not in _SCOPES:
        raise RulesError(f"{name} needs a display, and a scope of {', '.join(_SCOPES)}.")
    days = row.get("within_days")
    stricter = row.get("stricter", ())
    return Rule(
        id=name,
        title=row["display"],
        severity=_severity(name, row),
        is_regional=row["scope"] != "whole-body",
        regions=_regions(row),
        red_flag=row.get("emergency", False),
        within=None if days is None else timedelta(days=days),
        stricter=tuple(_stricter(name, each) for each in stricter if "when" not in each),
        judged=tuple(each["when"] for each in stricter if "when" in each),
        clearance_for=tuple(row.get("clearance_for", ())),
        thresholds=tuple(_threshold(name, each) for each in row.get("observations", ())),
        confirming=frozenset(row.get("if_confirmed", {}).get("words", ())),
        advice=row.get("advice", ""),
        sources=tuple(row.get("sources", ())),
        confidence=row.get("confidence", ""),
    )


def _severity(name: str, row: Row) -> Severity:
    severity: Severity = row.get("severity", "")
    if severity not in RANKS:
        raise RulesError(f"{name}.severity must be {', '.join(RANKS)}.")
    return severity


def _regions(row: Row) -> Regions | None:
    return frozenset(row["regions"]) if row.get("regions") else None


def _stricter(name: str, row: Row) -> Stricter:
    return Stricter(
        severity=_severity(f"{name}.stricter", row),
        techniques=frozenset(row.get("techniques", ())),
        is_regional=row.get("scope", "whole-body") != "whole-body",
        regions=_regions(row),
    )


def _threshold(name: str, row: Row) -> Threshold:
    system, _, code = row.get("code", "").partition("|")
    relations = [relation for relation in _RELATIONS if relation in row]
    if system != LOINC or not code or len(relations) != 1 or "unit" not in row:
        raise RulesError(f"{name}.observations need a code of {LOINC}|, one of above, from and below, and a unit.")
    return Threshold(
        code=code,
        relation=relations[0],
        bound=Decimal(str(row[relations[0]])),
        unit=row["unit"],
        within=timedelta(days=row.get("within_days", _OBSERVATION_DAYS)),
    )
