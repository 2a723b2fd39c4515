"""ICD-10-CM: which codes there are, which of them are billable, and which exclude each other.

https://www.cdc.gov/nchs/icd/icd-10-cm/index.html. Titles are not kept: with them the facts would take ten times as much
memory, and nothing that a person reads needs them beyond those of the catalogue.
"""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER: Final = Path(__file__).parent
_CATEGORY: Final = 3
"""Characters; every code begins with those of its category, and the dot comes after them."""


class Classification(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An edition of ICD-10-CM.

    `categories`: the three characters of each → what follows them in its codes, without dots, in order, each after a
    space, and a space at the end. `excludes`: code → beginnings of codes that are not coded with it, nor with anything
    below it (Excludes1), as far as the edition gives them as codes.
    """

    edition: str
    categories: dict[str, str]
    excludes: dict[str, tuple[str, ...]]

    def has_category(self, code: str) -> bool:
        """Whether the category of a code is one."""
        return plain(code)[:_CATEGORY] in self.categories

    def has(self, code: str) -> bool:
        """Whether there is the code: a category, or something below one."""
        category, rest = _split(code)
        return f" {rest} " in self.categories.get(category, "")

    def begins(self, prefix: str) -> bool:
        """Whether any code begins so, such as one whose seventh character was left out."""
        category, rest = _split(prefix)
        return f" {rest}" in self.categories.get(category, "")

    def is_billable(self, code: str) -> bool:
        """Whether there is the code, and nothing below it, which would come next."""
        category, rest = _split(code)
        row = self.categories.get(category, "")
        found = row.find(f" {rest} ")
        following = found + len(rest) + 2
        return found >= 0 and (following == len(row) or not row.startswith(rest, following))

    def billable_below(self, prefix: str) -> Iterator[str]:
        """The billable codes that begin with what is none itself, with their dots, in order."""
        category, rest = _split(prefix)
        for each in self.categories.get(category, "").split():
            if each.startswith(rest) and self.is_billable(category + each):
                yield f"{category}.{each}"

    def exclude(self, code: str, other: str) -> bool:
        """Whether the edition says of either of two codes that it is not coded with the other."""
        one, two = plain(code), plain(other)
        return self._excludes(one, two) or self._excludes(two, one)

    def _excludes(self, code: str, other: str) -> bool:
        above = (code[:length] for length in range(_CATEGORY, len(code) + 1))
        return any(other.startswith(self.excludes.get(each, ())) for each in above)


def plain(code: str) -> str:
    """A code without its dot, in capitals."""
    return code.replace(".", "").upper()


def load(folder: Path = FOLDER) -> Classification:
    """The edition that is packaged with the service: some milliseconds, and a megabyte."""
    packed = (folder / "icd-10-cm.json.xz").read_bytes()
    return msgspec.json.decode(lzma.decompress(packed), type=Classification)


def _split(code: str) -> tuple[str, str]:
    bare = plain(code)
    return bare[:_CATEGORY], bare[_CATEGORY:]
