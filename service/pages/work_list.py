"""What needs attention at a clinic today: the Tasks of referrals with their visits, and the visits of the day."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from msgspec import Struct

from service.fhir import codec
from service.massage.cycle import Policy
from service.massage.cycle.tables.business_status import DEFAULTS
from service.massage.cycle.terms import BUSINESS_STATUS, TASK_CODE, code_in, reference_in, references_in
from service.massage.cycle.validity import order_end
from service.massage.cycle.view import LIVE, View
from service.massage.screening.detected_issue import is_withdrawn
from service.massage.screening.mitigation import mitigated
from service.pages import moments
from service.pages.case import reference_to
from service.pages.shown import Text
from service.pages.work_groups import EXPIRING, GROUPS, QUIET, REQUESTS, Group
from service.pages.work_visits import MISSED, UNBOOKED, VisitFacts, appointment_criteria

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, tzinfo

    from service.fhir.interaction import Parameters
    from service.fhir.resource import Content
    from service.pages.headline import Headlines
    from service.pages.values import Values

MOST: Final = 100
"""Tasks, and visits, that are looked at."""
SOON: Final = timedelta(days=14)
"""How long before its end an order is about to expire."""

_ASKING: Final = frozenset({"abort", "change"})
_CANCELLATION: Final = "cancellation-requested"
"""Of a Task that another one asks to abort: the two are one line of the list."""
_HELD: Final = "safety-hold"
"""Looked for by themselves: a danger must not be hidden behind a hundred older Tasks."""
_BEFORE_WORK: Final = frozenset({"requested", "received", "accepted"})


class Item(Struct, frozen=True, kw_only=True):
    """A referral in the list."""

    patient: Text
    referral: Text
    state: str
    since: Text
    until: Text | None
    dangers: tuple[str, ...]


class Visit(Struct, frozen=True, kw_only=True):
    """A visit of today."""

    at: str
    moment: str
    patient: Text
    visit: Text
    referral: Text | None
    state: str


class Section(Struct, frozen=True, kw_only=True):
    """A group with what is in it."""

    group: Group
    items: tuple[Item, ...]


class WorkList(Struct, frozen=True, kw_only=True):
    """The list of a day; `visits` None where they may not be read, `search` the search below the base."""

    day: str
    sections: tuple[Section, ...]
    visits: tuple[Visit, ...] | None
    shown: int
    total: str
    search: str
    is_cut: bool


def task_criteria(clinic: str, *, with_others: bool, held: bool = False) -> Parameters:
    """The search for Tasks that need somebody, the oldest first, or for those `held` for safety.

    `clinic` is empty or the reference of an owner.
    """
    quiet = ",".join(f"{BUSINESS_STATUS}|{each}" for each in QUIET)
    owned = (("owner", clinic),) if clinic else ()
    stands = ("business-status", f"{BUSINESS_STATUS}|{_HELD}") if held else ("business-status:not", quiet)
    found = (("status", ",".join(sorted(LIVE))), stands, *owned)
    beside = (
        ("_include", "Task:focus"),
        ("_include", "Task:patient"),
        ("_revinclude:iterate", "DetectedIssue:implicated"),
    )
    return (*found, *(beside if with_others else ()), ("_sort", "authored-on"), ("_count", str(MOST)))


def visit_criteria(now: datetime, zone: tzinfo) -> Parameters:
    """The search for the visits of the day."""
    start = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    first, last = (each.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for each in (start, start + timedelta(days=1)))
    return (
        ("date", f"ge{first}"),
        ("date", f"lt{last}"),
        ("status", "arrived,booked"),
        ("_include", "Appointment:patient"),
        ("_sort", "date"),
        ("_count", str(MOST)),
    )


class Found(Struct, frozen=True, kw_only=True):
    """What the searches of a work list answered, each a searchset Bundle; None where visits may not be read."""

    held: bytes
    tasks: bytes
    visits: bytes | None
    appointments: bytes | None


def appointments_of(held: bytes, tasks: bytes, base: str) -> Parameters | None:
    """The search for the visits of the referrals that were found; None where there is none."""
    return appointment_criteria(_matched(_together(held, tasks)), base)


def _together(held: bytes, tasks: bytes) -> Content:
    """The searchset of all Tasks, in which those that are held come first and stand once."""
    bundle: Content = codec.decode(tasks)
    entries = [*codec.decode(held).get("entry", ()), *bundle.get("entry", ())]
    first = {each.get("fullUrl", str(place)): each for place, each in reversed([*enumerate(entries)])}
    return {**bundle, "entry": [*reversed(first.values())]}


def work_list(found: Found, clinic: str, values: Values, headlines: Headlines, now: datetime) -> WorkList:
    """The list from what the searches answered."""
    bundle = _together(found.held, found.tasks)
    base, visits = values.links.base, found.visits
    facts = None if found.appointments is None else VisitFacts(_matched(codec.decode(found.appointments)), base, now)
    maker = _Maker(View("", _by_type(bundle), base), values, headlines, facts, now)
    matched = _matched(bundle)
    return WorkList(
        day=moments.day(now, values.zone),
        sections=tuple(maker.sections(matched)),
        visits=None if visits is None else tuple(_visits(codec.decode(visits), values, headlines)),
        shown=len(matched),
        total=str(bundle.get("total", "")),
        search=f"Task?{urlencode(task_criteria(clinic, with_others=True))}",
        is_cut=any(each.get("relation") == "next" for each in bundle.get("link", ())),
    )


class _Maker:
    def __init__(
        self, view: View, values: Values, headlines: Headlines, facts: VisitFacts | None, now: datetime
    ) -> None:
        self._facts = facts
        self._view = view
        self._values = values
        self._headlines = headlines
        self._now = now
        self._issues = self._issues_by_referral()

    def sections(self, tasks: Iterable[Content]) -> list[Section]:
        """The groups that have something in them."""
        found: dict[str, list[Item]] = {}
        listed = list(tasks)
        asked = {reference_to(each) for each in listed if self._business(each) == _CANCELLATION}
        for task in listed:
            if self._view.local(reference_in(task.get("focus"))) in asked:
                continue
            item = self._item(task)
            for key in self._groups(task, item):
                found.setdefault(key, []).append(item)
        return [Section(group=each, items=tuple(found[each.key])) for each in GROUPS if each.key in found]

    def _groups(self, task: Content, item: Item) -> list[str]:
        if code_in(task.get("code"), TASK_CODE) in _ASKING:
            return [REQUESTS]
        business = self._business(task)
        found = [each.key for each in GROUPS if business in each.statuses]
        if self._facts is not None:
            referral = self._view.find(reference_in(task.get("focus")))
            found = [each for each in found if each not in (MISSED, UNBOOKED)]
            found += self._facts.groups(task, referral, business)
        return [*found, EXPIRING] if item.until is not None else found

    def _business(self, task: Content) -> str:
        return code_in(task.get("businessStatus"), BUSINESS_STATUS) or DEFAULTS.get(task.get("status", ""), "")

    def _item(self, task: Content) -> Item:
        focus = reference_in(task.get("focus"))
        referral = self._view.find(focus)
        since = str(task.get("lastModified") or task.get("authoredOn") or task.get("meta", {}).get("lastUpdated", ""))
        return Item(
            patient=_named(self._view, task.get("for"), self._values, self._headlines),
            referral=self._referral(task, referral),
            state=self._headlines.business(task) or self._headlines.state(task),
            since=self._values.moment(since),
            until=self._until(task, referral),
            dangers=tuple(self._dangers(task, self._view.local(focus))),
        )

    def _referral(self, task: Content, referral: Content | None) -> Text:
        if referral is None:
            return Text(text=self._headlines.of(task), href=self._values.links.reference(reference_to(task)))
        href = self._values.links.reference(reference_to(referral))
        return Text(text=self._headlines.of(referral), href=href)

    def _until(self, task: Content, referral: Content | None) -> Text | None:
        """The last day of an order that ends soon, before work on it has begun."""
        if referral is None or task.get("status") not in _BEFORE_WORK:
            return None
        end = order_end(referral, task, Policy().validity)
        if end is None or end > self._now + SOON:
            return None
        return Text(text=moments.day(end - timedelta(microseconds=1), self._values.zone))

    def _dangers(self, task: Content, referral: str) -> list[str]:
        """The issues that stand. An absolute one holds the Task: where that is not held, it was cleared."""
        is_held = self._business(task) == "safety-hold"
        standing = [each for each in self._issues.get(referral, ()) if is_held or each.get("severity") != "high"]
        return [self._headlines.of(each) for each in standing]

    def _issues_by_referral(self) -> dict[str, list[Content]]:
        found: dict[str, list[Content]] = {}
        for issue in self._view.of("DetectedIssue"):
            if is_withdrawn(issue) or mitigated(issue):
                continue
            for reference in references_in(issue.get("implicated")):
                found.setdefault(self._view.local(reference), []).append(issue)
        return found


def _visits(bundle: Content, values: Values, headlines: Headlines) -> list[Visit]:
    view = View("", _by_type(bundle), values.links.base)
    return [_visit(each, view, values, headlines) for each in view.of("Appointment")]


def _visit(appointment: Content, view: View, values: Values, headlines: Headlines) -> Visit:
    start = str(appointment.get("start", ""))
    told = values.moment(start).text
    actors = [each.get("actor") for each in appointment.get("participant", ())]
    patient = next((each for each in actors if "Patient/" in reference_in(each)), None)
    based = next((each for each in references_in(appointment.get("basedOn"))), "")
    href = values.links.reference(based)
    return Visit(
        at=told.rpartition(", ")[2],
        moment=start,
        patient=_named(view, patient, values, headlines),
        visit=Text(text=headlines.of(appointment), href=values.links.reference(reference_to(appointment))),
        referral=Text(text="Referral", href=href) if href else None,
        state=headlines.state(appointment),
    )


def _named(view: View, reference: Any, values: Values, headlines: Headlines) -> Text:
    """Somebody by name where what was found has it, else as the reference says."""
    if not isinstance(reference, dict):
        return Text(text="not said")
    found = view.find(reference_in(reference))
    text = headlines.of(found) if found is not None else values.reference(reference).text
    return Text(text=text, href=values.links.reference(reference_in(reference)))


def _matched(bundle: Content) -> list[Content]:
    """The resources that a search found, without those that go with them."""
    return [each["resource"] for each in bundle.get("entry", ()) if each.get("search", {}).get("mode") == "match"]


def _by_type(bundle: Content) -> dict[str, dict[str, Content]]:
    found: dict[str, dict[str, Content]] = {}
    for entry in bundle.get("entry", ()):
        content = entry.get("resource", {})
        if "id" in content:
            found.setdefault(content["resourceType"], {})[content["id"]] = content
    return found
