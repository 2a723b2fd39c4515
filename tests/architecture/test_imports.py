"""The import contracts of pyproject.toml notice what they forbid, and importing any module has no effect."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PLANTED = {
    "Imports run one way": ("service/store/pool.py", "import service.rest"),
    "FHIR is pure: no framework, no SQL, no input or output": ("service/fhir/resource.py", "import asyncio"),
    "What massage says is pure, too": ("service/massage/__init__.py", "import socket"),
    "Documents are made of what they are handed": ("service/documents/__init__.py", "import service.store"),
    "Only the store knows Postgres": ("service/interactions/__init__.py", "import asyncpg"),
    "Only what faces HTTP knows a web framework": ("service/store/__init__.py", "import starlette"),
    "Settings and logs are handed in, not reached for": ("service/rest/__init__.py", "import service.settings"),
}
"""Contract → a module and the line that breaks it."""

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys, threading
effects = []
watching = False
def watch(event, arguments):
    if watching and (
        event.startswith(("socket.", "subprocess.", "os.system", "os.mkdir", "os.remove", "os.putenv"))
        or (event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"))
        or (event == "open" and "/service/fhir/definitions/facts" in str(arguments[0]))
    ):
        effects.append((event, arguments[0]))
sys.addaudithook(watch)
sys.dont_write_bytecode = True
import fastapi, uvicorn.supervisors, typer, sqlalchemy.dialects.postgresql.asyncpg, uvloop, alembic.command
import service
watching = True
for module in pkgutil.walk_packages(service.__path__, "service."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
watching = False
assert effects == [], effects
assert threading.active_count() == 1
"""

CAN_WAIT = {"alembic", "fastapi", "fhir.resources", "httpx", "jinja2", "rich", "service.rest.openapi", "typst"}
"""What a start at the newest schema need not read; the most of it, together, took a third of one."""


def contracts(root: Path) -> str:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a copy of the tree in which every contract is broken once."""
    root = tmp_path_factory.mktemp("planted")
    shutil.copytree(ROOT / "service", root / "service", ignore=shutil.ignore_patterns("assets", "facts", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    for path, line in PLANTED.values():
        with (root / path).open("a") as module:
            module.write(f"\n{line}\n")
    return contracts(root)


@pytest.mark.parametrize("contract", PLANTED)
def test_the_contract_notices_a_violation(contract: str, broken: str) -> None:
    assert f"{contract} BROKEN" in broken


def test_every_contract_has_a_planted_violation() -> None:
    named = [line for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("name = ")]
    assert {line.removeprefix("name = ").strip('"') for line in named} - {"massage-fhir"} == set(PLANTED)


def test_importing_any_module_has_no_effect() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_EVERYTHING], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_start_leaves_out_what_can_wait() -> None:
    started = (
        "import sys, service.__main__, service.cli, service.serve, service.shipped, service.app; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", started], capture_output=True, text=True, check=True)
    assert not CAN_WAIT.intersection(done.stdout.split())
