"""Drafts of plans by the protocols: safe, of the length that is ordered and left, and valid by our profiles."""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest
from msgspec.structs import replace

from service.fhir.code_systems import LOINC
from service.fhir.codec import decode, encode
from service.fhir.outcome import FhirError
from service.massage import protocol
from service.massage.outcome import Measures
from service.massage.protocol.goals import aim_of
from service.massage.protocol.measured import latest
from service.massage.screening.record import record_of
from service.massage.screening.screen import screen
from tests.builders.profiles import profile_of
from tests.builders.protocol import PROTOCOLS, ROWS, Json
from tests.builders.resources import concept, reference
from tests.builders.screening import NOW, diagnosis, order, rules

if TYPE_CHECKING:
    from service.fhir.profile import Profile
    from service.fhir.validation import Validator
    from service.massage.protocol import Protocol
    from service.massage.protocol.rows import Activity, Statement, TechniqueUse

MEASURES: Final = Measures(PROTOCOLS.catalogue)
EVERYBODY: Final[dict[str, list[Json]]] = {
    "nobody-knows": [],
    "low-back-pain": [diagnosis("M54.50")],
    "osteoporosis": [diagnosis("M81.0")],
    "anticoagulants": [diagnosis("Z79.01")],
    "arthritis-and-neuropathy": [diagnosis("M06.9"), diagnosis("G62.9", 2)],
}
"""Patients, by what is known of them."""


@pytest.fixture(scope="module")
def care_plan() -> Profile:
    """Our profile of a plan."""
    return profile_of("massage-care-plan")


def case(*known: Json, referral: Json | None = None, **changes: Any) -> protocol.Case:
    """A patient of whom this is known, and an order for them."""
    ordered = referral or order()
    screening = screen(ordered, record_of(known), rules(), NOW)
    found = protocol.Case(patient="Patient/p1", referral=ordered, screening=screening, today=NOW.date())
    return replace(found, **changes)


def row(name: str = "low-back-pain-6x") -> Protocol:
    return PROTOCOLS.rows[name]


def drafted(asked: protocol.Case, name: str = "low-back-pain-6x") -> Json:
    return decode(encode(protocol.apply(PROTOCOLS, row(name), asked)))  # type: ignore[no-any-return]


def sessions(plan: Json) -> Json:
    (found,) = [each for each in plan["contained"] if each["id"] == "sessions"]
    return dict(found)


def techniques(plan: Json) -> list[str]:
    return [each["coding"][0]["code"] for each in sessions(plan)["orderDetail"]]


def goals(plan: Json) -> dict[str, Json]:
    return {each["id"]: each for each in plan["contained"] if each["resourceType"] == "Goal"}


def told(plan: Json) -> str:
    return " ".join(each["text"] for each in plan["note"])


def refused(asked: protocol.Case, name: str = "low-back-pain-6x") -> str:
    """The error code of what is no plan."""
    with pytest.raises(FhirError) as error:
        drafted(asked, name)
    return str(error.value.code)


@pytest.mark.parametrize("known", EVERYBODY.values(), ids=EVERYBODY)
@pytest.mark.parametrize("each", ROWS, ids=lambda each: str(each.id))
def test_a_draft_meets_r4_and_our_profile(
    validator: Validator, care_plan: Profile, each: Protocol, known: list[Json]
) -> None:
    """As a draft, as an active plan, and with its goals beside it; or the refusal says why there is none."""
    asked = case(*known, measured={code: Decimal(5) for code in each.goals})
    try:
        plan = drafted(asked, each.id)
    except FhirError as error:
        assert error.code == "guard-safety"
        return
    for content in (plan, plan | {"status": "active"}):
        assert validator.issues(content, "CarePlan", warnings=True) == []
        assert care_plan.issues(content) == []
    for one in decode(encode(protocol.bundled(plan)))["entry"]:
        assert validator.issues(one["resource"], one["resource"]["resourceType"], warnings=True) == []


@pytest.mark.parametrize("each", ROWS, ids=lambda each: str(each.id))
def test_a_protocol_that_nothing_speaks_against_gives_all_of_its_techniques(each: Protocol) -> None:
    """In the row's order, and the protocol's number of sessions of its length."""
    plan = drafted(case(), each.id)
    repeat = sessions(plan)["occurrenceTiming"]["repeat"]
    assert techniques(plan) == [use.code for use in each.techniques]
    assert (repeat["count"], repeat["duration"], repeat["periodUnit"]) == (each.visits, each.minutes, "wk")
    assert list(goals(plan)) == [f"goal-{code}" for code in each.goals]


def test_a_technique_that_is_not_safe_is_left_out_until_it_is_cleared() -> None:
    """Deep pressure on fragile bones."""
    asked = case(diagnosis("M81.0"))
    assert "deep-tissue" not in techniques(drafted(asked))
    assert "severe-osteoporosis" in told(drafted(asked))
    assert "deep-tissue" in techniques(drafted(replace(asked, cleared=frozenset({"severe-osteoporosis"}))))


def test_nothing_is_planned_against_an_absolute_contraindication() -> None:
    """Unless the referrer has cleared it."""
    asked = case(diagnosis("I82.402"))
    assert refused(asked) == "guard-safety"
    cleared = frozenset(each.rule for each in asked.screening.absolute)
    assert drafted(replace(asked, cleared=cleared))["status"] == "draft"


def test_what_is_unscreened_is_not_called_safe() -> None:
    assert "does not mean safe" in told(drafted(case()))
    assert "does not mean safe" not in told(drafted(case(diagnosis("M54.50"))))


def test_what_the_referrer_asks_for_comes_first() -> None:
    """Whether the protocol has it or not."""
    plan = drafted(case(referral=order("neuromuscular", "trigger-point")))
    assert techniques(plan) == ["neuromuscular", "trigger-point", "myofascial-release", "deep-tissue"]


def test_the_body_site_is_the_referrals() -> None:
    """Else the protocol's."""
    codes = [
        [each["coding"][0]["code"] for each in sessions(drafted(asked))["bodySite"]]
        for asked in (case(referral=order(site="77568009")), case())
    ]
    assert codes == [["77568009"], list(row().sites)]


VISITS: Final = [
    ({}, None, 6, "orders no number"),
    ({"quantityQuantity": {"value": 4}}, 4, 4, ""),
    ({"quantityQuantity": {"value": 10}}, 6, 6, "the 6 sessions that order and authorisation leave"),
    ({"occurrenceTiming": {"repeat": {"count": 3}}}, 3, 3, ""),
    ({}, 2, 2, "the 2 sessions that order and authorisation leave"),
]


@pytest.mark.parametrize("ordered, left, planned, note", VISITS)
def test_visits_are_those_that_are_ordered_and_left(ordered: Json, left: int | None, planned: int, note: str) -> None:
    plan = drafted(case(referral=order(**ordered), left=left))
    assert sessions(plan)["quantityQuantity"]["value"] == planned
    assert note in told(plan)


def test_no_visit_left_is_no_plan() -> None:
    assert refused(case(left=0)) == "guard-visits"


LENGTHS: Final = [(30, "min", 30), (90, "min", 90), (1, "h", 60), (15, "min", 60), (120, "min", 60)]


@pytest.mark.parametrize("duration, unit, minutes", LENGTHS)
def test_a_session_lasts_as_ordered_within_30_to_90_minutes(duration: int, unit: str, minutes: int) -> None:
    """Else as the protocol says, and the plan says so."""
    repeat = {"duration": duration, "durationUnit": unit}
    plan = drafted(case(referral=order(occurrenceTiming={"repeat": repeat})))
    assert sessions(plan)["occurrenceTiming"]["repeat"]["duration"] == minutes
    assert ("not within 30 to 90 minutes" in told(plan)) is (duration in (15, 120))


def test_the_plan_ends_with_the_order() -> None:
    """Six weekly sessions do not fit into two weeks."""
    bounds = {"start": "2026-03-04", "end": "2026-03-18"}
    plan = drafted(case(referral=order(occurrenceTiming={"repeat": {"boundsPeriod": bounds}})))
    assert plan["period"] == bounds
    assert "may not all fit" in told(plan)


def test_an_order_whose_time_is_over_is_no_plan() -> None:
    past = order(occurrencePeriod={"end": "2026-02-01"})
    assert refused(case(referral=past)) == "guard-referral"


def test_a_plan_of_twice_a_week_is_half_as_long() -> None:
    repeat = {"frequency": 2, "period": 1, "periodUnit": "wk"}
    plan = drafted(case(referral=order(occurrenceTiming={"repeat": repeat})))
    assert plan["period"] == {"start": "2026-03-01", "end": date(2026, 3, 22).isoformat()}


def test_a_referral_without_a_reason_is_no_plan() -> None:
    assert refused(case(diagnosis("M54.50"), referral=order(reasonCode=[]))) == "guard-referral"


def test_a_condition_that_is_named_is_addressed_itself() -> None:
    """And no copy of it."""
    named = [reference("Condition/c1")]
    plan = drafted(case(referral=order(reasonReference=named)))
    assert plan["addresses"] == named
    assert not [each for each in plan["contained"] if each["resourceType"] == "Condition"]


def test_a_reason_of_another_protocol_is_said() -> None:
    assert "not among the conditions" in told(drafted(case(), "neck-pain-6x"))
    assert "not among the conditions" not in told(drafted(case()))


CERTIFIED: Final[Json] = {
    "resourceType": "Practitioner",
    "qualification": [{"code": {"coding": [{"code": "lymphatic-drainage-cert"}]}, "period": {"end": "2026-12-31"}}],
}

LAPSED: Final[Json] = CERTIFIED | {"qualification": [CERTIFIED["qualification"][0] | {"period": {"end": "2025-12-31"}}]}


def test_a_certificate_counts_while_it_is_in_force() -> None:
    """Without a therapist the plan says what one needs."""
    knee = "post-surgical-knee"
    assert "lymphatic-drainage" in techniques(drafted(case(therapist=CERTIFIED), knee))
    assert "lymphatic-drainage" not in techniques(drafted(case(therapist=LAPSED), knee))
    assert "No licence" in told(drafted(case(therapist=LAPSED), knee))
    assert "takes a therapist" in told(drafted(case(), knee))
    assert refused(case(therapist=LAPSED), "lymphedema-8x") == "guard-therapist"


INTERNAL: Final = ("Domain document", "DOMAIN", "S-0", "S-4", "[design]", "Ostelo-2008", "PhysTher-96")
"""What only who works on this service would understand."""


def texts_of(value: Any) -> list[str]:
    """Every text of a content."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts_of(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts_of(each)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("each", ROWS, ids=lambda each: str(each.id))
def test_a_plan_cites_nothing_that_a_clinician_would_not_understand(each: Protocol) -> None:
    plan = drafted(case(measured={code: Decimal(5) for code in each.goals}), each.id)
    told = " ".join(texts_of(plan))
    assert [word for word in INTERNAL if word in told] == []


@pytest.mark.parametrize("each", ROWS, ids=lambda each: str(each.id))
def test_each_statement_of_a_protocol_cites_its_sources_in_the_plan(each: Protocol) -> None:
    """Why, with what, how the therapist judges, when care goes on, what belongs to every plan, how much is a change."""
    told = " ".join(texts_of(drafted(case(), each.id)))
    statements: list[Statement | TechniqueUse | Activity] = [each.why, *each.techniques, *each.cautions]
    statements += [PROTOCOLS.judgement, PROTOCOLS.continuation, *PROTOCOLS.activities]
    sources = PROTOCOLS.catalogue.sources
    for said in statements:
        assert f"{said.says} ({'; '.join(sources[key].display for key in said.sources)})" in told
    for code in each.goals:
        change = PROTOCOLS.catalogue.outcome_measures[code].changes
        if PROTOCOLS.catalogue.outcome_measures[code].change is not None:
            assert all(sources[key].display in told for key in change[0].sources)


TARGETS: Final = [
    ("nprs", "7", "5"),
    ("nprs", "1", "0"),
    ("odi", "42", "32"),
    ("psfs", "4", "6.7"),
    ("psfs", "9", "10"),
    ("ndi", "30", "20"),
    ("rom-cervical", "50", "55"),
    ("fiqr", "60", None),
    ("limb-circumference", "33", None),
]


@pytest.mark.parametrize("code, first, wanted", TARGETS)
def test_a_goal_is_a_meaningful_change_from_the_first_measurement(code: str, first: str, wanted: str | None) -> None:
    """By the catalogue, within the range of the measure; no number where no meaningful change is known."""
    aim = aim_of(code, PROTOCOLS.catalogue.outcome_measures[code])
    assert aim.wanted(Decimal(first)) == (None if wanted is None else Decimal(wanted))


def test_a_goal_says_which_way_and_by_when() -> None:
    plan = drafted(case(measured={"nprs": Decimal(7)}))
    (target,) = goals(plan)["goal-nprs"]["target"]
    assert (target["detailQuantity"]["comparator"], target["dueDate"]) == ("<=", plan["period"]["end"])
    assert goals(plan)["goal-odi"]["description"]["text"].startswith("Oswestry Disability Index: lower than at")


def test_a_score_in_another_unit_is_not_converted() -> None:
    """A raw score is no percentage."""
    measured = (("2026-01-02", 40, "%"), ("2026-01-01", 50, "%"), ("2026-01-03", 21, "{score}"))
    observed = [disability(day, value, unit) for day, value, unit in measured]
    assert latest(observed, ["odi"], MEASURES, UTC) == {"odi": Decimal(40)}


def test_no_goal_starts_from_a_score_that_cannot_be() -> None:
    """As plain FHIR may have it: nobody held it against the measure."""
    observed = [disability("2026-01-02", 40, "%"), disability("2026-01-03", 900, "%")]
    assert latest(observed, ["odi"], MEASURES, UTC) == {"odi": Decimal(40)}


def disability(day: str, value: int, unit: str) -> Json:
    """An Oswestry score."""
    return {
        "resourceType": "Observation",
        "id": day,
        "status": "final",
        "code": concept(LOINC, "97909-6"),
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": unit},
    }


def test_goals_leave_a_bundled_plan_with_no_reference_into_it() -> None:
    """What is only contained cannot be referred to from outside."""
    found = protocol.bundled(drafted(case()))
    *created, plan = [each["resource"] for each in found["entry"]]
    assert [each["resourceType"] for each in created] == ["Goal"] * 3
    assert plan["goal"] == [{"reference": each["fullUrl"]} for each in found["entry"][:-1]]
    assert all(each["addresses"] == [reference("ServiceRequest/r1")] for each in created)
