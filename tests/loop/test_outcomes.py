"""Outcomes of a referral: $outcome-summary, and $lastn and $stats of what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.code_systems import LOINC, UCUM
from tests.api.outcome import assert_outcome
from tests.builders.resources import concept, reference
from tests.loop.side import Side
from tests.loop.story import ACHIEVED, begin, day

if TYPE_CHECKING:
    import httpx

    from tests.api.auth.conftest import Workers
    from tests.loop.side import Json
    from tests.loop.story import Network, Story

PAIN, DISABILITY = "72514-3", "97909-6"


def measured(story: Story, code: str, weeks: int, value: float, **elements: Any) -> Json:
    """An Observation of the episode."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(LOINC, code),
        "subject": reference(story.patient),
        "basedOn": story.based_on,
        "effectiveDateTime": day(weeks),
        "valueQuantity": {"value": value, "system": UCUM, "code": "%" if code == DISABILITY else "{score}"},
    } | elements


@pytest.fixture(scope="module")
async def treated(network: Network) -> Story:
    """Pain 7, 5, 3 and disability 42, 26 %, two goals, a session; and what does not count."""
    story = begin(network)
    await story.refer(order=story.order(authoredOn=day(0)))
    await story.accept()
    await story.draw_up()
    target = {
        "measure": concept(LOINC, PAIN),
        "detailQuantity": {"value": 4, "system": UCUM, "code": "{score}"},
        "dueDate": day(7),
    }
    await story.clinic.does(story.goal, target=[target])
    await story.deliver(1)
    for code, weeks, value in ((PAIN, 4, 3), (DISABILITY, 4, 26), (PAIN, 0, 7), (DISABILITY, 0, 42), (PAIN, 2, 5)):
        await story.clinic.post(measured(story, code, weeks, value))
    await story.clinic.post(measured(story, PAIN, 5, 9, status="preliminary"))
    return story


def parts(part: Json) -> dict[str, Any]:
    """Name → value of the parts of a parameter; several as a list."""
    found: dict[str, Any] = {}
    for each in part["part"]:
        value = next((value for key, value in each.items() if key.startswith("value")), None)
        value = parts(each) if value is None else value
        known = found.get(each["name"])
        if known is None:
            found[each["name"]] = value
        else:
            found[each["name"]] = [*(known if isinstance(known, list) else [known]), value]
    return found


def named(answered: httpx.Response, name: str) -> list[Any]:
    assert answered.status_code == 200, answered.text
    listed = [each for each in answered.json()["parameter"] if each["name"] == name]
    return [parts(each) if "part" in each else each for each in listed]


async def summary(side: Side, story: Story, query: str = "") -> httpx.Response:
    return await side("GET", f"{story.referral}/$outcome-summary{query}")


async def test_both_sides_are_told_the_same(treated: Story) -> None:
    ours, theirs = await summary(treated.clinic, treated), await summary(treated.referrer, treated)
    assert named(ours, "instrument") == named(theirs, "instrument")


async def test_every_number_is_as_by_hand(treated: Story) -> None:
    pain, disability = named(await summary(treated.referrer, treated), "instrument")
    assert (pain["baseline"]["value"], pain["latest"]["value"], pain["best"]["value"]) == (7, 3, 3)
    assert (pain["change"], pain["percentChange"], pain["class"], pain["goalMet"]) == (-4, -57.1, "improved", True)
    assert pain["threshold"]["value"] == 2
    assert pain["threshold"]["source"].startswith("Ostelo 2008")
    assert [(each["date"], each["value"]) for each in pain["series"]] == [(day(0), 7), (day(2), 5), (day(4), 3)]
    assert (disability["unit"], disability["change"], disability["class"]) == ("%", -16, "improved")
    assert "goalMet" not in disability


async def test_goals_sessions_and_what_does_not_count_are_told(treated: Story) -> None:
    answered = await summary(treated.referrer, treated)
    (goal,) = named(answered, "goal")
    assert (goal["reference"]["reference"], goal["achievement"]["code"]) == (treated.goal, "achieved")
    (sessions,) = named(answered, "sessions")
    assert sessions == {"ordered": 6, "completed": 1, "noShow": 0, "remaining": 5}
    assert [each["reason"] for each in named(answered, "leftOut")] == ["status"]


async def test_what_a_person_has_judged_of_a_goal_is_told(story: Story) -> None:
    await story.refer(order=story.order(authoredOn=day(0)))
    await story.accept()
    await story.draw_up()
    await story.clinic.does(
        story.goal,
        target=[{"measure": concept(LOINC, PAIN), "detailInteger": 4, "dueDate": day(2)}],
        achievementStatus=ACHIEVED,
    )
    await story.clinic.post(measured(story, PAIN, 1, 7))
    (goal,) = named(await summary(story.referrer, story), "goal")
    assert goal["achievement"]["code"] == "achieved"


async def test_a_goal_without_a_number_is_told_too(story: Story) -> None:
    await story.refer(order=story.order(authoredOn=day(0)))
    await story.accept()
    await story.draw_up()
    await story.clinic.post(measured(story, PAIN, 1, 7))
    await story.clinic.does(story.goal, target=[{"measure": concept(LOINC, PAIN)}], achievementStatus=None)
    (goal,) = named(await summary(story.referrer, story), "goal")
    assert goal == {"reference": reference(story.goal)}


async def test_it_is_told_as_of_a_day(treated: Story) -> None:
    pain, disability = named(await summary(treated.clinic, treated, f"?asOf={day(2)}"), "instrument")
    assert (pain["change"], pain["goalMet"], disability["class"]) == (-2, False, "insufficient-data")


async def test_by_post_it_is_the_same(treated: Story) -> None:
    asked = {"resourceType": "Parameters", "parameter": [{"name": "asOf", "valueDate": day(2)}]}
    posted = await treated.clinic("POST", f"{treated.referral}/$outcome-summary", asked)
    assert posted.json() == (await summary(treated.clinic, treated, f"?asOf={day(2)}")).json()


async def test_nobody_else_is_told(treated: Story) -> None:
    for stranger in (treated.network.other, treated.network.administrator):
        assert_outcome(await summary(stranger, treated), 404, "not-found")


async def test_a_day_that_is_none_is_refused(treated: Story) -> None:
    assert_outcome(await summary(treated.clinic, treated, "?asOf=spring"), 400, "parameter-value", "http.asOf")


async def test_without_a_scope_for_measurements_there_is_no_summary(treated: Story, workers: Workers) -> None:
    scope = "system/ServiceRequest.r"
    await workers.register("orders-only", scope)
    side = Side(workers.one, await workers.bearer("orders-only", scope), "Organization/clinic")
    assert_outcome(await summary(side, treated), 403, "forbidden")


async def test_types_that_may_not_be_read_are_named(treated: Story, workers: Workers) -> None:
    scope = "system/ServiceRequest.r system/Observation.rs"
    await workers.register("measures-only", scope)
    side = Side(workers.one, await workers.bearer("measures-only", scope), "Organization/clinic")
    answered = await summary(side, treated)
    assert [each["valueCode"] for each in named(answered, "unread")] == [
        "Goal", "Appointment", "Encounter", "Procedure", "ClaimResponse"
    ]  # fmt: skip
    assert named(answered, "goal") == []


def values(answered: httpx.Response) -> list[float]:
    assert answered.status_code == 200, answered.text
    return [each["resource"]["valueQuantity"]["value"] for each in answered.json().get("entry", ())]


async def test_the_latest_of_each_code_are_found(treated: Story) -> None:
    codes = f"{LOINC}|{PAIN},{LOINC}|{DISABILITY}"
    sent = f"Observation/$lastn?patient={treated.patient}&code={codes}&status=final"
    assert sorted(values(await treated.referrer("GET", sent))) == [3, 26]
    assert values(await treated.referrer("GET", f"{sent}&max=2&code={LOINC}|{PAIN}")) == [3, 5]


async def test_lastn_by_post_is_the_same(treated: Story) -> None:
    asked = [
        {"name": "patient", "valueString": treated.patient},
        {"name": "code", "valueString": f"{LOINC}|{PAIN}"},
        {"name": "max", "valuePositiveInt": 2},
    ]
    answered = await treated.clinic("POST", "Observation/$lastn", {"resourceType": "Parameters", "parameter": asked})
    assert values(answered) == [9, 3]


async def test_lastn_leaves_out_what_was_entered_in_error_unless_it_is_asked_for(treated: Story) -> None:
    text = {"text": f"only {treated.number}"}
    await treated.clinic.post(measured(treated, PAIN, 1, 1, status="entered-in-error") | {"code": text})
    sent = f"Observation/$lastn?patient={treated.patient}&code:text=only"
    assert values(await treated.clinic("GET", sent)) == []
    assert values(await treated.clinic("GET", f"{sent}&status=entered-in-error")) == [1]


async def test_lastn_finds_nothing_that_one_does_not_see(treated: Story) -> None:
    sent = f"Observation/$lastn?patient={treated.patient}&code={LOINC}|{PAIN}"
    assert values(await treated.network.other("GET", sent)) == []


@pytest.mark.parametrize(
    "query, code",
    [
        ("code=a", "parameter-required"),
        ("patient=a", "parameter-required"),
        ("patient=a,b&code=a", "parameter-required"),
        ("patient.name=a&code=a", "parameter-required"),
        ("patient=a&code=a&max=0", "parameter-value"),
        ("patient=a&code=a&max=1&max=2", "parameter-value"),
        ("patient=a&code=a&_sort=date", "parameter-unsupported"),
        ("patient=a&code=a&colour=red", "parameter-unknown"),
    ],
)
async def test_lastn_refuses_by_name(treated: Story, query: str, code: str) -> None:
    assert_outcome(await treated.clinic("GET", f"Observation/$lastn?{query}"), 400, code)


async def stats(side: Side, story: Story, query: str) -> httpx.Response:
    return await side("GET", f"Observation/$stats?subject={story.patient}&system={LOINC}&{query}")


def computed(answered: httpx.Response) -> list[dict[str, float]]:
    """Statistic → number, of each Observation of statistics."""
    assert answered.status_code == 200, answered.text
    listed = [each["resource"] for each in answered.json()["parameter"] if each["name"] == "statistics"]
    return [
        {each["code"]["coding"][0]["code"]: each["valueQuantity"]["value"] for each in one["component"]}
        for one in listed
    ]


async def test_statistics_are_as_by_hand(treated: Story) -> None:
    """Of 7, 5, 3, and the preliminary 9, which R4 counts."""
    asked = "&".join(
        f"statistic={code}" for code in ("average", "minimum", "maximum", "count", "total-count", "median")
    )
    (found,) = computed(await stats(treated.referrer, treated, f"code={PAIN}&{asked}"))
    assert found == {"average": 6, "minimum": 3, "maximum": 9, "count": 4, "total-count": 4, "median": 6}


async def test_statistics_are_of_the_time_that_is_asked_for(treated: Story) -> None:
    hours = 24 * 7 * 5
    (found,) = computed(await stats(treated.referrer, treated, f"code={PAIN}&duration={hours}&statistic=sum"))
    assert found == {"sum": 12}


async def test_statistics_of_a_period_come_with_it_and_their_sources(treated: Story) -> None:
    asked = [
        {"name": "subject", "valueUri": treated.patient},
        {"name": "coding", "valueCoding": {"system": LOINC, "code": PAIN}},
        {"name": "period", "valuePeriod": {"start": day(0), "end": day(2)}},
        {"name": "statistic", "valueCode": "average"},
        {"name": "include", "valueBoolean": True},
        {"name": "limit", "valuePositiveInt": 1},
    ]
    answered = await treated.clinic("POST", "Observation/$stats", {"resourceType": "Parameters", "parameter": asked})
    told, source = (each["resource"] for each in answered.json()["parameter"])
    assert told["effectivePeriod"] == {"start": day(0), "end": day(2)}
    assert told["component"][0]["valueQuantity"] == {"value": 6, "system": UCUM, "code": "{score}"}
    assert source["valueQuantity"]["value"] == 5


async def test_raw_scores_and_percentages_have_statistics_each(network: Network) -> None:
    story = await begin(network).refer()
    for value, unit in ((40, "%"), (20, "{score}"), (50, "%")):
        quantity = {"value": value, "system": UCUM, "code": unit}
        await story.clinic.post(measured(story, DISABILITY, 8, value, valueQuantity=quantity))
    found = computed(await stats(story.clinic, story, f"code={DISABILITY}&statistic=average"))
    assert sorted(each["average"] for each in found) == [20, 45]


async def test_statistics_of_nothing_are_absent(treated: Story) -> None:
    answered = await stats(treated.clinic, treated, "code=none&statistic=average")
    (told,) = (each["resource"] for each in answered.json()["parameter"])
    assert told["component"][0]["dataAbsentReason"]["coding"][0]["code"] == "not-applicable"


@pytest.mark.parametrize(
    "query, code",
    [
        ("subject=Patient/a&code=a&system=b&statistic=skew", "parameter-unsupported"),
        ("subject=Patient/a&code=a&system=b&statistic=mean", "parameter-value"),
        ("subject=Patient/a&code=a&system=b", "parameter-required"),
        ("subject=Patient/a&code=a&statistic=sum", "parameter-required"),
        ("subject=Patient/a&statistic=sum", "parameter-required"),
        ("code=a&system=b&statistic=sum", "parameter-required"),
        ("subject=a&code=a&system=b&statistic=sum", "parameter-value"),
        ("subject=Patient/a&code=a&system=b&statistic=sum&duration=0", "parameter-value"),
        ("subject=Patient/a&code=a&system=b&statistic=sum&limit=0", "parameter-value"),
        ("subject=Patient/a&code=a&system=b&statistic=sum&duration=long", "parameter-value"),
        ("subject=Patient/a&code=a&system=b&statistic=sum&period=2026", "parameter-value"),
    ],
)
async def test_stats_refuses_by_name(treated: Story, query: str, code: str) -> None:
    assert_outcome(await treated.clinic("GET", f"Observation/$stats?{query}"), 400, code)


@pytest.mark.parametrize(
    "target", ["ServiceRequest/$outcome-summary", "Patient/$lastn", "Observation/a/$stats", "Task/a/$outcome-summary"]
)
async def test_elsewhere_they_are_unknown(treated: Story, target: str) -> None:
    assert_outcome(await treated.clinic("GET", target), 404, "operation-unknown")


async def test_a_clinic_is_told_of_its_referrals_only_with_the_scopes_for_all_that_is_counted(
    workers: Workers, network: Network
) -> None:
    narrow = Side(network.clinic.http, await workers.bearer("clinic", "system/Organization.r"), "Organization/clinic")
    answered = await narrow("GET", "Organization/clinic/$outcome-measures?periodStart=2026-01&periodEnd=2026-06")
    assert_outcome(answered, 403, "forbidden", "http.Authorization")
