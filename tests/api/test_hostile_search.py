"""Searches by a hostile client: answered exactly or refused, never with a fault, never with all there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.builders.resources import patient

if TYPE_CHECKING:
    import httpx

SQL: Final = "'; DROP TABLE resource; --"
PARAMETERS: Final = {
    "Patient": ("name", "identifier", "birthdate", "_id", "link", "_profile", "gender", "phonetic", "_tag", "_list"),
    "Observation": ("value-quantity", "code-value-quantity", "combo-code", "date", "status", "value-string", "_source"),
    "QuestionnaireResponse": ("questionnaire", "questionnaire.title", "questionnaire:below", "subject:identifier"),
    "RiskAssessment": ("probability",),
    "ValueSet": ("url", "url:below", "url:above", "version"),
}
VALUES: Final = (
    *("|", "||", "$", ",", "\\", "\\,", "a\\b", "a|b|c", "a$b", "|a", "a|", "$1", "%", "_", "{a}", "{t}", "%s", SQL),
    *("2026-13", "0001", "9999", "9999-12-31T23:59:59.999999999-14:00", "0001-01-01T00:00:00+14:00", "ap0001", "٢٠٢٦"),
    *("1e999999999", "1e308", "-1e308", "ap1e308", "0e0", "-0", "NaN", "Infinity", "1" * 64, "0." + "0" * 50 + "1"),
    *("1|http://unitsofmeasure.org|mm", "1e308|http://unitsofmeasure.org|Ym", "1|http://unitsofmeasure.org|((", "1||x"),
    *("\u0000", "\ufffe", "\U0010ffff", "a\U0010ffff", "\u202e", "\u0301", "ß", "é" * 300, "a" * 100_000),
    *(
        "http://a|1|2",
        "http://a|",
        "http://a|1",
        "http://a/" + "b/" * 100,
        "urn:x",
        "Patient/1",
        "Nonsense/1",
        "#none",
        "*",
    ),
    ",".join(["a"] * 10_000),
    ",".join(str(each) for each in range(1000)),
)


@pytest.mark.parametrize("resource_type", PARAMETERS)
async def test_a_hostile_value_finds_nothing_or_is_refused(client: httpx.AsyncClient, resource_type: str) -> None:
    """By POST as by GET, sorted by it or not."""
    for number in range(3):
        await client.post("/Patient", json=patient(number))
    wrong = []
    for name in PARAMETERS[resource_type]:
        for value in VALUES:
            response = await client.post(f"/{resource_type}/_search", data={name: value, "_sort": "-_lastUpdated,_id"})
            outcome = response.json()
            if response.status_code == 400:
                issue = outcome["issue"][0]
                named = issue["expression"][0].startswith(f"http.{name.partition(':')[0]}")
                if not named or SQL in issue["diagnostics"]:
                    wrong.append((name, value[:40], issue))
            elif response.status_code != 200 or outcome.get("total") not in {0, None} or "entry" in outcome:
                wrong.append((name, value[:40], response.status_code))
    assert wrong == []


@pytest.mark.parametrize(
    "query",
    [
        *(
            "_count=-1",
            "_count=٣",
            "_count=1&_count=2",
            "_sort=name,-name",
            "_sort=" + "name," * 10_000,
            "_sort=name&_sort=_id",
        ),
        *("_cursor=x", "_cursor=" + "A" * 4000, "_cursor=a&_cursor=b", "_total=all", "_summary=true&_summary=text"),
        *("_elements=" + "a," * 2000, "_include=*:*", "_include=Patient:link,Patient:organization", "_type=Patient"),
        *(
            ".name=a",
            "link..name=a",
            "_has:::=a",
            "_has:Patient:link=a",
            "link." * 50 + "name=a",
            "name:=a",
            "name::=a",
        ),
        *(f"{name}=a" for name in ("%27--", "na%00me", "1%3B", "%C2%A0", "__proto__", "%EF%BC%AEame", "name%20")),
    ],
)
async def test_a_hostile_query_is_refused(client: httpx.AsyncClient, query: str) -> None:
    """Strict or lenient, since each of them names what the service has, or nothing at all."""
    response = await client.get(f"/Patient?{query}")
    assert response.status_code == 400, response.text
    assert response.json()["issue"][0]["expression"][0].startswith("http")
