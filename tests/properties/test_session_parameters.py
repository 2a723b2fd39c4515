"""Whatever Parameters tell of a session: it is understood as a session that is valid R4, or refused by a known code."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.fhir.definitions import load
from service.fhir.interaction import Operation
from service.fhir.outcome import FhirError
from service.fhir.validation import Validator
from service.loop.session_given import TAKEN, Telling
from service.massage.catalogue.rows import load as load_catalogue
from service.massage.cycle.moment import minutes_between
from service.massage.session import Surrounding, drafts
from service.operations.parameters import sent
from tests.builders import loop

Json = dict[str, Any]

VALIDATOR = Validator(load())
TELLING = Telling(load_catalogue(), ("Practitioner", "PractitionerRole"))
MOMENTS = st.one_of(
    st.sampled_from(
        [
            "2026-01-12T09:00:00Z",
            "2026-01-12T09:00:60Z",
            "2026-01-12T09:00:00.123456789+05:45",
            "2026-01-12T09:00Z",
            "2026-01-12",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.9999999-14:00",
            "0001-01-01T00:00:00+14:00",
            "soon",
        ]
    ),
    st.datetimes().map(lambda moment: f"{moment.isoformat(timespec='milliseconds')}Z"),
)
CODES = st.sampled_from(["trigger-point", "lymphatic-drainage", "52612000", "404640003", "other", "a b", " "])
CODING = st.fixed_dictionaries({}, optional={"system": st.sampled_from(["http://snomed.info/sct", "x"]), "code": CODES})
CONCEPTS = st.one_of(
    CODES.map(lambda code: {"valueCode": code}),
    st.text(min_size=1, max_size=5).map(lambda text: {"valueString": text}),
    CODING.map(lambda coding: {"valueCoding": coding}),
    CODING.map(lambda coding: {"valueCodeableConcept": {"coding": [coding]}}),
    st.just({"valueCodeableConcept": {"text": "Something"}}),
)
NUMBERS = st.one_of(st.integers(-1, 2000), st.just(2**31 - 1)).map(lambda number: {"valueInteger": number})
TIMES = MOMENTS.map(lambda moment: {"valueDateTime": moment})
VALUES: dict[str, st.SearchStrategy[Json]] = {
    "start": TIMES,
    "end": TIMES,
    "minutes": NUMBERS,
    "performer": st.sampled_from(["Practitioner/1", "PractitionerRole/1", "Patient/1", "#1", "urn:uuid:1"]).map(
        lambda reference: {"valueReference": {"reference": reference}}
    ),
    **dict.fromkeys(("technique", "region", "tolerance", "reaction"), CONCEPTS),
    **dict.fromkeys(("painBefore", "painAfter", "units"), NUMBERS),
    "finding": st.text(min_size=1, max_size=5).map(lambda text: {"valueString": text}),
    "identifier": CODING.map(lambda coding: {"valueIdentifier": {**coding} and {"system": "urn:x", "value": "1"}}),
    "nextAppointment": st.lists(
        st.one_of(
            TIMES.map(lambda value: {"name": "start", **value}),
            TIMES.map(lambda value: {"name": "end", **value}),
            NUMBERS.map(lambda value: {"name": "minutes", **value}),
        ),
        min_size=1,
        max_size=3,
    ).map(lambda parts: {"part": parts}),
}
TOLD = st.fixed_dictionaries(
    {name: VALUES[name] for name in ("start", "minutes", "performer", "technique")},
    optional={name: VALUES[name] for name in VALUES.keys() - {"start", "minutes", "performer", "technique"}},
)


@settings(deadline=None, max_examples=300)
@given(told=TOLD)
def test_what_is_told_is_a_valid_session_or_refused(told: dict[str, Json]) -> None:
    parameter = [{"name": name, **value} for name, value in told.items()]
    operation = Operation(
        name="record-session", type="CarePlan", id="1", content={"resourceType": "Parameters", "parameter": parameter}
    )
    try:
        understood = TELLING.given(sent(operation, TAKEN, VALIDATOR), "")
    except FhirError as error:
        assert error.issues
        return
    numbers = count(1)
    drafted = drafts(understood, Surrounding(plan=loop.plan(), referral="ServiceRequest/order"))
    bundle, _ = drafted.bundle(lambda: f"urn:uuid:00000000-0000-4000-8000-{next(numbers):012}", str)
    for entry in bundle["entry"]:
        assert VALIDATOR.issues(entry["resource"], entry["resource"]["resourceType"]) == [], entry
    period = drafted.made["session"]["performedPeriod"]
    if period["start"][:4] not in ("0001", "9999"):  # there the store's calendar ends
        assert minutes_between(period["start"], period["end"]) == told["minutes"]["valueInteger"]
