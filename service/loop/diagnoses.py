"""What a diagnosis in ICD-10-CM is held against: that there is the code, that it is billable, what it excludes."""

from __future__ import annotations

import re
from itertools import combinations, islice
from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import ICD10CM
from service.fhir.concept import codings
from service.fhir.outcome import Issue
from service.massage.cycle.terms import reference_in
from service.massage.screening.systems import system_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from service.fhir.resource import Content
    from service.massage.diagnosis import Classification
    from service.massage.screening.index import Index

_FORM: Final = re.compile(r"[A-Z][0-9][0-9A-Z](\.?[0-9A-Z]{1,4})?", re.IGNORECASE)
_NAMED: Final = 8
"""Codes that a warning lists."""


class Diagnoses:
    """Holds codes against the edition that comes with the service.

    Editions differ every half year. So only what is of no category is refused: a code that the edition lacks below one
    of its categories may be of a later edition, and an order is not lost for that.
    """

    def __init__(self, index: Index) -> None:
        self._index = index

    @property
    def _classification(self) -> Classification:
        """Read when the first diagnosis comes, so that no start waits for it."""
        return self._index.classification

    def issues(self, value: Any, path: str) -> Iterator[Issue]:
        """What is wrong with the codes of a CodeableConcept or a list of them."""
        for concept in value if isinstance(value, list) else [value]:
            for code in _codes(concept):
                yield from self._of_code(code, path)

    def may_be_billed(self, concept: Any) -> bool:
        """Whether a CodeableConcept has a billable code, or one that may be in a later edition."""
        kept = self._classification
        return any(
            kept.is_billable(code) or (kept.has_category(code) and not kept.begins(code)) for code in _codes(concept)
        )

    def excluding(self, referral: Content, known: Iterable[Content]) -> Iterator[Issue]:
        """A warning where two reasons of a referral, of which the Conditions are `known`, are not coded together."""
        named = {reference_in(each) for each in referral.get("reasonReference", ())}
        concepts = [
            *referral.get("reasonCode", ()),
            *(each.get("code") for each in known if f"Condition/{each.get('id')}" in named),
        ]
        codes = dict.fromkeys(code for concept in concepts for code in _codes(concept))
        if any(self._classification.exclude(*pair) for pair in combinations(codes, 2)):
            told = "ICD-10-CM does not code two of the reasons together (Excludes1): keep the one that is treated."
            yield _warning(told, "ServiceRequest.reasonCode")

    def _of_code(self, code: str, path: str) -> Iterator[Issue]:
        if not _FORM.fullmatch(code):
            told = "A code of ICD-10-CM is a letter, a digit, a letter or digit, and up to four more after a dot."
            yield Issue(code="diagnosis-unknown", diagnostics=told, expression=(path,))
        elif not self._classification.has_category(code):
            told = f"ICD-10-CM has no category of the code's first three characters ({self._classification.edition})."
            yield Issue(code="diagnosis-unknown", diagnostics=told, expression=(path,))
        elif not self._classification.begins(code):
            told = (
                f"ICD-10-CM of {self._classification.edition} does not have the code. "
                "Look whether it is mistyped, or of another edition."
            )
            yield _warning(told, path)
        elif not self._classification.is_billable(code):
            below = list(islice(self._classification.billable_below(code), _NAMED + 1))
            others = ", or another one below it" if len(below) > _NAMED else ""
            told = f"The ICD-10-CM code is a heading and not billable; use {', '.join(below[:_NAMED])}{others}."
            yield _warning(told, path)


def _codes(concept: Any) -> Iterator[str]:
    """The codes of ICD-10-CM that a CodeableConcept has."""
    for coding in codings(concept):
        if coding.get("code") and system_of(coding.get("system", "")) == ICD10CM:
            yield coding["code"]


def _warning(told: str, path: str) -> Issue:
    return Issue(code=None, severity="warning", diagnostics=told, expression=(path,))
