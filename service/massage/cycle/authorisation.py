"""What payers have answered to a referral: how many visits they allow and when, and which visit takes which of them.

A visit is paid under an authorisation that holds when it begins. Which one is nobody's choice: visits are allocated, in
the order of their times, each to the authorisation that ends first of those that hold then and have a visit left. As
authorisations hold for one span of time each, no other allocation finds a place for more visits (Glover 1967, maximum
matching in a convex bipartite graph). So what is left of an authorisation lapses with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from service.fhir.temporal import EARLIEST, LATEST, Range
from service.massage.cycle.coverage import asserted, visits_in
from service.massage.cycle.moment import end_of, start_of
from service.massage.cycle.terms import reference_in, references_in
from service.massage.cycle.view import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, tzinfo

    from service.fhir.resource import Content
    from service.massage.cycle.view import View

_ANSWERED: Final = frozenset({"complete", "partial"})
"""The outcomes of a ClaimResponse that is an answer; one that is queued or in error is none yet."""


class Authorisation(Struct, frozen=True, kw_only=True):
    """Visits that a payer allows: `number` and the days from when to when it holds, empty where these are not said.

    `visits` is None where the payer says no number; `reference` is the ClaimResponse, empty for coverage information on
    the referral.
    """

    visits: int | None
    number: str = ""
    start: str = ""
    end: str = ""
    reference: str = ""

    def lasts(self, zone: tzinfo) -> Range:
        """From when to when it holds; a bound that is not said is none. `zone` is that of days."""
        return Range(start_of(self.start, zone) or EARLIEST, end_of(self.end, zone) or LATEST)


class Span(Struct, frozen=True, kw_only=True):
    """So many visits that may begin within a span of time."""

    lasts: Range
    visits: int

    def holds(self, moment: datetime) -> bool:
        """Whether a visit that begins then may be one of them."""
        return self.lasts.low <= moment < self.lasts.high


class Allocation(Struct, frozen=True, kw_only=True):
    """How many visits have found a `placed`, and what each span has `left`, in the order of the spans."""

    placed: int
    left: tuple[int, ...]


def allocate(moments: Sequence[datetime | None], spans: Sequence[Span]) -> Allocation:
    """As many visits as there is place for; one of which nobody says when it begins takes what others leave."""
    left = [each.visits for each in spans]
    by_end = sorted(range(len(spans)), key=lambda place: spans[place].lasts.high)
    placed = 0
    for moment in sorted(each for each in moments if each is not None):
        place = next((each for each in by_end if left[each] > 0 and spans[each].holds(moment)), None)
        if place is not None:
            left[place] -= 1
            placed += 1
    for _ in range(sum(1 for each in moments if each is None)):
        place = next((each for each in by_end if left[each] > 0), None)
        if place is not None:
            left[place] -= 1
            placed += 1
    return Allocation(placed=placed, left=tuple(left))


def answers(view: View) -> list[Authorisation]:
    """Each answer of a payer: the preauthorisations on the referral's insurance, and the coverage information on it.

    Of a ClaimResponse its added items count (a payer that allows less adds an item with what it allows, PAS); of
    coverage information the allowed quantity (CRD), unless it is of the same authorisation.
    """
    found = [_answer(each) for each in _responses(view)]
    known = {one.number for one in found if one.number and one.visits is not None}
    told = (one for one in asserted(view.referral) if one.number is None or one.number not in known)
    return found + [Authorisation(visits=one.visits, number=one.number or "", end=one.until or "") for one in told]


def authorisations(view: View) -> list[Authorisation]:
    """Each answer of a payer that says how many visits it allows."""
    return [each for each in answers(view) if each.visits is not None]


def authorised(view: View) -> int | None:
    """The number of visits that the payers' answers allow together, those that have lapsed too; None: they say none."""
    allowed = [each.visits for each in answers(view) if each.visits is not None]
    return sum(allowed) if allowed else None


def spans(view: View, zone: tzinfo) -> list[Span]:
    """The authorisations of a referral as its visits are allocated to them."""
    known = ((each.visits, each.lasts(zone)) for each in authorisations(view))
    return [Span(lasts=lasts, visits=visits) for visits, lasts in known if visits is not None]


def _responses(view: View) -> Iterator[Content]:
    """The ClaimResponses that authorise: in force, answered, and about the referral's patient."""
    patient = view.local(reference_in(view.referral.get("subject")))
    for reference in dict.fromkeys(map(view.local, references_in(view.referral.get("insurance")))):
        answer = view.find(reference)
        if answer is None or answer["resourceType"] != "ClaimResponse" or answer.get("status") != "active":
            continue
        is_granted = answer.get("use", "preauthorization") == "preauthorization"
        is_given = answer.get("outcome", "complete") in _ANSWERED
        if is_granted and is_given and view.local(reference_in(answer.get("patient"))) in {"", patient}:
            yield answer


def _answer(response: Content) -> Authorisation:
    said = (visits_in(item.get("quantity")) for item in response.get("addItem", ()))
    counts = [count for count in said if count is not None]
    period = response.get("preAuthPeriod", {})
    return Authorisation(
        visits=sum(counts) if counts else None,
        number=response.get("preAuthRef", ""),
        start=period.get("start", ""),
        end=period.get("end", ""),
        reference=name_of(response),
    )
