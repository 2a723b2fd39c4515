"""HL7's official R4 examples, packed: what the service must take and give back unaltered.

``python -m tests.examples.pack PACKAGE`` packs them again, where PACKAGE is the folder ``package`` of the unpacked npm
package ``hl7.fhir.r4.examples`` 4.0.1 (HL7, CC0). Each line of the two files holds a file name, a tab, and the file's
JSON without white space; numbers keep their text.
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER: Final = Path(__file__).parent

Pack = Literal["clinical", "definitions"]
"""``definitions`` holds the types that R4 is itself written in, thousands of them; ``clinical`` everything else."""

DEFINITION_TYPES: Final = frozenset({"StructureDefinition", "ValueSet", "CodeSystem", "SearchParameter"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One official example: its file name in the package, its resource type, its JSON."""

    file: str
    type: str
    data: bytes


def official_examples(pack: Pack) -> Iterator[Example]:
    """The examples of every R4 type, served or not, in the order of their file names."""
    with lzma.open(FOLDER / f"{pack}.jsonl.xz") as lines:
        for line in lines:
            file, _, data = line.rstrip(b"\n").partition(b"\t")
            name = file.decode()
            yield Example(file=name, type=name.partition("-")[0], data=data)
