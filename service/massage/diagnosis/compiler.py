"""From `simple-icd-10-cm`, which reads the tables of the CDC, to the facts that the service keeps.

The library takes 190 MB and more than a second to import, so the service itself does without it.
"""

from __future__ import annotations

import lzma
import re
import warnings
from importlib import import_module, resources
from typing import TYPE_CHECKING, Any, Final

import msgspec

from service.massage.diagnosis.icd10cm import Classification, plain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

_LIBRARY: Final = "simple_icd_10_cm"
_PACKED: Final = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 2**20}
"""What is unpacked takes a megabyte; the usual dictionary would take another 64 for a moment."""
_TABLE: Final = re.compile(r"icd10cm?-tabular-([A-Z][a-z]+)-\d+-(\d{4})\.xml")
_GROUP: Final = re.compile(r"\(([^()]*)\)")
_CODE: Final = re.compile(r"[A-Z][0-9][0-9A-Z](?:\.[0-9A-Z]{1,4})?")
_RANGE: Final = re.compile(rf"({_CODE.pattern})-({_CODE.pattern})")


def library() -> Any:
    """simple-icd-10-cm; ModuleNotFoundError where it is not installed."""
    with warnings.catch_warnings():
        # it reads its tables by a function that Python advises against
        warnings.simplefilter("ignore", DeprecationWarning)
        return import_module(_LIBRARY)


def compile_library(target: Path) -> None:
    """Write the facts of the edition that the installed library has; ModuleNotFoundError without the library."""
    encoded = msgspec.json.encode(classification_of(library()))
    (target / "icd-10-cm.json.xz").write_bytes(lzma.compress(encoded, filters=[_PACKED]))


def classification_of(tables: Any) -> Classification:
    """The codes and the Excludes1 notes of the library's edition."""
    codes = sorted({plain(each) for each in tables.get_all_codes() if tables.is_category_or_subcategory(each)})
    categories: dict[str, list[str]] = {}
    for code in codes:
        categories.setdefault(code[:3], []).append(code[3:])
    notes = {code: sorted(set(excluded(tables.get_excludes1(code), categories))) for code in codes}
    return Classification(
        edition=_edition(),
        categories={category: f" {' '.join(rests)} " for category, rests in categories.items()},
        excludes={code: tuple(found) for code, found in notes.items() if found},
    )


def excluded(notes: Iterable[str], categories: Collection[str]) -> Iterator[str]:
    """The beginnings of codes that notes name, such as "lumbago with sciatica (M54.4-)".

    A group that says more than codes, such as "E08-E13 with .52", is left to the person who codes.
    """
    for group in (found for note in notes for found in _GROUP.findall(note)):
        parts = [each.strip() for each in group.split(",")]
        for part in parts:
            if _CODE.fullmatch(part.rstrip("-").rstrip(".")):
                yield plain(part.rstrip("-"))
            elif (bounds := _RANGE.fullmatch(part.rstrip("-"))) is not None:
                low, high = (plain(each)[:3] for each in bounds.groups())
                yield from (each for each in categories if low <= each <= high)


def _edition() -> str:
    """Of which month the tables of the library are."""
    for each in resources.files(f"{_LIBRARY}.data").iterdir():
        if (named := _TABLE.fullmatch(each.name)) is not None:
            return " ".join(named.groups())
    raise ValueError(f"{_LIBRARY} has no table whose name tells its edition.")
