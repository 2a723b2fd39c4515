"""What a work list asks for: three lists of Tasks, each a page at a time, and what goes with them."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

from msgspec import Struct

from service.massage.cycle.terms import BUSINESS_STATUS, reference_in
from service.massage.cycle.view import LIVE, View
from service.pages.work_visits import appointment_criteria

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, tzinfo

    from service.fhir.interaction import Parameters
    from service.fhir.resource import Content
    from service.pages.links import Links

MOST: Final = 100
"""Tasks of a list, and visits, that are looked at on a page."""

ListName = Literal["held", "open", "scheduled"]
LISTS: Final[tuple[ListName, ...]] = ("held", "open", "scheduled")
"""Held for safety, by themselves so that no danger is hidden behind older Tasks; in need of somebody by their business
status, the oldest first; and with a visit scheduled, the newest first, of which some need somebody all the same."""

_HELD: Final = "safety-hold"
_SCHEDULED: Final = "visit-scheduled"
_MOST_CONDITIONS: Final = "1000"


class Asked(Struct, frozen=True, kw_only=True):
    """Which work list: `clinic` is empty or the reference of an owner, `show` a list that goes on `after` a page."""

    clinic: str = ""
    show: ListName | None = None
    after: str = ""

    @property
    def lists(self) -> tuple[ListName, ...]:
        """The lists of which a page is shown."""
        return LISTS if self.show is None else (self.show,)

    def address(self, links: Links, show: ListName | None = None, after: str = "") -> str:
        """Where the same is, with another page of one list."""
        given = {"clinic": self.clinic, "show": show or "", "after": after}
        return links.to("worklist", query=urlencode({name: value for name, value in given.items() if value}))


class Found(Struct, frozen=True, kw_only=True):
    """What the searches answered, each a searchset Bundle; None where the types may not be read.

    `tasks` are the lists by name, decoded once as they are looked at often, `visits` those of the day, `appointments`
    and `conditions` those of the referrals and patients of each list.
    """

    tasks: Mapping[ListName, Content]
    visits: bytes | None
    appointments: tuple[bytes, ...] | None
    conditions: tuple[bytes, ...] | None


def task_criteria(name: ListName, asked: Asked, *, with_others: bool) -> Parameters:
    """The search for the Tasks of a list, or for the page of it that is asked for."""
    if name == asked.show and asked.after:
        return (("_cursor", asked.after),)
    owned = (("owner", asked.clinic),) if asked.clinic else ()
    beside = (
        ("_include", "Task:focus"),
        ("_include", "Task:patient"),
        ("_revinclude:iterate", "DetectedIssue:implicated"),
    )
    return (
        ("status", ",".join(sorted(LIVE))),
        *_STANDS[name],
        *owned,
        *(beside if with_others else ()),
        ("_sort", "-authored-on" if name == "scheduled" else "authored-on"),
        ("_count", str(MOST)),
    )


_STANDS: Final[Mapping[ListName, Parameters]] = {
    "held": (("business-status", f"{BUSINESS_STATUS}|{_HELD}"),),
    "open": (("business-status:not", f"{BUSINESS_STATUS}|{_HELD},{BUSINESS_STATUS}|{_SCHEDULED}"),),
    "scheduled": (("business-status", f"{BUSINESS_STATUS}|{_SCHEDULED}"),),
}


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


def appointments_of(tasks: Content, base: str) -> Parameters | None:
    """The search for the visits of the referrals of a list; None where there is none."""
    return appointment_criteria(matched(tasks), base)


def conditions_of(tasks: Content, base: str) -> Parameters | None:
    """The search for the diagnoses of the patients of a list; None where there is none."""
    patients = sorted(set(patients_of(matched(tasks), base).values()))
    return (("patient", ",".join(patients)), ("_count", _MOST_CONDITIONS)) if patients else None


def patients_of(tasks: Iterable[Content], base: str) -> dict[str, str]:
    """Id of a Task → ``Patient/id``, where it names a patient of this service."""
    view = View("", {}, base)
    named = {str(each.get("id", "")): view.local(reference_in(each.get("for"))) for each in tasks}
    return {task: patient for task, patient in named.items() if patient.startswith("Patient/")}


def matched(bundle: Content) -> list[Content]:
    """The resources that a search found, without those that go with them."""
    return [each["resource"] for each in bundle.get("entry", ()) if each.get("search", {}).get("mode") == "match"]


def next_of(bundle: Content) -> str:
    """The cursor of the next page of a search; empty where there is none."""
    url = next((each.get("url", "") for each in bundle.get("link", ()) if each.get("relation") == "next"), "")
    return next(iter(parse_qs(urlsplit(url).query).get("_cursor", ())), "")
