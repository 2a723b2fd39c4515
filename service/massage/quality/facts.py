"""What counts of one referral: for what, by which techniques, how it went, and whether the patient got better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from service.fhir.code_systems import ICD10CM, SNOMED
from service.fhir.concept import code_in, codes_of
from service.fhir.temporal import range_of
from service.massage.cycle.terms import STEP, references_in
from service.massage.outcome.achievement import series_of
from service.massage.outcome.comparison import compared
from service.massage.systems import TECHNIQUE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, timedelta, tzinfo

    from service.fhir.resource import Content
    from service.massage.catalogue.rows import Catalogue
    from service.massage.cycle.view import View
    from service.massage.outcome.comparison import Progress
    from service.massage.outcome.measures import Measures
    from service.massage.outcome.series import Series

OTHER: Final = "other"
"""A condition that the catalogue does not have."""

ACCEPTED: Final = "T3"
"""The row of the Task's life cycle by which a clinic accepts."""

_FEWEST: Final = 2


class Facts(Struct, frozen=True, kw_only=True):
    """`status` is the Task's; `waited` the time until it was accepted, None where it was not, or nothing says when.

    `classes` are what measures came to, by their codes; `kept` and `missed` are numbers of visits.
    """

    condition: str
    techniques: frozenset[str]
    status: str
    waited: timedelta | None = None
    kept: int = 0
    missed: int = 0
    classes: Mapping[str, Progress] = field(default_factory=dict)


class Told:
    """What of a catalogue facts are told by."""

    def __init__(self, catalogue: Catalogue, measures: Measures) -> None:
        self.catalogue = catalogue
        self.measures = measures
        self._conditions = {
            (system, code): name
            for name, row in catalogue.conditions.items()
            for system, codes in ((ICD10CM, row.icd10cm), (SNOMED, row.snomed))
            for code in codes
        }

    def condition(self, concept: Content) -> str | None:
        """The catalogue's name of a diagnosis; None where it has none."""
        return next((self._conditions[each] for each in sorted(codes_of(concept)) if each in self._conditions), None)


def facts_of(view: View, task: Content, told: Told, zone: tzinfo, until: datetime) -> Facts:
    """What counts of the referral that the Task coordinates, as far as `view` shows it."""
    asked = range_of(str(task.get("authoredOn", "")), zone)
    moments = [moment for each in view.of("Provenance") if (moment := _accepted(each, view, task, zone)) is not None]
    visits = [each.get("status") for each in view.of("Appointment")]
    series, _ = series_of(view, told.measures, zone, until=until)
    classes: dict[str, Progress] = {}
    for each in sorted(series, key=_most_readings_first):
        progress = compared(each).progress
        if progress != "unknown":
            classes.setdefault(each.measure.code, progress)
    return Facts(
        condition=next(_conditions(view, told), OTHER),
        techniques=frozenset(_techniques(view, told)),
        status=str(task.get("status")),
        waited=min(moments) - asked.low if asked and moments and min(moments) >= asked.low else None,
        kept=visits.count("fulfilled"),
        missed=visits.count("noshow"),
        classes=classes,
    )


def _accepted(provenance: Content, view: View, task: Content, zone: tzinfo) -> datetime | None:
    targets = [view.local(each) for each in references_in(provenance.get("target"))]
    if code_in(provenance.get("activity"), STEP) != ACCEPTED or f"Task/{task.get('id')}" not in targets:
        return None
    recorded = range_of(str(provenance.get("recorded", "")), zone)
    return recorded.low if recorded else None


def _conditions(view: View, told: Told) -> Iterator[str]:
    """The names of what the referral is for, the first reason first."""
    named = (view.find(each) for each in references_in(view.referral.get("reasonReference")))
    concepts = [each.get("code", {}) for each in named if each is not None]
    for concept in (*concepts, *view.referral.get("reasonCode", ())):
        name = told.condition(concept)
        if name is not None:
            yield name


def _techniques(view: View, told: Told) -> Iterator[str]:
    """The techniques of delivered sessions, those of the catalogue that are one of their own."""
    for each in view.with_status("Procedure", frozenset({"completed"})):
        code = code_in(each.get("code"), TECHNIQUE)
        if code in told.catalogue.techniques:
            yield code


def _most_readings_first(series: Series) -> tuple[bool, int, str]:
    return len(series.readings) < _FEWEST, -len(series.readings), series.site
