"""What contents may not say, whatever the step: impossible scores, diagnoses and times.

What belongs to a referral is held against all of it. An Observation that belongs to none is held against its measure
where it says that it is one of ours: it claims our profile of an outcome, or is coded by our own CodeSystem. Other
plain FHIR is its sender's.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from service.fhir.bundle_plan import below
from service.fhir.concept import codings
from service.fhir.outcome import FhirError, Issue
from service.massage.cycle.moment import date_in, start_of
from service.massage.outcome.measures import Measures
from service.massage.outcome.reading import fitting, unit_of
from service.massage.profiles import canonical as profile
from service.massage.systems import OUTCOME as MEASURES

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from datetime import datetime, tzinfo

    from service.fhir.resource import Content
    from service.interactions.rules import Proposal
    from service.loop.diagnoses import Diagnoses
    from service.massage.catalogue.rows import Catalogue, Unit

OUTCOME: Final = profile("massage-outcome")
_DIAGNOSES: Final = {"Condition": "code", "ServiceRequest": "reasonCode"}
_MOMENTS: Final = {
    "Observation": ("effectiveDateTime", "effectiveInstant", "effectivePeriod", "issued"),
    "Procedure": ("performedDateTime", "performedPeriod"),
    "DiagnosticReport": ("effectiveDateTime", "effectivePeriod", "issued"),
    "Encounter": ("period",),
    "QuestionnaireResponse": ("authored",),
}
_TO_COME: Final = frozenset({"planned", "arrived", "preparation", "cancelled", "not-done", "entered-in-error"})
_AHEAD: Final = timedelta(days=1)
"""By how much the clock of a sender may be wrong."""
_CLOCKS: Final = timedelta(minutes=15)
"""The same where the moment is said with its offset: nobody writes a session down before it is over."""
_OVER: Final = {("Procedure", "completed"): "performedPeriod", ("Encounter", "finished"): "period"}
_DAY: Final = len("2026-01-12")


class Plausibility:
    """Holds contents against the catalogue and the clock; `zone` is that of days."""

    def __init__(self, catalogue: Catalogue, zone: tzinfo, diagnoses: Diagnoses) -> None:
        self.zone = zone
        self._measures = Measures(catalogue)
        self.diagnoses = diagnoses

    def check(
        self, own: Sequence[Proposal], unit: Iterable[Proposal], now: datetime, known: Sequence[Content] = ()
    ) -> list[Issue]:
        """The warnings about what is new; FhirError with all that cannot be.

        `own` belongs to the referral; of the rest of the `unit` only diagnoses are looked at. `known` is of the
        patient, once the unit is written.
        """
        about = [*own, *(each for each in unit if each.type == "Condition")]
        issues = [
            below(issue, each.where) if each.where else issue
            for each in {(each.type, each.id): each for each in about}.values()
            if each.after is not None and each.after != each.before
            for issue in self._issues(each.type, each.after, each.before or {}, now)
        ]
        for each in own:
            if each.type == "ServiceRequest" and each.after and _reasons(each.after) != _reasons(each.before or {}):
                found = self.diagnoses.excluding(each.after, known)
                issues += (below(issue, each.where) if each.where else issue for issue in found)
        if any(issue.severity == "error" for issue in issues):
            raise FhirError(issues=tuple(issue for issue in issues if issue.severity == "error"))
        return issues

    def claims_a_measure(self, content: Content) -> bool:
        """Whether it is an Observation of a measure by its own word, whether or not it belongs to a referral."""
        if content.get("resourceType") != "Observation":
            return False
        if any(each.partition("|")[0] == OUTCOME for each in content.get("meta", {}).get("profile", ())):
            return True
        parts = (content, *content.get("component", ()))
        return any(each.get("system") == MEASURES for part in parts for each in codings(part.get("code")))

    def check_claimed(self, unit: Iterable[Proposal]) -> None:
        """FhirError with every score of the unit that cannot be by the measure that it claims to be of."""
        issues = [
            below(issue, each.where) if each.where else issue
            for each in unit
            if each.after is not None and each.after != each.before
            for issue in self.claimed_issues(each.after)
        ]
        if issues:
            raise FhirError(issues=tuple(issues))

    def claimed_issues(self, content: Content) -> list[Issue]:
        """Why the score of a content cannot be by the measure that it claims to be of; none where it claims none."""
        return [*self._of_outcome(content)] if self.claims_a_measure(content) else []

    def _issues(self, kind: str, after: Content, before: Content, now: datetime) -> Iterator[Issue]:
        sent = after.get("modifierExtension")
        if sent and sent != before.get("modifierExtension"):
            told = "No modifier extension is known here: leave it out, or say it in an element of R4."
            yield _error("modifier-unknown", told, f"{kind}.modifierExtension")
        if after.get("status") not in _TO_COME:
            for name in _MOMENTS.get(kind, ()):
                began = start_of(after.get(name))
                if began is not None and began > now + _AHEAD and after.get(name) != before.get(name):
                    told = "What has happened cannot lie more than a day ahead of the service's clock."
                    yield _error("time-ahead", told, f"{kind}.{name}")
        if after != before:
            yield from self._of_what_is_over(kind, after, before, now)
        if kind in _DIAGNOSES and after.get(_DIAGNOSES[kind]) != before.get(_DIAGNOSES[kind]):
            yield from self.diagnoses.issues(after.get(_DIAGNOSES[kind]), f"{kind}.{_DIAGNOSES[kind]}")
        if kind == "Observation":
            yield from self._of_outcome(after)

    def _of_what_is_over(self, kind: str, after: Content, before: Content, now: datetime) -> Iterator[Issue]:
        """Of a session, an Encounter or a visit that is said to be over, or to have begun, before it can be."""
        status = str(after.get("status"))
        element = _OVER.get((kind, status))
        if element is not None:
            ended = start_of(after.get(element, {}).get("end"))
            if ended is not None and ended > now + _CLOCKS:
                told = f"What is {status} is over: it cannot end in the future."
                yield _error("time-ahead", told, f"{kind}.{element}.end")
        begins = start_of(after.get("start")) if kind == "Appointment" else None
        if begins is None or all(after.get(one) == before.get(one) for one in ("status", "start")):
            return
        today = date_in(now + _CLOCKS, self.zone)
        if status in {"arrived", "fulfilled"} and date_in(begins, self.zone) > today:
            told = f"The visit is of a day to come: it is {status} on its day at the earliest; change its time first."
            yield _error("time-ahead", told, "Appointment.status")
        elif status == "noshow" and begins > now + _CLOCKS:
            yield _error("time-ahead", "The visit is still to come: cancel it instead.", "Appointment.status")

    def _of_outcome(self, observation: Content) -> Iterator[Issue]:
        if observation.get("status") == "entered-in-error":
            return
        is_measured = yield from self._of_value(observation, "Observation")
        for place, part in enumerate(observation.get("component", ())):
            is_measured |= yield from self._of_value(part, f"Observation.component[{place}]")
        if is_measured and len(observation.get("effectiveDateTime", "") or "0" * _DAY) < _DAY:
            yield _error("outcome-invalid", "A score is of a day: name it.", "Observation.effectiveDateTime")

    def _of_value(self, holder: Content, where: str) -> Generator[Issue, None, bool]:
        """Of an Observation or a component; whether it is of a measure."""
        measure = self._measures.of(holder.get("code", {}))
        if measure is None:
            return False
        units = measure.row.values
        for name in holder:
            if name == "valueQuantity":
                quantity = holder[name]
                yield from _of_score(quantity.get("value"), unit_of(quantity), units, f"{where}.{name}", ".value")
            elif name == "valueInteger":
                yield from _of_score(holder[name], None, units, f"{where}.{name}")
            elif name.startswith("value") and name != "valueCodeableConcept":
                yield _error("outcome-invalid", f"The score is a valueQuantity in {_named(units)}.", f"{where}.{name}")
        return True


def _of_score(value: Any, code: str | None, units: Sequence[Unit], path: str, within: str = "") -> Iterator[Issue]:
    """Of a number and its unit in UCUM, which may be left out where there is only one, a score."""
    number = None if value is None else Decimal(str(value))
    found = fitting(number or Decimal(0), code, tuple(each.unit for each in units))
    # a quantity has its unit, whatever there is to choose from
    if found is None or (code is None and within):
        yield _error("outcome-invalid", f"The score is given in {_named(units)} (UCUM, as system and code).", path)
    elif number is not None:
        unit = next(each for each in units if each.unit == found[1])
        outside = (unit.low is not None and found[0] < Decimal(str(unit.low))) or (
            unit.high is not None and found[0] > Decimal(str(unit.high))
        )
        if outside or (unit.whole and found[0] != found[0].to_integral_value()):
            low, high = ("" if bound is None else f"{bound:g}" for bound in (unit.low, unit.high))
            whole = "a whole number " if unit.whole else ""
            yield _error("outcome-invalid", f"The score is {whole}from {low} to {high} {unit.unit}.", f"{path}{within}")


def _reasons(referral: Content) -> tuple[Any, Any]:
    return referral.get("reasonCode"), referral.get("reasonReference")


def _named(units: Sequence[Unit]) -> str:
    return ", ".join(each.unit for each in units)


def _error(code: str, told: str, path: str) -> Issue:
    return Issue(code=code, diagnostics=told, expression=(path,))
