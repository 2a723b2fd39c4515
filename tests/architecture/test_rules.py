"""The house rules hold in this tree, and each of them notices when it is broken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.architecture import rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Rule = Callable[[Path], Iterator[str]]

ROOT = Path(__file__).parents[2]

PLANTED = [
    (rules.naming_a_type, "service/fhir/planted.py", 'TYPE = "ServiceRequest"'),
    (rules.naming_a_type, "service/store/planted.py", "def of(x):\n    return x.ServiceRequest"),
    (rules.misplaced_statuses, "service/interactions/planted.py", "STATUS = 404"),
    (rules.misplaced_transactions, "service/interactions/planted.py", "def end(c):\n    c.commit()"),
    (rules.misplaced_transactions, "service/operations/planted.py", "def begin(s):\n    return s.transaction()"),
    (rules.misplaced_transactions, "service/store/planted.py", 'END = "COMMIT"'),
    (rules.long_modules, "service/fhir/planted.py", "\n" * 351),
    (rules.long_modules, "tests/unit/test_planted.py", "\n" * 351),
    (rules.long_functions, "service/fhir/planted.py", "def long():\n" + "    x = 1\n" * 41),
    (rules.vague_names, "service/fhir/utils.py", ""),
    (rules.vague_names, "service/fhir/planted.py", "class PatientManager: ..."),
    (rules.unmapped, "service/planted.py", ""),
    (rules.unmapped, "service/massage/planted/__init__.py", ""),
    (rules.effects_on_import, "service/fhir/planted.py", "print(1)"),
    (rules.effects_on_import, "service/fhir/planted.py", "with open('x') as file:\n    X = file.read()"),
    (rules.outside_names, "requirements.lock", "# answers quicker from cdn" + "js"),
    (rules.outside_names, "service/pages/assets/docs.js", 'load("https://un' + 'pkg.com/swagger-ui")'),
    (rules.outside_names, "README.md", "cd /ro" + "ot/massage-fhir"),
    (rules.shadowing_alembic, "alembic/__init__.py", ""),
]


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, _, _ in PLANTED), ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(ROOT)) == []


@pytest.mark.parametrize("rule,path,text", PLANTED, ids=[f"{rule.__name__}-{path}" for rule, path, _ in PLANTED])
def test_the_rule_notices_a_violation(rule: Rule, path: str, text: str, tmp_path: Path) -> None:
    planted = tmp_path / path
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(text)
    assert list(rule(tmp_path)) != []


@pytest.mark.parametrize("listed", [rules.LONG_MODULES, rules.LONG_FUNCTIONS, rules.NUMBERS_THAT_ARE_NO_STATUS])
def test_every_exception_names_a_module_that_exists(listed: dict[str, object]) -> None:
    assert [name for name in listed if not (ROOT / name.partition(":")[0]).exists()] == []
