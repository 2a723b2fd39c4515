"""What is kept in files: TOML, whose tables are rows of a kind. Files come with the package, or from a deployment."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

_Row = TypeVar("_Row", bound=msgspec.Struct)


class DataFileError(ValueError):
    """A file is not what is expected; the text names it and says where, and what would be accepted."""


def read(path: Path) -> dict[str, Any]:
    """A file's tables by their names; DataFileError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataFileError(f"{path.name} cannot be read.") from error
    except tomllib.TOMLDecodeError as error:
        raise DataFileError(f"{path.name} is not TOML: {error}.") from error


def whole(path: Path, kind: type[_Row]) -> _Row:
    """All of a file, as its columns say; DataFileError."""
    found: _Row = _converted(path, read(path), kind)
    return found


def rows(path: Path, kind: type[_Row], *, key: str | None = None) -> dict[str, _Row]:
    """A file's tables, each as a row, by their names, which they hold as `key`, too; DataFileError."""
    tables = read(path)
    if key is not None:
        tables = {name: {key: name} | table for name, table in tables.items()}
    found: dict[str, _Row] = _converted(path, tables, dict[str, kind])  # type: ignore[valid-type]
    return found


def _converted(path: Path, found: dict[str, Any], kind: Any) -> Any:
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise DataFileError(f"{path.name}: {error}.") from error
