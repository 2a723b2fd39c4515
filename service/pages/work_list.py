"""What needs attention at a clinic today: the Tasks of referrals with their visits, and the visits of the day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from msgspec import Struct

from service.fhir import codec
from service.fhir.concept import code_in
from service.massage.cycle import Policy
from service.massage.cycle.tables.business_status import DEFAULTS
from service.massage.cycle.terms import BUSINESS_STATUS, TASK_CODE, reference_in, references_in
from service.massage.cycle.validity import order_end
from service.massage.cycle.view import View
from service.massage.screening.detected_issue import is_withdrawn
from service.massage.screening.matching import is_judged
from service.massage.screening.mitigation import mitigated
from service.pages import moments
from service.pages.case import reference_to
from service.pages.shown import Text
from service.pages.work_groups import EXPIRING, GROUPS, REQUESTS, UNSCREENED, Group
from service.pages.work_searches import Asked, matched, next_of, patients_of, task_criteria
from service.pages.work_visits import MISSED, UNBOOKED, VisitFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from service.fhir.resource import Content
    from service.massage.screening.rules import Rules
    from service.pages.headline import Headlines
    from service.pages.links import Links
    from service.pages.values import Values
    from service.pages.work_searches import Found, ListName

SOON: Final = timedelta(days=14)
"""How long before its end an order is about to expire."""

_ASKING: Final = frozenset({"abort", "change"})
_CANCELLATION: Final = "cancellation-requested"
"""Of a Task that another one asks to abort: the two are one line of the list."""
_BEFORE_WORK: Final = frozenset({"requested", "received", "accepted"})


class Item(Struct, frozen=True, kw_only=True):
    """A referral in the list."""

    patient: Text
    referral: Text
    state: str
    since: Text
    until: Text | None
    dangers: tuple[str, ...]
    is_unscreened: bool


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
    """The list of a day; `visits` None where they may not be read, `search` the search below the base.

    `more` lead to the next pages of what goes on, `all_visits` to those of the day's visits; `start`, on a later page,
    to the first.
    """

    day: str
    sections: tuple[Section, ...]
    visits: tuple[Visit, ...] | None
    all_visits: str
    more: tuple[Text, ...]
    start: str
    search: str


def work_list(
    found: Found, asked: Asked, values: Values, headlines: Headlines, now: datetime, rules: Rules
) -> WorkList:
    """The list from what the searches answered; `rules` say what of the patients' diagnoses they can judge."""
    bundle = _together(found.tasks.values())
    links, visits = values.links, None if found.visits is None else codec.decode(found.visits)
    facts = VisitFacts(_all(found.appointments), links.base, now) if found.appointments is not None else None
    tasks = matched(bundle)
    unscreened = _unscreened(tasks, found.conditions, links.base, rules)
    maker = _Maker(View("", _by_type(bundle), links.base), values, headlines, facts, unscreened, now)
    first = "open" if asked.show is None else asked.show
    search = task_criteria(first, Asked(clinic=asked.clinic), with_others=True)
    return WorkList(
        day=moments.day(now, values.zone),
        sections=tuple(maker.sections(tasks)),
        visits=None if visits is None else tuple(_visits(visits, values, headlines)),
        all_visits=links.own(_next_url(visits)) if visits else "",
        more=tuple(_more(found.tasks, asked, links)),
        start=asked.address(links) if asked.show else "",
        search=f"Task?{urlencode(search)}",
    )


_GOES_ON: Final[dict[ListName, str]] = {
    "held": "More referrals are held for safety",
    "open": "More Tasks need somebody",
    "scheduled": "More referrals have a visit scheduled; some of them may need somebody, too",
}


def _more(lists: Mapping[ListName, Content], asked: Asked, links: Links) -> Iterator[Text]:
    """Links to the next pages of the lists that go on."""
    for name, bundle in lists.items():
        if after := next_of(bundle):
            yield Text(text=_GOES_ON[name], href=asked.address(links, name, after))


def _next_url(bundle: Content) -> str:
    return next((str(each["url"]) for each in bundle.get("link", ()) if each.get("relation") == "next"), "")


def _together(bundles: Iterable[Content]) -> Content:
    """One searchset of several, in which what is in more than one stands once, and as a match where it is one."""
    found: dict[str, Content] = {}
    for bundle in bundles:
        for place, each in enumerate(bundle.get("entry", ())):
            name = str(each.get("fullUrl", place))
            if name not in found or each.get("search", {}).get("mode") == "match":
                found[name] = each
    return {"resourceType": "Bundle", "entry": [*found.values()]}


def _all(bodies: Iterable[bytes]) -> list[Content]:
    return [each for body in bodies for each in matched(codec.decode(body))]


def _unscreened(
    tasks: Iterable[Content], conditions: Iterable[bytes] | None, base: str, rules: Rules
) -> frozenset[str] | None:
    """The ids of the Tasks of whose patients the rules can judge no diagnosis; None where nobody may read them."""
    if conditions is None:
        return None
    view = View("", {}, base)
    judged = {view.local(reference_in(each.get("subject"))) for each in _all(conditions) if is_judged(each, rules)}
    return frozenset(task for task, patient in patients_of(tasks, base).items() if patient not in judged)


class _Maker:
    def __init__(
        self,
        view: View,
        values: Values,
        headlines: Headlines,
        facts: VisitFacts | None,
        unscreened: frozenset[str] | None,
        now: datetime,
    ) -> None:
        self._facts = facts
        self._unscreened = unscreened or frozenset()
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
        found += [UNSCREENED] if item.is_unscreened else []
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
            is_unscreened=task.get("id") in self._unscreened,
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


def _by_type(bundle: Content) -> dict[str, dict[str, Content]]:
    found: dict[str, dict[str, Content]] = {}
    for entry in bundle.get("entry", ()):
        content = entry.get("resource", {})
        if "id" in content:
            found.setdefault(content["resourceType"], {})[content["id"]] = content
    return found
