"""The tables as rules, and what a deployment may change of them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from service.massage.catalogue.rows import FOLDER
from service.massage.screening.index import prefixes_of
from service.massage.screening.override import RulesError
from service.massage.screening.record import record_of
from service.massage.screening.rules import Rules
from service.massage.screening.screen import screen
from service.serve import ServeError, _check_rules
from service.settings import Settings
from tests.builders.screening import NOW, diagnosis, order

if TYPE_CHECKING:
    from pathlib import Path

REASON = 'reason = "Agreed by the medical director on 2026-01-02."'


def _load(folder: Path, override: str) -> Rules:
    path = folder / "overrides.toml"
    path.write_text(override, encoding="utf-8")
    return Rules.load(override_path=path)


def test_a_deployment_can_change_a_severity(tmp_path: Path) -> None:
    """The finding follows it and says so, and so does every screening."""
    rules = _load(tmp_path, f'[severe-osteoporosis]\nseverity = "absolute"\n{REASON}')
    screening = screen(order(), record_of([diagnosis("M81.0")]), rules, NOW)
    (finding,) = screening.findings
    assert (finding.severity, finding.overridden_from) == ("absolute", "relative")
    assert "This deployment rates it absolute; the table says relative." in finding.detail
    (override,) = screening.overrides
    assert (override.rule, override.table, override.chosen) == ("severe-osteoporosis", "relative", "absolute")
    assert override.reason == "Agreed by the medical director on 2026-01-02."


def test_every_screening_reports_overrides(tmp_path: Path) -> None:
    """Also those of rules that it does not find."""
    rules = _load(tmp_path, f'[dvt]\nseverity = "relative"\n{REASON}')
    assert [each.rule for each in screen(order(), record_of([]), rules, NOW).overrides] == ["dvt"]


@pytest.mark.parametrize(
    "override, told",
    [
        (f'[no-such-rule]\nseverity = "local"\n{REASON}', "no rule is called no-such-rule"),
        (f'[dvt]\nseverity = "none"\n{REASON}', "dvt.severity must be absolute, relative, local"),
        (f"[dvt]\n{REASON}", "dvt.severity must be"),
        ('[dvt]\nseverity = "relative"', "dvt.reason must say who decided"),
        ('[dvt]\nseverity = "relative"\nreason = " "', "dvt.reason must say who decided"),
        (f'[dvt]\nseverity = "relative"\nemergency = false\n{REASON}', "only severity and reason"),
        ("dvt = 1", "dvt must be a table"),
        ("[dvt", "is not TOML"),
    ],
)
def test_a_malformed_override_stops_the_start(tmp_path: Path, override: str, told: str) -> None:
    """And says where it is wrong."""
    with pytest.raises(RulesError, match=told):
        _load(tmp_path, override)


def test_an_override_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    """A deployment that names one means it."""
    with pytest.raises(RulesError, match="cannot be read"):
        Rules.load(override_path=tmp_path / "nothing.toml")


_BURN = '[burn]\ndisplay = "Burn"\nseverity = "local"\nscope = "site"\nsources = ["W"]\nconfidence = "B"\n'


@pytest.mark.parametrize(
    "row, told",
    [
        (_BURN.replace('"local"', '"mild"'), "severity"),
        (_BURN.replace('"site"', '"here"'), "scope"),
        (f'{_BURN}snomde = {{ 1 = "" }}', "snomde"),
        (f'{_BURN}icd10cm = ["T20 to T32"]', "burn.icd10cm must have prefixes"),
        (f'{_BURN}observations = [{{ code = "8310-5", above = 1, unit = "Cel", sources = [] }}]', "need a code"),
        (f'{_BURN}observations = [{{ code = "http://loinc.org|1", unit = "Cel", sources = [] }}]', "one of above"),
    ],
)
def test_a_malformed_row_stops_the_start(tmp_path: Path, row: str, told: str) -> None:
    """And says where it is wrong."""
    folder = shutil.copytree(FOLDER, tmp_path / "catalogue", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (folder / "contraindications.toml").write_text(row, encoding="utf-8")
    with pytest.raises(RulesError, match=told):
        Rules.load(folder)


def test_a_range_of_categories_has_those_with_letters() -> None:
    """ICD-10-CM has C4A and C7B between the numbers."""
    prefixes = set(prefixes_of("malignancy", ["C00-C96"]))
    assert {"C00", "C49", "C4A", "C7B", "C96"} <= prefixes
    assert not {"C97", "D00", "B99"} & prefixes


def test_a_range_may_end_in_another_letter() -> None:
    """A00-B99 has both chapters."""
    assert {"A00", "A99", "B00", "B99"} <= set(prefixes_of("infection", ["A00-B99"]))


def test_the_service_does_not_start_with_rules_that_cannot_be_read(tmp_path: Path) -> None:
    """Workers that cannot start would be started again and again; the setting is named."""
    path = tmp_path / "overrides.toml"
    path.write_text("[no-such-rule]", encoding="utf-8")
    with pytest.raises(ServeError, match="SAFETY_OVERRIDES: overrides: no rule is called no-such-rule"):
        _check_rules(Settings(safety_overrides=path))
    _check_rules(Settings())
