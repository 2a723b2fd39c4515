"""What of a patient's record a rule speaks of: every current resource is looked up once."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from service.fhir.code_systems import ATC, LOINC, SNOMED, UCUM
from service.fhir.search.ucum import conversion_of
from service.fhir.temporal import EARLIEST
from service.massage.assessment.red_flags import red_flags
from service.massage.screening.body_site import Regions, injured_regions, regions_of
from service.massage.screening.content import codings_in, object_in, objects_in, reference_to, text_in, words_in
from service.massage.screening.index import words_of
from service.massage.screening.record import is_current_condition, is_done, is_observed, is_taken, moment_of
from service.massage.screening.systems import system_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from service.fhir.resource import Content
    from service.massage.screening.index import Judged
    from service.massage.screening.record import PatientRecord
    from service.massage.screening.rule import Alert, Rule, Threshold
    from service.massage.screening.rules import Rules

    Coding = tuple[str, str]

_LONGEST = 32
"""Characters of a code that are looked at: those of the systems that are read have half as many, and are remembered."""
_ONSETS = ("onsetDateTime", "recordedDate")
_OBSERVED = ("effectiveDateTime", "effectiveInstant", "effectivePeriod", "issued")
_PERFORMED = ("performedDateTime", "performedPeriod")


class Match(Struct, frozen=True, kw_only=True):
    """One resource that speaks for a rule; `told` says what in it does, `regions` where it is, as far as it says."""

    rule: Rule
    resource: Content
    told: str
    since: datetime | None = None
    regions: Regions | None = None
    alert: Alert = "COND"


class Matches(Struct, kw_only=True):
    """What was matched, and what could and could not be judged."""

    found: list[Match]
    judged_conditions: int = 0
    unjudged: list[str]


def matches_of(referral: Content, record: PatientRecord, rules: Rules, now: datetime) -> Matches:
    """All that a record and the referral's own reasons say to the rules."""
    matches = Matches(found=[], unjudged=[])
    for condition in record.conditions:
        _add_condition(matches, condition, rules, now)
    medicines = {reference_to(each): each for each in record.medicines}
    for medication in record.medications:
        if is_taken(medication, now):
            _add_medication(matches, medication, medicines, rules)
    for allergy in record.allergies:
        if is_current_condition(allergy, now):
            matches.found += _allergy(allergy, rules)
    matches.found += _observations(record.observations, rules, now)
    for procedure in record.procedures:
        if is_done(procedure):
            matches.found += _procedure(procedure, rules, now)
    for response in record.responses:
        matches.found += _answered(response, rules, now)
    reasons = _codings(referral, "reasonCode")
    matches.found += [
        Match(rule=rule, resource=referral, told=f"reason {told}", regions=injured_regions(reasons))
        for rule, told in _by_codes(reasons, rules)
    ]
    return matches


def is_judged(condition: Content, rules: Rules) -> bool:
    """Whether a condition, current or not, is one that the rules can judge: by its code, whatever they say of it."""
    return any(rules.index.judged(system, code).is_known for system, code in _codings(condition, "code"))


def _add_condition(matches: Matches, condition: Content, rules: Rules, now: datetime) -> None:
    codings = _codings(condition, "code")
    is_known = bears = False
    judged = []
    for system, code in codings:
        each = rules.index.judged(system, code)
        judged.append(each)
        is_known |= each.is_known
        bears |= each.bears
    matches.judged_conditions += is_known
    # a record has hundreds of these, and nearly all of them are known to be harmless
    if (is_known and not bears) or not is_current_condition(condition, now):
        return
    if not is_known:
        matches.unjudged.append(reference_to(condition) or "Condition")
        return
    found = [*_told(judged), *_confirmed(condition, judged)]
    if not found:
        return
    since = moment_of(condition, *_ONSETS)
    regions = regions_of(condition, rules.sites) or injured_regions(codings)
    matches.found += [
        Match(rule=rule, resource=condition, told=told, since=since, regions=regions)
        for rule, told in found
        if not _is_over(rule, since, now)
    ]


def _codings(content: Content, name: str) -> list[Coding]:
    """The codings of known systems, those by the systems' own URIs."""
    return [
        (system, code[:_LONGEST])
        for named, code in codings_in(content, name)
        if code and (system := system_of(named)) is not None
    ]


def _by_codes(codings: Iterable[Coding], rules: Rules) -> Iterator[tuple[Rule, str]]:
    return _told(rules.index.judged(system, code) for system, code in codings)


def _told(judged: Iterable[Judged]) -> Iterator[tuple[Rule, str]]:
    for each in judged:
        for rule in each.found:
            yield rule, each.told


def _confirmed(condition: Content, judged: Iterable[Judged]) -> Iterator[tuple[Rule, str]]:
    """What matches by a code that does not suffice, where the condition's own words confirm it."""
    found = {rule.id: rule for each in judged for rule in each.unconfirmed}
    if not found:
        return
    said = [words_in(condition, "code"), *(text_in(note, "text") for note in objects_in(condition, "note"))]
    words = set(words_of(" ".join(said)))
    for rule in found.values():
        if not rule.confirming.isdisjoint(words):
            yield rule, "a diagnosis that its note confirms as acute"


def _add_medication(matches: Matches, medication: Content, medicines: dict[str, Content], rules: Rules) -> None:
    index = rules.index
    named = _medicine(medication, medicines)
    words = {word for content, name in named for word in words_of(words_in(content, name))}
    words.update(words_of(text_in(object_in(medication, "medicationReference"), "display")))
    codings = [coding for content, name in named for coding in _codings(content, name)]
    classes = [code.upper() for system, code in codings if system == ATC]
    if not words and not classes:
        matches.unjudged.append(reference_to(medication) or text_in(medication, "resourceType"))
        return
    found = [(rule, f"names {word}") for word in sorted(words) for rule in index.medicines.get(word, ())]
    found += [(rule, f"ATC {code}") for code in classes if code.isalnum() for rule in index.medicine_classes.of(code)]
    found += [pair for pair in _by_codes(codings, rules) if pair[1].startswith("SNOMED")]
    matches.found += [Match(rule=rule, resource=medication, told=told, alert="DRG") for rule, told in found]


def _medicine(medication: Content, medicines: dict[str, Content]) -> list[tuple[Content, str]]:
    """The elements that name the medicine: of the statement itself, or of the Medication that it refers to."""
    named = [(medication, "medicationCodeableConcept")]
    reference = text_in(object_in(medication, "medicationReference"), "reference")
    if not reference:
        return named
    contained = {f"#{text_in(each, 'id')}": each for each in objects_in(medication, "contained")}
    medicine = contained.get(reference) or medicines.get("/".join(reference.split("/")[-2:]))
    return [*named, (medicine, "code")] if medicine else named


def _allergy(allergy: Content, rules: Rules) -> Iterator[Match]:
    substances = [words_in(allergy, "code"), *(words_in(each, "substance") for each in objects_in(allergy, "reaction"))]
    for word in sorted(set(words_of(" ".join(substances)))):
        for rule in rules.index.substances.get(word, ()):
            yield Match(rule=rule, resource=allergy, told=f"names {word}")
    for rule, told in _by_codes(_codings(allergy, "code"), rules):
        yield Match(rule=rule, resource=allergy, told=told)


def _procedure(procedure: Content, rules: Rules, now: datetime) -> Iterator[Match]:
    for system, code in _codings(procedure, "category"):
        for rule in rules.index.procedures.get(code, ()) if system == SNOMED else ():
            since = moment_of(procedure, *_PERFORMED)
            if not _is_over(rule, since, now):
                regions = regions_of(procedure, rules.sites)
                yield Match(rule=rule, resource=procedure, told="a procedure", since=since, regions=regions)


def _answered(response: Content, rules: Rules, now: datetime) -> Iterator[Match]:
    """What the patient said in answer to a question that stands for a rule.

    An answer counts until its cause is cleared, or for as long as the condition or the measurement would.
    """
    since = moment_of(response, "authored")
    for name, link_id in red_flags(response):
        rule = rules.by_id.get(name)
        if rule is None:
            continue
        within = rule.within or max((each.within for each in rule.thresholds), default=None)
        if since is None or within is None or since >= now - within:
            yield Match(rule=rule, resource=response, told=f"answered with yes to {link_id}", since=since)


def _observations(observations: Iterable[Content], rules: Rules, now: datetime) -> Iterator[Match]:
    """The latest reading of each kind, where it is beyond a rule's threshold and not too old."""
    latest: dict[str, tuple[datetime, Content, Content]] = {}
    for observation in observations:
        if not is_observed(observation):
            continue
        for measured in (observation, *objects_in(observation, "component")):
            for system, code in _codings(measured, "code"):
                if system == LOINC and code in rules.index.observed and "valueQuantity" in measured:
                    at = moment_of(observation, *_OBSERVED)
                    before = latest.get(code)
                    if before is None or (at or EARLIEST) >= before[0]:
                        latest[code] = at or EARLIEST, observation, measured
    for code, (at, observation, measured) in latest.items():
        for rule, threshold in rules.index.observed[code]:
            is_old = at is not EARLIEST and at < now - threshold.within
            if not is_old and is_beyond(object_in(measured, "valueQuantity"), threshold):
                since = None if at is EARLIEST else at
                told = f"LOINC {code} {threshold.relation} {threshold.bound} {threshold.unit}"
                yield Match(rule=rule, resource=observation, told=told, since=since)


def is_beyond(quantity: Content, threshold: Threshold) -> bool:
    """Whether a measured Quantity is beyond a threshold, in whatever unit of UCUM; one in no such unit is not."""
    value, unit = _number(quantity.get("value")), text_in(quantity, "code")
    if value is None or (text_in(quantity, "system") or UCUM) != UCUM:
        return False
    bound = threshold.bound
    if unit != threshold.unit:
        measured, limit = conversion_of(unit) if unit else None, conversion_of(threshold.unit)
        if measured is None or limit is None or measured.unit != limit.unit:
            return False
        value, bound = measured.apply(value), limit.apply(bound)
    match threshold.relation:
        case "above":
            return value > bound
        case "from":
            return value >= bound
        case "below":
            return value < bound


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _is_over(rule: Rule, since: datetime | None, now: datetime) -> bool:
    return rule.within is not None and since is not None and since < now - rule.within
