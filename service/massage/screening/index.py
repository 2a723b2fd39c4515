"""From a code to the rules that it bears on: looked up, never searched, so that cost grows with the record alone."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.code_systems import ICD10CM, SNOMED
from service.massage import diagnosis
from service.massage.screening.override import RulesError
from service.massage.screening.rule import Rule  # noqa: TC001 - msgspec reads the annotation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from service.massage.catalogue.rows import Contraindication
    from service.massage.diagnosis import Classification
    from service.massage.screening.rule import Threshold

_RANGE: Final = re.compile(r"([A-Z][0-9][0-9A-Z])-([A-Z][0-9][0-9A-Z])")
_PREFIX: Final = re.compile(r"[A-Z][0-9][0-9A-Z](?:\.[0-9A-Z]{1,4})?")
_THIRD: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WORD: Final = re.compile(r"\w+")
_REMEMBERED: Final = 16_384
"""Codes, more than what the conditions of a clinic's patients come in."""
_UNSTAGED: Final = 6
"""An ICD-10-CM code with more characters than this, its dot left out, has a seventh that says the stage."""


class Prefixes:
    """Rules by the beginnings of codes, each with the seventh characters that it is limited to, if any."""

    def __init__(self) -> None:
        self._rules: dict[str, list[tuple[Rule, str]]] = {}
        self._lengths: list[int] = []

    def add(self, prefix: str, rule: Rule, stages: str = "") -> None:
        """A rule for what begins so."""
        self._rules.setdefault(prefix, []).append((rule, stages))
        self._lengths = sorted({len(each) for each in self._rules})

    def of(self, code: str) -> Iterator[Rule]:
        """The rules for a code without its dot.

        A code that leaves out its seventh character may be of any stage: the first one, A, is assumed.
        """
        stage = code[_UNSTAGED] if len(code) > _UNSTAGED else "A"
        for length in self._lengths:
            for rule, stages in self._rules.get(code[:length], ()):
                if not stages or stage in stages:
                    yield rule


class Judged(Struct, frozen=True, kw_only=True):
    """What the rules say of one code: those that it matches, and those that it matches where words confirm it.

    `is_known`: it is a contraindication, or known to be none. `bears`: any of the rules may. `told` names the code.
    """

    found: tuple[Rule, ...] = ()
    unconfirmed: tuple[Rule, ...] = ()
    is_known: bool = False
    bears: bool = False
    told: str = ""


_UNKNOWN: Final = Judged()


class Index:
    """What each rule looks at, by code; `rows` are those of the table, in the order of `rules`.

    `treated` are SNOMED CT codes of conditions that are none.
    """

    def __init__(self, rules: Iterable[Rule], rows: Iterable[Contraindication], treated: Collection[str] = ()) -> None:
        self.snomed: dict[str, list[Rule]] = {}
        self.unconfirmed_snomed: dict[str, list[Rule]] = {}
        self.diagnoses = Prefixes()
        self.unconfirmed_diagnoses = Prefixes()
        self.medicines: dict[str, list[Rule]] = {}
        self.medicine_classes = Prefixes()
        self.substances: dict[str, list[Rule]] = {}
        self.procedures: dict[str, list[Rule]] = {}
        self.observed: dict[str, list[tuple[Rule, Threshold]]] = {}
        self.without_reason: list[Rule] = []
        for rule, row in zip(rules, rows, strict=True):
            self._add(rule, row)
        self._known = {*treated, *self.snomed, *self.unconfirmed_snomed}
        self.judged = lru_cache(maxsize=_REMEMBERED)(self._judged)
        """The same as `_judged`, remembered: histories repeat codes, of one patient and of all."""

    @cached_property
    def classification(self) -> Classification:
        """ICD-10-CM; read when the first diagnosis comes."""
        return diagnosis.load()

    def _judged(self, system: str, code: str) -> Judged:
        """What the rules say of a code of a condition."""
        if system == SNOMED:
            found, unconfirmed = self.snomed.get(code, []), self.unconfirmed_snomed.get(code, [])
            is_known, told = code in self._known, f"SNOMED CT {code}"
        elif system == ICD10CM:
            plain = diagnosis.plain(code)
            found, unconfirmed = list(self.diagnoses.of(plain)), list(self.unconfirmed_diagnoses.of(plain))
            is_known, told = bool(found) or self.classification.begins(plain), f"ICD-10-CM {_shown(plain)}"
        else:
            return _UNKNOWN
        return Judged(
            found=tuple(found),
            unconfirmed=tuple(unconfirmed),
            is_known=is_known,
            bears=bool(found or unconfirmed),
            told=told,
        )

    def _add(self, rule: Rule, row: Contraindication) -> None:
        stages = "".join(row.seventh)
        for prefix in prefixes_of(rule.id, row.icd10cm):
            self.diagnoses.add(prefix, rule, stages)
        for prefix in row.atc:
            self.medicine_classes.add(prefix, rule)
        unconfirmed = row.if_confirmed
        for prefix in prefixes_of(rule.id, unconfirmed.icd10cm if unconfirmed else ()):
            self.unconfirmed_diagnoses.add(prefix, rule)
        looked_up: tuple[tuple[Iterable[str], dict[str, list[Rule]]], ...] = (
            (row.snomed, self.snomed),
            (unconfirmed.snomed if unconfirmed else (), self.unconfirmed_snomed),
            (row.medicines, self.medicines),
            (row.substances, self.substances),
            (row.procedures, self.procedures),
        )
        for column, keys in looked_up:
            for key in column:
                keys.setdefault(key, []).append(rule)
        for threshold in rule.thresholds:
            self.observed.setdefault(threshold.code, []).append((rule, threshold))
        if row.without_reason:
            self.without_reason.append(rule)


def _shown(plain: str) -> str:
    """An ICD-10-CM code with its dot; one that is none is not repeated."""
    if not (plain.isascii() and plain.isalnum() and len(plain) <= _UNSTAGED + 1):
        return "code"
    return f"{plain[:3]}.{plain[3:]}" if len(plain) > 3 else plain


def prefixes_of(rule: str, column: Iterable[str]) -> Iterator[str]:
    """The prefixes, without dots, that a column of ICD-10-CM prefixes and ranges of categories names; RulesError."""
    for each in column:
        if bounds := _RANGE.fullmatch(each):
            low, high = bounds.groups()
            letters = {low[0], high[0]}
            every = (f"{letter}{second}{third}" for letter in letters for second in _THIRD[:10] for third in _THIRD)
            yield from sorted(category for category in every if low <= category <= high)
        elif _PREFIX.fullmatch(each):
            yield each.replace(".", "")
        else:
            raise RulesError(f"{rule}.icd10cm must have prefixes such as I82.4, or ranges such as C00-C96.")


def words_of(text: str) -> list[str]:
    """The words of a text, folded."""
    return _WORD.findall(text.casefold())
