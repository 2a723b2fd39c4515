"""Cases of the guards in guards/ (of_visit, of_therapist)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.massage.cycle import Policy
from service.massage.cycle.coverage import COVERAGE_INFORMATION
from tests.builders.guard_case import (
    CERTIFIED,
    COVERED,
    DONE,
    INSURED,
    LYMPH,
    PREAUTHORISED,
    RECORDED,
    TRAINED,
    UNITS,
    Case,
    accepted,
    held,
    later_that_day,
    on_the_first_day,
    without,
    working,
)
from tests.builders.loop import (
    appointment,
    business,
    encounter,
    plan,
    referral,
    session,
    task,
    therapist,
)

if TYPE_CHECKING:
    from service.fhir.resource import Content


def told_until(day: str) -> Content:
    """An order on which the payer has written that four visits are allowed until a day."""
    detail = [
        {"url": "code", "valueCodeableConcept": {"coding": [{"code": "allowed-quantity"}]}},
        {"url": "value", "valueQuantity": {"value": 4}},
    ]
    parts = [
        {"url": "covered", "valueCode": "covered"},
        {"url": "detail", "extension": detail},
        {"url": "expiry-date", "valueDate": day},
    ]
    return referral(extension=[{"url": COVERAGE_INFORMATION, "extension": parts}])


FIRST_DAY = {"start": "2026-01-13"}
AFTERNOON = on_the_first_day("15:00", "16:00")
ONE_DAY = PREAUTHORISED | {"preAuthPeriod": {"start": "2026-01-13", "end": "2026-01-13"}}
NOT_DONE = session(status="not-done", statusReason={"text": "Ill."})
EXPIRED = therapist(qualification=[{"period": {"end": "2025-12-31"}}])
CENTURIES = encounter(status="planned", period={"start": "0001-01-01T00:00:00Z", "end": "9999-12-31T23:59:59Z"})

CASES = (
    *(
        Case(
            guard="units-agree",
            broken=((referral(), working(), plan(), encounter()), (sent,)),
            holding=((referral(), working(), plan(), encounter()), (session(extension=UNITS),)),
        )
        for sent in (
            session(extension=[UNITS[0] | {"valueUnsignedInt": 5}]),
            without(session(extension=UNITS, performedDateTime="2026-01-13"), "performedPeriod"),
        )
    ),
    Case(
        guard="units-agree",
        broken=((referral(), working(), *DONE), (session(extension=[UNITS[0] | {"valueUnsignedInt": 6}]),)),
        holding=((referral(), working(), *DONE), (session(extension=UNITS),)),
    ),
    Case(
        guard="session-unrecorded",
        broken=(
            (referral(), working(), plan(), encounter(), encounter(2), session(identifier=RECORDED)),
            (session(2, identifier=RECORDED),),
        ),
        holding=(
            (referral(), working(), plan(), encounter(), encounter(2), session(identifier=RECORDED, status="not-done")),
            (session(2, identifier=RECORDED),),
        ),
    ),
    Case(
        guard="session-apart",
        policy=Policy(visits_a_day=2),
        broken=(
            (referral(), working(), plan(), *DONE, encounter(2, period=FIRST_DAY)),
            (session(2, performedPeriod=on_the_first_day("08:59", "09:59")),),
        ),
        holding=(
            (referral(), working(), plan(), *DONE, encounter(2, period=FIRST_DAY)),
            (session(2, performedPeriod=on_the_first_day("09:00", "10:00")),),
        ),
    ),
    *(
        Case(
            guard="authorised-then",
            broken=((INSURED, PREAUTHORISED | {"preAuthPeriod": period}, working(), plan(), encounter()), (sent,)),
            holding=((INSURED, PREAUTHORISED, working(), plan(), encounter()), (sent,)),
        )
        for period in ({"end": "2026-01-12"}, {"start": "2026-01-14"})
        for sent in (appointment(), session())
    ),
    Case(
        guard="authorised-then",
        broken=((told_until("2026-01-12"), working(), plan(), encounter()), (session(),)),
        holding=((told_until("2026-01-13"), working(), plan(), encounter()), (session(),)),
    ),
    Case(
        guard="authorised-then",
        broken=((INSURED, ONE_DAY, working(), appointment()), (appointment(2, id="visit1"),)),
        holding=((INSURED, ONE_DAY, working(), appointment()), (appointment(**AFTERNOON),)),
    ),
    *(
        Case(
            guard="authorised-then",
            broken=((INSURED, ONE_DAY, working(), *DONE), (moved,)),
            holding=((INSURED, ONE_DAY, working(), *DONE), (session(note=[{"text": "Left side."}]),)),
        )
        for moved in (session(performedPeriod=session(2)["performedPeriod"]),)
    ),
    *(
        Case(
            guard="place-unbooked",
            broken=((order, answer, working(), plan(), *booked, encounter(3)), (session(3),)),
            holding=((order, answer, working(), plan(), *booked, encounter()), (session(),)),
        )
        for order, answer, booked in (
            (referral(quantityQuantity={"value": 1}), PREAUTHORISED, (appointment(),)),
            (INSURED, PREAUTHORISED, (appointment(),)),
            (INSURED, PREAUTHORISED, (appointment(status="arrived"),)),
            (INSURED, PREAUTHORISED, (appointment(status="fulfilled"), encounter())),
        )
    ),
    Case(
        guard="place-unbooked",
        broken=(
            (INSURED, PREAUTHORISED, working(), plan(), appointment(2), encounter()),
            (appointment(), session()),
        ),
        holding=(
            (INSURED, PREAUTHORISED, working(), plan(), appointment(2), encounter()),
            (appointment(2, status="cancelled"), session()),
        ),
    ),
    Case(
        guard="within-visits",
        broken=((INSURED, PREAUTHORISED, working(), appointment(status="fulfilled")), (appointment(2),)),
        holding=(
            (INSURED, PREAUTHORISED, working(), appointment(status="fulfilled"), encounter(), NOT_DONE),
            (appointment(2),),
        ),
    ),
    *(
        Case(
            guard="time-kept",
            broken=((referral(), working(), plan(), before, *DONE), (before | AFTERNOON | {"status": status},)),
            holding=((referral(), working(), plan(), before, *DONE), (before | {"status": status},)),
        )
        for before, status in (
            (appointment(), "arrived"),
            (appointment(), "fulfilled"),
            (appointment(), "noshow"),
            (appointment(status="arrived"), "arrived"),
            (appointment(status="arrived"), "fulfilled"),
            (appointment(status="fulfilled"), "fulfilled"),
            (appointment(status="noshow"), "noshow"),
        )
    ),
    Case(
        guard="delivered-in-it",
        broken=((referral(), working(), appointment(), encounter()), (appointment(status="fulfilled"),)),
        holding=((referral(), working(), appointment(), *DONE), (appointment(status="fulfilled"),)),
    ),
    Case(
        guard="one-visit-a-day",
        policy=Policy(visits_a_day=2),
        broken=(
            (referral(), accepted(), appointment(), later_that_day(2, "10:00")),
            (later_that_day(3, "12:00"),),
        ),
        holding=((referral(), accepted(), appointment()), (later_that_day(2, "10:00"),)),
    ),
    Case(
        guard="within-visits",
        policy=Policy(needs_authorisation=True, visits_without_authorisation=1),
        broken=((COVERED, working(), *DONE), (appointment(2),)),
        holding=((referral(), working(), *DONE), (appointment(2),)),
    ),
    Case(
        guard="visit-length",
        broken=((referral(), accepted()), (appointment(end="2026-01-13T08:15:00Z"),)),
        holding=((referral(), accepted()), (appointment(end="2026-01-13T08:30:00Z"),)),
    ),
    *(
        Case(
            guard="planned-length",
            broken=((referral(), accepted()), (encounter(status="planned", period=period),)),
            holding=((referral(), accepted()), (encounter(status="planned", period=holding),)),
        )
        for period, holding in (
            ({"start": "0001-01-01", "end": "9999-12-31"}, {"start": "2026-01-13", "end": "2026-01-13"}),
            (on_the_first_day("08:00", "08:15"), on_the_first_day("08:00", "09:00")),
            (on_the_first_day("08:00", "10:00"), {"start": "2026-01-13"}),
        )
    ),
    Case(
        guard="planned-length",
        broken=(
            (referral(), accepted(), encounter(status="planned")),
            (CENTURIES,),
        ),
        holding=((referral(), working(), encounter()), (encounter(period=on_the_first_day("08:00", "11:00")),)),
    ),
    Case(
        guard="session-length",
        broken=(
            (referral(), working(), plan(), encounter()),
            (session(performedPeriod={"start": "2026-01-13T08:00:00Z", "end": "2026-01-13T10:00:00Z"}),),
        ),
        holding=(
            (referral(), working(), plan(), encounter()),
            (session(performedPeriod={"start": "2026-01-13T08:00:00Z", "end": "2026-01-13T09:30:00Z"}),),
        ),
    ),
    Case(
        guard="one-visit-a-day",
        broken=((referral(), working(), appointment()), (appointment(id="again"),)),
        holding=(
            (referral(), working(), appointment()),
            (appointment(id="again", supportingInformation=[{"reference": "DocumentReference/why"}]),),
        ),
    ),
    Case(
        guard="within-visits",
        broken=((INSURED, PREAUTHORISED, working(), *DONE), (appointment(2),)),
        holding=((referral(), PREAUTHORISED, working(), *DONE), (appointment(2),)),
    ),
    Case(
        guard="within-visits",
        broken=(
            (referral(quantityQuantity={"value": 1}), working(), plan(), *DONE, encounter(2)),
            (session(2),),
        ),
        holding=(
            (referral(quantityQuantity={"value": 2}), working(), plan(), *DONE, encounter(2)),
            (session(2),),
        ),
    ),
    Case(
        guard="authorisation-present",
        broken=(
            (INSURED, PREAUTHORISED, held("visits-exhausted"), *DONE),
            (task(status="in-progress", businessStatus=business("visits-exhausted")),),
        ),
        holding=(
            (INSURED, PREAUTHORISED, held("visits-exhausted")),
            (task(status="in-progress", businessStatus=business("visits-exhausted")),),
        ),
    ),
    Case(
        guard="therapist-qualified",
        broken=(
            (referral(orderDetail=LYMPH, performer=[{"reference": "PractitionerRole/therapist"}]), task()),
            (task(status="accepted"),),
        ),
        holding=(
            (referral(orderDetail=LYMPH, performer=[{"reference": "PractitionerRole/therapist"}]), task(), CERTIFIED),
            (task(status="accepted"),),
        ),
    ),
    *(
        Case(
            guard="therapist-still-licensed",
            broken=((referral(), working(), plan(), *DONE, EXPIRED), (sent,)),
            holding=((referral(), working(), plan(), *DONE, EXPIRED), (session(note=[{"text": "Left side."}]),)),
        )
        for sent in (
            session(performer=[{"actor": {"reference": "Practitioner/nobody"}}]),
            session(performedPeriod=on_the_first_day("08:00", "08:45")),
            session(code=LYMPH[0]),
        )
    ),
    *(
        Case(
            guard="therapist-licensed",
            broken=((referral(), working(), plan(), encounter(), known), (sent,)),
            holding=((referral(), working(), plan(), encounter()), (session(),)),
        )
        for known, sent in (
            (therapist(qualification=[{"period": {"end": "2025-12-31"}}]), session()),
            (therapist(qualification=[{"period": {"start": "2026-01-14"}}]), session()),
            (therapist(), session(performer=[{"actor": {"reference": "Practitioner/nobody"}}])),
            (therapist(), without(session(), "performer")),
            (therapist(), session(code=LYMPH[0])),
            (therapist(qualification=CERTIFIED["qualification"][1:]), session()),
            (therapist(qualification=TRAINED), session()),
        )
    ),
)
