"""The house rules that no linter knows. Each takes the root of a tree and returns the places that break it.

Exceptions are named here, each with its reason.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING, Final

from service.fhir.outcome import Category, Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_MODULE_LINES: Final = 350
MOST_FUNCTION_LINES: Final = 40

LONG_MODULES: Final[dict[str, str]] = {}
"""Module → why it is one idea although it is long."""

LONG_FUNCTIONS: Final[dict[str, str]] = {}
"""``module:function`` → why it is one idea although it is long."""

NUMBERS_THAT_ARE_NO_STATUS: Final[dict[str, set[int]]] = {
    "service/fhir/codec.py": {400},  # digits of a number
    "service/fhir/path/moment.py": {400},  # years until the calendar repeats
}

EFFECTS_ON_IMPORT: Final[dict[str, str]] = {
    "service/cli.py": "cli.add_typer",  # Typer's way to put commands below a name
}

_VAGUE_NAMES: Final = frozenset({"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"})
_TRANSACTION_HOMES: Final = (
    "service/store/migration.py",
    "service/store/pool.py",
    "service/store/pooler.py",
    "service/store/store.py",
)
_TRANSACTION_ASKERS: Final = (
    "service/demo/",
    "service/interactions/",
    "service/jobs/",
    "service/load/",
    "service/registry.py",
)
_TRANSACTION_WORDS: Final = re.compile(r"\b(BEGIN|COMMIT|ROLLBACK|SAVEPOINT)\b")
_TRANSACTION_CALLS: Final = frozenset({"commit", "rollback", "transaction", "begin", "begin_nested"})
_STATUSES: Final = frozenset(row.status for rows in (Category, Result) for row in rows)
_SKIPPED: Final = frozenset({"__pycache__", "node_modules", "dist"})
_TEXT: Final = frozenset(
    {
        "",
        ".cfg",
        ".css",
        ".html",
        ".ini",
        ".js",
        ".json",
        ".lock",
        ".mako",
        ".md",
        ".py",
        ".toml",
        ".txt",
        ".yaml",
        ".yml",
    }
)
# written in pieces so that this file does not break its own rule
_ELSEWHERE: Final = re.compile(
    "|".join(
        (
            r"pypi" + r"\.org",
            "python" + "hosted",
            r"registry\." + "npmjs",
            "un" + r"pkg\.com",
            "js" + "delivr",
            "cdn" + "js",
            r"(?<![\w./-])/(?:ro" + r"ot|work|home/\w+|Users/\w+)/",
        )
    )
)


_TABLES_OF_TYPES: Final = frozenset({"service/fhir/sight.py"})


def naming_a_type(root: Path) -> Iterator[str]:
    """FHIR's types are data to the engine: the referral's type does not occur in its code, but for a table of types."""
    for package in ("fhir", "interactions", "store"):
        for path, tree in _modules(root / "service" / package):
            if _name(root, path) in _TABLES_OF_TYPES:
                continue
            documentation = _docstrings(tree)
            for node in ast.walk(tree):
                text = node.value if isinstance(node, ast.Constant) and node not in documentation else None
                if isinstance(node, ast.Name | ast.Attribute):
                    text = node.id if isinstance(node, ast.Name) else node.attr
                if isinstance(text, str) and "ServiceRequest" in text:
                    yield _place(root, path, node)


def misplaced_statuses(root: Path) -> Iterator[str]:
    """HTTP's status codes are known to rest/, pages/, auth/ and fhir/outcome.py only."""
    for path, tree in _modules(root / "service"):
        name = _name(root, path)
        if name.startswith(("service/rest/", "service/pages/", "service/auth/")) or name == "service/fhir/outcome.py":
            continue
        allowed = NUMBERS_THAT_ARE_NO_STATUS.get(name, set())
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and type(node.value) is int and node.value in _STATUSES - allowed:
                yield _place(root, path, node)


def misplaced_transactions(root: Path) -> Iterator[str]:
    """The store alone begins and ends transactions; interactions and long commands ask it for one, nobody else does."""
    for path, tree in _modules(root / "service"):
        name = _name(root, path)
        if name in _TRANSACTION_HOMES:
            continue
        documentation = _docstrings(tree)
        for node in ast.walk(tree):
            called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
            asked_of_the_store = called == "transaction" and name.startswith(_TRANSACTION_ASKERS)
            is_statement = isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documentation
            if (called in _TRANSACTION_CALLS and not asked_of_the_store) or (
                is_statement and _TRANSACTION_WORDS.search(str(getattr(node, "value", "")))
            ):
                yield _place(root, path, node)


def long_modules(root: Path) -> Iterator[str]:
    """A module over 350 lines is asking to be two ideas, and so is one of tests."""
    for path, _ in (*_modules(root / "service"), *_modules(root / "tests")):
        name = _name(root, path)
        lines = len(path.read_text("utf-8").splitlines())
        if lines > MOST_MODULE_LINES and name not in LONG_MODULES:
            yield f"{name}: {lines} lines"


def long_functions(root: Path) -> Iterator[str]:
    """A function over 40 lines is asking to be two ideas."""
    for path, tree in _modules(root / "service"):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                name = f"{_name(root, path)}:{node.name}"
                if lines > MOST_FUNCTION_LINES and name not in LONG_FUNCTIONS:
                    yield f"{name}: {lines} lines"


def vague_names(root: Path) -> Iterator[str]:
    """A module is named by its concept."""
    for path, tree in _modules(root / "service"):
        parts = path.relative_to(root).with_suffix("").parts
        if _VAGUE_NAMES & set(parts):
            yield _name(root, path)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and re.search(r"(Manager|Helper|Utils?|Service)$", node.name):
                yield _place(root, path, node)


def unmapped(root: Path) -> Iterator[str]:
    """The map of the packages, which is the first thing to read, names everything that lies beside it."""
    service = root / "service"
    for folder in (service, service / "massage"):
        told = (folder / "__init__.py").read_text("utf-8") if (folder / "__init__.py").exists() else ""
        for path in sorted(folder.glob("*")):
            is_code = path.suffix == ".py" or (path / "__init__.py").exists()
            if is_code and not path.name.startswith("__") and not re.search(rf"\b{path.stem}\b", told):
                yield _name(root, path)


def effects_on_import(root: Path) -> Iterator[str]:
    """A module defines; it does nothing until it is called."""
    for path, tree in _modules(root / "service"):
        name = _name(root, path)
        for node in tree.body:
            if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
                called = ast.unparse(node.value.func) if isinstance(node.value, ast.Call) else ""
                if EFFECTS_ON_IMPORT.get(name) != called:
                    yield _place(root, path, node)
            elif isinstance(node, ast.For | ast.While | ast.With | ast.Try | ast.Delete | ast.Assert):
                yield _place(root, path, node)


def outside_names(root: Path) -> Iterator[str]:
    """The tree names no package index, no content network and no place on anybody's machine."""
    for path in _files(root):
        if path.suffix not in _TEXT or "swagger-ui" in path.parts:
            continue
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), start=1):
            if found := _ELSEWHERE.search(line):
                yield f"{_name(root, path)}:{number}: {found[0]}"


def shadowing_alembic(root: Path) -> Iterator[str]:
    """An ``__init__.py`` in alembic/ would hide the library of that name."""
    yield from (_name(root, path) for path in (root / "alembic").rglob("__init__.py"))


def _modules(folder: Path) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(folder.rglob("*.py")):
        yield path, _parsed(path.read_text("utf-8"))


@cache
def _parsed(text: str) -> ast.Module:
    """Most rules look at the same modules."""
    return ast.parse(text)


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.iterdir()):
        hidden = path.name.startswith(".") and path.name not in {".ci", ".dockerignore", ".gitignore"}
        if hidden or path.name in _SKIPPED or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _docstrings(tree: ast.Module) -> set[ast.Constant]:
    """Every string that stands alone: docstrings, and those that follow what they describe."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


def _place(root: Path, path: Path, node: ast.AST) -> str:
    return f"{_name(root, path)}:{getattr(node, 'lineno', 0)}"


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
