"""The sections that reports and the documentation for a payer are put together from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.documents import words
from service.documents.billing import cpt_codes
from service.documents.charts import chart, plain
from service.documents.goals import goal_table, targets_in_words
from service.documents.paper import Facts, Picture, Points, Section, Table, Text
from service.massage.cycle.terms import PLACER, identifiers
from service.massage.outcome import compared, reached_of, targets_of, told, unit_in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from service.documents.case import Case
    from service.documents.paper import Block
    from service.massage.outcome import Reached, Series
    from service.massage.outcome.comparison import Progress
    from service.massage.visits import SessionEntry, Term, Visits

PROGRESS: Final[dict[Progress, str]] = {
    "improved": "improved",
    "worse": "worse",
    "no-change": "no change that counts",
    "below-mdc": "a change so small that it may be the measuring",
    "insufficient-data": "measured once, so nothing is known of a change",
    "unknown": "how large a change matters is not known for this measure",
}
_MOST_DRAWN: Final = 24
"""Charts in a document: an episode of more measures has all of them in words."""


def people(case: Case) -> list[tuple[str, str]]:
    """Whom and what it is about."""
    patient, referral = case.patient, case.referral
    numbers = [value for _, value in identifiers(referral, PLACER)]
    return [
        ("Patient", words.name_in(patient.get("name", ())) or words.UNKNOWN),
        ("Born", str(patient.get("birthDate", words.UNKNOWN))),
        ("Order", ", ".join(numbers) or words.UNKNOWN),
        ("Ordered on", str(referral.get("authoredOn", words.UNKNOWN))[:10]),
        ("Ordered by", words.who(case.view, referral.get("requester")) or words.UNKNOWN),
        ("Treated by", words.who(case.view, case.clinic) or words.UNKNOWN),
        ("Reason", "; ".join(map(words.concept, referral.get("reasonCode", ()))) or words.UNKNOWN),
    ]


def about(case: Case) -> str:
    """Who is named on every page."""
    patient = case.patient
    name = words.name_in(patient.get("name", ())) or "Patient"
    return f"{name}, born {patient['birthDate']}" if "birthDate" in patient else name


def visits(case: Case) -> Section:
    """The visits, counted."""
    known = case.visits
    rows = (
        ("Ordered", words.count(known.ordered)),
        ("Authorised by the payer", words.count(known.authorised)),
        ("Completed", words.count(known.completed)),
        ("Missed without notice", words.count(known.no_show)),
        ("Remaining", _remaining(known)),
    )
    return Section(title="Visits", blocks=(Facts(rows),))


def _remaining(known: Visits) -> str:
    """What is left, and how much of that is booked: bookings are no visits beside those that remain."""
    if known.booked is None:
        return words.count(known.remaining)
    if known.remaining is None or known.booked > known.remaining:
        return f"{words.count(known.remaining)}; {known.booked} booked"
    of_them = known.booked or "none"
    return f"{known.remaining}, {of_them} of them booked" if known.remaining else "0"


def sessions(case: Case, *, is_for_payer: bool = False) -> Section:
    """The log of delivered sessions, the earliest first, with what was found and how the patient reacted."""
    if not case.log:
        return Section(title="Sessions", blocks=(Text("No session has been delivered yet."),))
    last = "CPT" if is_for_payer else "Pain"
    lasts = _codes(case) if is_for_payer else {each.session: _pain(each) for each in case.log}
    head = ("Date", "Time", "Min", "Units", "Techniques", "Region", "Therapist", last)
    rows = [(*_session(case, entry), lasts[entry.session]) for entry in case.log]
    blocks: list[Block] = [Table(f"Sessions delivered: {len(case.log)}", head, tuple(rows)), Text(_sum(case))]
    if noted := tuple(_noted(case)):
        blocks.append(Points(noted))
    if not is_for_payer and any(each.before is not None or each.after is not None for each in case.log):
        blocks.append(Text("Pain: the rating from 0 to 10 before and after the session."))
    if is_for_payer:
        blocks.append(Text("CPT: the codes that a session may be billed by; the payer's rules decide which."))
    return Section(title="Sessions", blocks=tuple(blocks), refers_to=tuple(each.session for each in case.log))


def done(case: Case) -> Section:
    """Which techniques were used, in how many sessions."""
    counted: dict[str, int] = {}
    for entry in case.log:
        for text in dict.fromkeys(words.term(each, case.techniques) or words.UNKNOWN for each in entry.techniques):
            counted[text] = counted.get(text, 0) + 1
    rows = tuple((text, str(number)) for text, number in counted.items())
    blocks: tuple[Block, ...] = (Table("Techniques", ("Technique", "Sessions"), rows),) if rows else ()
    return Section(title="What was done", blocks=blocks or (Text("No technique is on record."),))


def goals(case: Case) -> Section:
    """The goals: what each asks for, by when, and how far it is reached."""
    if not case.goals:
        return Section(title="Goals", blocks=(Text("No goal is on record."),))
    return Section(
        title="Goals", blocks=(goal_table(case),), refers_to=tuple(f"Goal/{each['id']}" for each in case.goals)
    )


def outcomes(case: Case) -> Section:
    """The course of each measure, drawn and in words."""
    blocks: list[Block] = []
    for number, series in enumerate(case.series):
        targets = [each for goal in case.goals for each in targets_of(goal, series, case.measures, case.zone)]
        if number < _MOST_DRAWN:
            svg = chart(series, targets=targets, name=f"chart-{number + 1}")
            blocks.append(
                Picture(svg, f"{series.measure.display}. {_course(series)} {targets_in_words(targets)}".strip())
            )
        blocks.append(Text(told(compared(series), case.measures.sources, reached=goals_reached(case, series))))
    if not case.series:
        blocks.append(Text("Nothing that counts was measured in this episode."))
    if case.left_out:
        lines = tuple(f"{each.measure.display}: {each.text}" for each in case.left_out)
        blocks += [Text("Measurements that do not count:"), Points(lines)]
    named = dict.fromkeys(each.observation for series in case.series for each in series.readings)
    return Section(title="Outcomes", blocks=tuple(blocks), refers_to=tuple(named))


def limits(case: Case) -> list[Section]:
    """What the document does not say because the caller may not read it; none where there is no such thing."""
    if not case.unread:
        return []
    told_of = Text("Not looked at, because the access token does not allow it:", is_important=True)
    return [Section(title="What is not in this document", blocks=(told_of, Points(case.unread)))]


def goals_reached(case: Case, series: Series) -> Reached | None:
    """What became of the values that the goals ask of the series; None where none does."""
    return reached_of(case.goals, series, case.measures, case.zone)


def _course(series: Series) -> str:
    readings = "; ".join(f"{each.effective[:10]}: {plain(each.value)}" for each in series.readings)
    return f"In {unit_in_words(series.unit)}: {readings}."


def _session(case: Case, entry: SessionEntry) -> tuple[str, ...]:
    return (
        words.day(entry.start, case.zone),
        words.clock(entry.start, entry.end, case.zone),
        words.count(entry.minutes),
        words.count(entry.units),
        _called(case, entry.techniques),
        _called(case, entry.regions),
        words.who(case.view, {"reference": entry.therapist}) or words.UNKNOWN,
    )


def _called(case: Case, terms: Iterable[Term]) -> str:
    return ", ".join(words.term(each, case.techniques) for each in terms) or words.UNKNOWN


def _codes(case: Case) -> dict[str, str]:
    return {session: " or ".join(codes) or words.UNKNOWN for session, codes in cpt_codes(case).items()}


def _pain(entry: SessionEntry) -> str:
    rated = (("before", entry.before), ("after", entry.after))
    return ", ".join(f"{plain(value)} {when}" for when, value in rated if value is not None) or "not rated"


def _sum(case: Case) -> str:
    minutes = [each.minutes for each in case.log if each.minutes is not None]
    units = [each.units for each in case.log if each.units is not None]
    return f"Together {sum(minutes)} minutes and {sum(units)} timed units of {case.policy.unit_minutes} minutes."


def _noted(case: Case) -> Iterator[str]:
    for entry in case.log:
        on = words.day(entry.start, case.zone)
        yield from (f"{on}, reaction: {each}" for each in entry.reactions)
        if entry.tolerance:
            yield f"{on}, tolerance: {entry.tolerance}"
        yield from (f"{on}: {each}" for each in entry.findings)
