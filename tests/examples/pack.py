"""Packs the official examples: ``python -m tests.examples.pack PACKAGE``."""

from __future__ import annotations

import lzma
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from service.fhir.definitions import load
from tests.examples import DEFINITION_TYPES, FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable

LEFT_OUT: Final = {
    "Bundle-conceptmaps.json",
    "Bundle-dataelements.json",
    "Bundle-extensions.json",
    "Bundle-profiles-others.json",
    "Bundle-resources.json",
    "Bundle-searchParams.json",
    "Bundle-terminologies.json",
    "Bundle-types.json",
    "Bundle-v2-valuesets.json",
    "Bundle-v3-valuesets.json",
    "Bundle-valueset-expansions.json",
    "Bundle-valuesets.json",
    "ImplementationGuide-fhir.json",
}
"""Up to 35 MB each, and nothing but the definitions again, which the package also holds one by one."""


def pack(package: Path) -> None:
    """Writes the packed files from the folder `package`."""
    types = load().all_type_names
    files = [path for path in sorted(package.glob("*-*.json")) if path.name not in LEFT_OUT]
    examples = [path for path in files if path.name.partition("-")[0] in types]
    definitions = [path for path in examples if path.name.partition("-")[0] in DEFINITION_TYPES]
    _write("definitions", definitions)
    _write("clinical", [path for path in examples if path not in definitions])


def _write(name: str, paths: Iterable[Path]) -> None:
    lines = (path.name.encode() + b"\t" + msgspec.json.format(path.read_bytes(), indent=-1) + b"\n" for path in paths)
    data = lzma.compress(b"".join(lines), preset=9 | lzma.PRESET_EXTREME)
    (FOLDER / f"{name}.jsonl.xz").write_bytes(data)


if __name__ == "__main__":
    pack(Path(sys.argv[1]))
