"""Which measure of the catalogue a code stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from service.fhir.code_systems import LOINC
from service.fhir.concept import codings
from service.massage.systems import OUTCOME

if TYPE_CHECKING:
    from service.fhir.resource import Content
    from service.massage.catalogue.rows import Catalogue, OutcomeMeasure, Source


class Measure(Struct, frozen=True, kw_only=True):
    """A row of the catalogue; `variant` is the LOINC code where the row has several, such as one for each side."""

    code: str
    row: OutcomeMeasure
    variant: str = ""

    @property
    def loinc(self) -> str:
        """The LOINC code that is meant; empty where there is none, or it cannot be told which."""
        return self.variant or (next(iter(self.row.loinc)) if len(self.row.loinc) == 1 else "")

    @property
    def display(self) -> str:
        """What it is called, with what the variant adds."""
        told = self.row.loinc.get(self.variant, "")
        return f"{self.row.display} ({told})" if told else self.row.display


class Measures:
    """The measures that are counted, by their codes."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._rows = {code: row for code, row in catalogue.outcome_measures.items() if row.values}
        self._order = {code: place for place, code in enumerate(self._rows)}
        self._by_loinc = {loinc: code for code, row in self._rows.items() for loinc in row.loinc}
        self.sources: dict[str, Source] = catalogue.sources

    def of(self, concept: Content) -> Measure | None:
        """The measure of a CodeableConcept, by LOINC before the catalogue's own code; None where it has none."""
        found = None
        for coding in codings(concept):
            system, code = coding.get("system"), coding.get("code", "")
            if system == LOINC and code in self._by_loinc:
                name = self._by_loinc[code]
                row = self._rows[name]
                return Measure(code=name, row=row, variant=code if len(row.loinc) > 1 else "")
            if system == OUTCOME and code in self._rows:
                found = Measure(code=code, row=self._rows[code])
        return found

    def place(self, measure: Measure) -> int:
        """Its place in the catalogue."""
        return self._order[measure.code]
