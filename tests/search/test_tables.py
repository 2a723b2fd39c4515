"""Tables of search → ids that match, over one population: each row a rule of R4."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.code_systems import LOINC, SNOMED
from tests.search.population import BASE, CODES, EFFECTIVE, ELSEWHERE, LONG, NAMES, PLAN, SUBJECTS

if TYPE_CHECKING:
    from tests.search.conftest import Library

ON_14_JAN = "14-jan 14-jan-midnight 14-jan-10h 14-jan-10h-offset"
IN_JAN = f"jan-2013 {ON_14_JAN} 15-jan-midnight 13-to-15-jan timing-14-to-20"
IN_2013 = f"year-2013 {IN_JAN}"
BEYOND_14_JAN = "year-2013 jan-2013 15-jan-midnight from-21-jan to-21-jan 13-to-15-jan timing-14-to-20"

DATES = {
    # the range of the search contains that of the value
    "2013": IN_2013,
    "eq2013-01": IN_JAN,
    "2013-01-14": ON_14_JAN,
    "2013-01-14T00:00:00Z": "14-jan-midnight",
    "2013-01-14T10:00Z": "14-jan-10h",
    "2013-01-14T10:00:00-05:00": "14-jan-10h-offset",
    "2013-01-14T15:00Z": "14-jan-10h-offset",
    "2012": "",
    # it does not
    "ne2013-01-14": BEYOND_14_JAN,
    "ne2013": "from-21-jan to-21-jan",
    # something of the value lies above, below
    "gt2013-01-14": BEYOND_14_JAN,
    "gt2013-01-14T10:00Z": f"{BEYOND_14_JAN} 14-jan 14-jan-10h-offset",
    "lt2013-01-14": "year-2013 jan-2013 to-21-jan 13-to-15-jan",
    "lt2013-01-14T10:00Z": "year-2013 jan-2013 14-jan 14-jan-midnight to-21-jan 13-to-15-jan timing-14-to-20",
    "gt2013": "from-21-jan",
    "lt2013": "to-21-jan",
    # or the range of the search contains it; what only ends on the 15th does neither
    "ge2013-03-14": "year-2013 from-21-jan",
    "le2013-03-14": f"{IN_2013} from-21-jan to-21-jan",
    "ge2013-01-14": f"{BEYOND_14_JAN} {ON_14_JAN}",
    "ge2013-01-15": "year-2013 jan-2013 15-jan-midnight from-21-jan to-21-jan timing-14-to-20",
    "le2013-01-13": "year-2013 jan-2013 to-21-jan",
    # all of it lies above, below
    "sa2013-01-14": "15-jan-midnight from-21-jan",
    "sa2012-12-31": f"{IN_2013} from-21-jan",
    "sa2013-03-14": "",
    "eb2013-01-15": ON_14_JAN,
    "eb2013-03-14": f"{IN_JAN} to-21-jan",
    # the ranges overlap, once the search's is widened by a tenth of its distance from the first of June 2024
    "ap2013-01-14": f"{IN_2013} from-21-jan to-21-jan",
    "ap2011": f"{IN_2013} from-21-jan to-21-jan",
    "ap2005": "to-21-jan",
}


@pytest.mark.parametrize("value", DATES)
async def test_dates(library: Library, value: str) -> None:
    """https://hl7.org/fhir/R4/search.html#prefix"""
    assert set(await library.ids("Observation", f"date={value}")) == set(DATES[value].split())


async def test_dates_as_alternatives_and_together(library: Library) -> None:
    """A comma is OR; a repeated parameter AND, which need not mean one value in between."""
    assert set(await library.ids("Observation", "date=2013-01-15,gt2013")) == {"15-jan-midnight", "from-21-jan"}
    assert set(await library.ids("Observation", "date=sa2013-01-13&date=lt2013-01-14T10:00Z")) == {
        "14-jan",
        "14-jan-midnight",
        "timing-14-to-20",
    }
    assert await library.ids("Observation", "date:missing=true") == ["undated"]
    assert set(await library.ids("Observation", "date:missing=false")) == set(EFFECTIVE) - {"undated"}


TOKENS = {
    "a": "loinc-a snomed-a plain-a loinc-a-snomed-b",
    f"{LOINC}|a": "loinc-a loinc-a-snomed-b",
    f"{SNOMED}|a": "snomed-a",
    f"{SNOMED}|b": "loinc-a-snomed-b",
    f"{LOINC}|b": "loinc-b",
    "|a": "plain-a",
    "|b": "",
    f"{LOINC}|": "loinc-a loinc-b loinc-upper-a loinc-a-snomed-b separators",
    "urn:none|": "",
    "A": "loinc-upper-a",
    "a,b": "loinc-a snomed-a plain-a loinc-b loinc-a-snomed-b",
    f"|a,{LOINC}|b": "plain-a loinc-b",
    f"{LOINC}|b,{SNOMED}|a": "loinc-b snomed-a",
    f"{SNOMED}|,A": "snomed-a loinc-a-snomed-b loinc-upper-a",
    r"x\,y\|z\$\\": "separators",
    "x": "",
    "' OR 1=1 --": "",
}


@pytest.mark.parametrize("value", TOKENS)
async def test_tokens(library: Library, value: str) -> None:
    """https://hl7.org/fhir/R4/search.html#token"""
    found = set(await library.ids("Task", f"business-status={value}"))
    assert found == set(TOKENS[value].split())
    assert set(await library.ids("Task", f"business-status:not={value}")) == set(CODES) - found


async def test_presence_of_tokens(library: Library) -> None:
    """A text without a code is there all the same."""
    assert await library.ids("Task", "business-status:missing=true") == ["uncoded"]
    assert set(await library.ids("Task", "business-status:missing=false")) == set(CODES) - {"uncoded"}


@pytest.mark.parametrize(
    "value,matches",
    [
        ("requested", True),
        ("http://hl7.org/fhir/task-status|requested", True),
        ("http://hl7.org/fhir/task-status|", True),
        ("|requested", True),
        ("http://hl7.org/fhir/task-status|accepted", False),
    ],
)
async def test_codes_with_an_implied_system(library: Library, value: str, matches: bool) -> None:
    """The elements of type code."""
    assert bool(await library.ids("Task", f"status={value}")) == matches
    assert bool(await library.ids("Task", f"status:not={value}")) != matches


STRINGS = {
    "name=smith": "smith smithson two-names text-smith",
    "name=Smith": "smith smithson two-names text-smith",
    "name=ann": "smith mueller",
    "name=smiths": "smithson",
    "name=mul": "mueller muller-upper",
    "name=Müll": "mueller muller-upper",
    "name=van der b": "van-der-berg",
    "name=berg": "",
    "name=smith,jones": "smith smithson two-names text-smith",
    "family=smith": "smith smithson two-names",
    "given=smith": "",
    "name=smith&given=a": "smith",
    "family:exact=Smith": "smith two-names",
    "family:exact=smith": "",
    "family:exact=Müller": "mueller",
    "family:exact=Muller": "",
    "name:exact=Ann": "smith",
    "name:exact=van der Berg": "",
    "name:exact=van  der Berg": "van-der-berg",
    f"family={LONG[:200]}": "long-name",
    f"family:exact={LONG}end": "long-name",
    f"family:exact={LONG}": "",
    "name:missing=true": "nameless",
    "given:missing=false": "smith mueller",
    "name=%": "",
    "name=_": "",
    "name=\U0010ffff": "",
}


@pytest.mark.parametrize("text", STRINGS)
async def test_strings(library: Library, text: str) -> None:
    """https://hl7.org/fhir/R4/search.html#string"""
    assert set(await library.ids("Patient", text.replace("%", "%25"))) == set(STRINGS[text].split())


ANN = "relative absolute versioned"
REFERENCES = {
    "subject=Patient/ann": ANN,
    f"subject={BASE}/Patient/ann": ANN,
    "subject:Patient=ann": ANN,
    "patient=ann": ANN,
    "patient=Patient/ann": ANN,
    "subject=ann": f"{ANN} group",
    "subject:Group=ann": "group",
    "subject=Patient/ann,Patient/anna": f"{ANN} other",
    f"subject={ELSEWHERE}": "elsewhere",
    f"patient={ELSEWHERE}": "elsewhere",
    "subject=Patient/nobody": "",
    "subject:missing=true": "no-subject",
    "subject:missing=false": " ".join(set(SUBJECTS) - {"no-subject"}),
    # a contained or logical reference may be to a patient, a Group is not
    "patient:missing=true": "group group-elsewhere no-subject",
    "subject=Patient/ann&status=active": ANN,
    "subject=Patient/ann&status=draft": "",
}


@pytest.mark.parametrize("text", REFERENCES)
async def test_references(library: Library, text: str) -> None:
    """https://hl7.org/fhir/R4/search.html#reference"""
    assert set(await library.ids("CarePlan", text)) == set(REFERENCES[text].split())


@pytest.mark.parametrize(
    "text,ids",
    [
        (f"url={PLAN}", {"neck"}),
        (f"url={PLAN}/sub", {"neck-sub"}),
        (f"url={PLAN}/", set()),
        (f"url={PLAN},{PLAN}/sub", {"neck", "neck-sub"}),
        ("url:missing=true", set()),
    ],
)
async def test_uris(library: Library, text: str, ids: set[str]) -> None:
    """https://hl7.org/fhir/R4/search.html#uri"""
    assert set(await library.ids("PlanDefinition", text)) == ids


@pytest.mark.parametrize(
    "resource_type,text,ids",
    [
        ("Patient", "_id=smith", ["smith"]),
        ("Patient", "_id=smith,mueller,nobody", ["mueller", "smith"]),
        ("Patient", "_id=smith&name=muller", []),
        ("Patient", "_id=relative", []),
        (None, "_id=tagged", ["tagged", "tagged"]),
        (None, "_id=tagged&_type=Goal", ["tagged"]),
        ("Goal", f"_tag={LOINC}|t", ["tagged"]),
        (None, "_tag=t", ["tagged", "tagged"]),
        (None, f"_profile={PLAN}", ["tagged"]),
        (None, f"_profile={PLAN}|2", ["tagged"]),
        (None, f"_profile={PLAN}|3", []),
        (None, f"_source={PLAN}", ["tagged"]),
        ("Goal", "_tag:missing=false", ["tagged"]),
        # the population was stored from noon of the year's 153rd day on, one a minute
        ("Observation", "_lastUpdated=2024-06-01T00:02Z", ["jan-2013"]),
        ("Observation", "_lastUpdated=2024-06-01", list(reversed(EFFECTIVE))),
        ("Observation", "_lastUpdated=lt2024-06-01T00:02Z", ["year-2013"]),
        ("Observation", "_lastUpdated=le2024-06-01T00:02Z", ["jan-2013", "year-2013"]),
        ("Observation", "_lastUpdated=gt2024-06-01T00:11Z", ["undated"]),
        ("Observation", "_lastUpdated=ge2024-06-01T00:12Z,eb2024-06-01T00:02Z", ["undated", "year-2013"]),
        ("Observation", "_lastUpdated=ne2024-06-01", []),
        ("Observation", "_lastUpdated=sa2024-06-01T00:11Z&date:missing=true", ["undated"]),
        (None, "_lastUpdated=2024-06-01T00:01Z", ["year-2013"]),
        ("Patient", "", list(reversed(NAMES))),
        ("Group", "", []),
    ],
)
async def test_parameters_of_every_resource(
    library: Library, resource_type: str | None, text: str, ids: list[str]
) -> None:
    """https://hl7.org/fhir/R4/search.html#all, newest first"""
    assert await library.ids(resource_type, text) == ids
