"""Cases of the guards in guards/ (of_session)."""

from __future__ import annotations

from tests.builders.guard_case import (
    DONE,
    Case,
    on_the_first_day,
    without,
    working,
)
from tests.builders.loop import appointment, check, encounter, plan, referral, session

WHY = [{"reference": "DocumentReference/letter"}]
AFTERNOON = {"start": "2026-01-13T15:00:00Z"}
HOUR = on_the_first_day("15:00", "16:00")
ORDER = (referral(), working(), plan())
BEGUN = (*ORDER, encounter())
SECOND = session(2, encounter=session()["encounter"])
AGAIN = SECOND | {"performedPeriod": session()["performedPeriod"]}
TWO_DAYS = {"start": "2026-01-14T08:00:00Z", "end": "2026-01-15T09:00:00Z"}
THIRD_DAY = {"start": "2026-01-15T08:00:00Z", "end": "2026-01-15T09:00:00Z"}
NEXT_DAY = {"start": "2026-01-14T08:00:00Z", "end": "2026-01-14T09:00:00Z"}

TECHNIQUE = without(session(id="technique", partOf=[{"reference": "Procedure/session1"}]), "performedPeriod")
UNTIMED = without(session(), "performedPeriod")
ALSO = encounter(status="finished", appointment=[{"reference": f"Appointment/visit{number}"} for number in (1, 2)])

CASES = (
    *(
        Case(
            guard="one-session-a-day",
            broken=((*ORDER, *DONE, booked, encounter(2, period=AFTERNOON)), (again,)),
            holding=((*ORDER, *DONE, justified, encounter(2, period=AFTERNOON)), (again,)),
        )
        for again in (session(2, performedPeriod=HOUR),)
        for booked in (
            appointment(2, **HOUR),
            appointment(2, **HOUR, supportingInformation=[{"reference": "DetectedIssue/issue"}]),
        )
        for justified in (appointment(2, **HOUR, supportingInformation=WHY),)
    ),
    Case(
        guard="one-session-a-day",
        broken=(
            (*ORDER, *DONE, encounter(2, period={}), session(2)),
            (session(2, performedPeriod=HOUR),),
        ),
        holding=(
            (*ORDER, *DONE, encounter(2, period={}), session(2, performedPeriod=HOUR)),
            (session(2, performedPeriod=HOUR, note=[{"text": "Both on one day before there was a rule."}]),),
        ),
    ),
    *(
        Case(
            guard="encounter-free",
            broken=(stored, (sent,)),
            holding=(BEGUN, (session(),)),
        )
        for stored, sent in (
            ((*BEGUN, session()), SECOND),
            ((*BEGUN, session(status="in-progress")), SECOND),
            (
                (*BEGUN, session(status="in-progress")),
                SECOND | {"status": "in-progress"},
            ),
            ((*ORDER, encounter(status="finished")), session()),
            (
                (*ORDER, encounter(status="finished"), session(status="not-done")),
                SECOND,
            ),
        )
    ),
    *(
        Case(
            guard="encounter-free",
            broken=((*ORDER, encounter(status="finished")), (session(),)),
            holding=((*ORDER, encounter(status="finished"), before), (sent,)),
        )
        for before, sent in (
            (session(status="in-progress"), session()),
            (session(), session(note=[{"text": "Left side."}])),
            (
                session(status="entered-in-error"),
                AGAIN,
            ),
        )
    ),
    *(
        Case(
            guard="within-encounter",
            broken=((*ORDER, encounter(period=period)), (session(),)),
            holding=((*ORDER, encounter(period=holding)), (session(),)),
        )
        for period, holding in (
            ({"start": "2026-01-13T08:00:01Z"}, {"start": "2026-01-13T08:00:00Z"}),
            ({"start": "2026-01-12T08:00:00Z"}, {"start": "2026-01-13T08:00:00Z", "end": "2026-01-13T09:00:00Z"}),
            ({"start": "2026-01-12T08:00:00Z", "end": "2026-01-13T09:00:00Z"}, {"start": "2026-01-13"}),
            (on_the_first_day("08:00", "08:59"), on_the_first_day("08:00", "09:00")),
            ({"start": "2026-01-14"}, {"start": "2026-01-13"}),
            ({"start": "2026-01-12"}, {"start": "2026-01-13", "end": "2026-01-13"}),
        )
    ),
    Case(
        guard="within-encounter",
        broken=(
            (*ORDER, *DONE),
            (session(performedPeriod=NEXT_DAY),),
        ),
        holding=(
            (*ORDER, encounter(period={"start": "2026-01-01"}), session()),
            (session(note=[{"text": "As before."}]),),
        ),
    ),
    Case(
        guard="within-encounter",
        broken=(
            (*ORDER, encounter(2)),
            (encounter(2, period=TWO_DAYS, status="finished"), session(2, performedPeriod=THIRD_DAY)),
        ),
        holding=((*ORDER, encounter(2)), (encounter(2, status="finished"), session(2))),
    ),
    *(
        Case(
            guard="since-order",
            broken=((referral(authoredOn=ordered), working(), plan(), encounter()), (session(),)),
            holding=((referral(authoredOn=before), working(), plan(), encounter()), (session(),)),
        )
        for ordered, before in (
            ("2026-01-14", "2026-01-13"),
            ("2026-01-14T00:00:00Z", "2026-01-13T23:59:00Z"),
            ("2026-01-13T22:00:00-02:00", "2026-01-14T01:00:00+02:00"),
            ("2026-02", "2026-01"),
            ("2027", None),
        )
    ),
    *(
        Case(
            guard="within-encounter",
            broken=((*ORDER, encounter(period=period), check(authored="2026-01-12")), (session(),)),
            holding=((*ORDER, encounter(period=period), check(authored="2026-01-13")), (session(),)),
        )
        for period in ({}, {"end": "2026-01-13"})
    ),
    *(
        Case(guard="session-timed", broken=(BEGUN, (sent,)), holding=(BEGUN, (session(),)))
        for sent in (
            UNTIMED,
            UNTIMED | {"performedDateTime": "2026-01-13T08:00:00Z"},
            session(performedPeriod={"start": "2026-01-13T08:00:00Z"}),
            session(performedPeriod={"start": "2026-01-13", "end": "2026-01-13"}),
        )
    ),
    Case(
        guard="session-timed",
        broken=((*ORDER, *DONE), (UNTIMED,)),
        holding=((*ORDER, encounter(), UNTIMED), (UNTIMED | {"note": [{"text": "As before there was a rule."}]},)),
    ),
    Case(
        guard="session-stays",
        broken=((*ORDER, *DONE, encounter(2), session(2)), (session(2, partOf=[{"reference": "Procedure/session1"}]),)),
        holding=((*ORDER, *DONE, encounter(2), session(2)), (session(2, note=[{"text": "Left side."}]),)),
    ),
    *(
        Case(
            guard="technique-within",
            broken=((*ORDER, *DONE, encounter(2), *beside), (TECHNIQUE | sent,)),
            holding=((*ORDER, *DONE, encounter(2)), (TECHNIQUE | holding,)),
        )
        for beside, sent, holding in (
            ((), {"partOf": [{"reference": "Procedure/unknown"}]}, {}),
            ((), {"performedPeriod": HOUR}, {"performedPeriod": on_the_first_day("08:10", "09:00")}),
            ((), {"performedDateTime": "2026-01-14"}, {"performedDateTime": "2026-01-13"}),
            ((TECHNIQUE,), {"id": "within", "partOf": [{"reference": "Procedure/technique"}]}, {}),
            (
                (session(2, status="entered-in-error"),),
                {"partOf": [{"reference": "Procedure/session2"}]},
                {"status": "in-progress"},
            ),
        )
    ),
    Case(
        guard="technique-within",
        broken=((*ORDER, *DONE, TECHNIQUE), (TECHNIQUE | {"performedPeriod": HOUR},)),
        holding=((*ORDER, *DONE, TECHNIQUE), (TECHNIQUE | {"note": [{"text": "Left side."}]},)),
    ),
    *(
        Case(
            guard="sessions-within",
            broken=((*ORDER, *DONE), (encounter(status="finished", period=period),)),
            holding=((*ORDER, *DONE), (encounter(status="finished", period=on_the_first_day("07:45", "09:15")),)),
        )
        for period in (
            {"start": "2026-01-13T08:30:00Z"},
            {"start": "2026-01-12T08:00:00Z", "end": "2026-01-13T09:00:00Z"},
            on_the_first_day("08:00", "08:30"),
            {"start": "2026-02-13T08:00:00Z"},
        )
    ),
    Case(
        guard="sessions-within",
        broken=((*ORDER, encounter(), session()), (encounter(status="finished", period={"start": "2026-01-14"}),)),
        holding=((*ORDER, encounter(), session()), (encounter(status="finished"),)),
    ),
    Case(
        guard="sessions-within",
        broken=((*ORDER, encounter(status="finished"), UNTIMED), (encounter(status="finished", period=NEXT_DAY),)),
        holding=(
            (*ORDER, encounter(status="finished"), session(status="entered-in-error")),
            (encounter(status="finished", period=NEXT_DAY),),
        ),
    ),
    *(
        Case(
            guard="sessions-at-visits",
            broken=((*ORDER, appointment(status="fulfilled"), *DONE, beside), (ALSO,)),
            holding=((*ORDER, appointment(status="fulfilled"), *DONE, appointment(2, **HOUR)), (ALSO,)),
        )
        for beside in (appointment(2), appointment(2, **HOUR, status="cancelled"))
    ),
    *(
        Case(
            guard="visit-of-its-day",
            broken=((*BEGUN, visit), (session(),)),
            holding=((*BEGUN, appointment(status=status)), (session(),)),
        )
        for visit in (
            appointment(start="2027-01-10T08:00:00Z", end="2027-01-10T09:00:00Z"),
            appointment(start="2026-01-12T23:59:00Z"),
            appointment(status="noshow"),
            appointment(status="cancelled"),
            appointment(status="proposed"),
        )
        for status in ("booked", "arrived", "fulfilled")
    ),
    Case(
        guard="visit-of-its-day",
        broken=(
            (
                referral(),
                working(),
                plan(),
                *DONE,
                appointment(status="fulfilled"),
                encounter(2, appointment=encounter()["appointment"]),
            ),
            (session(2),),
        ),
        holding=((*ORDER, *DONE, appointment(2), encounter(2)), (session(2),)),
    ),
)
