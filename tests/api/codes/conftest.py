"""A service with its catalogue and with code systems, value sets and maps of a client, shared by all tests here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.serve import prepare, publish
from tests.conftest import application_on, client_of, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from service.assembly import Standard
    from tests.conftest import Cluster

Json = dict[str, Any]

PAIN = "http://codes.example.org/pain"
PLACES = "http://codes.example.org/places"
SET = "http://sets.example.org/set"

RESOURCES: list[Json] = [
    {
        "resourceType": "CodeSystem",
        "id": "pain",
        "url": PAIN,
        "version": "2",
        "name": "Pain",
        "status": "active",
        "content": "complete",
        "property": [
            {"code": "region", "type": "code"},
            {"code": "status", "uri": "http://hl7.org/fhir/concept-properties#status", "type": "code"},
            {"code": "notSelectable", "type": "boolean"},
        ],
        "concept": [
            {
                "code": "pain",
                "display": "Pain",
                "property": [{"code": "notSelectable", "valueBoolean": True}],
                "concept": [
                    {
                        "code": "back",
                        "display": "Back pain",
                        "definition": "Pain of the back.",
                        "designation": [
                            {"language": "de", "value": "Rückenschmerz"},
                            {"language": "fr-CH", "value": "Mal de dos"},
                        ],
                        "property": [{"code": "region", "valueCode": "trunk"}],
                        "concept": [
                            {"code": "low-back", "display": "Low back pain"},
                            {
                                "code": "lumbago",
                                "display": "Lumbago",
                                "property": [{"code": "status", "valueCode": "retired"}],
                            },
                        ],
                    },
                    {"code": "neck", "display": "Neck pain", "property": [{"code": "region", "valueCode": "head"}]},
                ],
            },
            {"code": "stress", "display": "Stress"},
        ],
    },
    {
        "resourceType": "CodeSystem",
        "id": "places",
        "url": PLACES,
        "status": "active",
        "content": "fragment",
        "caseSensitive": False,
        "hierarchyMeaning": "part-of",
        "concept": [{"code": "Neck", "display": "The neck"}],
    },
    {
        "resourceType": "ValueSet",
        "id": "set",
        "url": SET,
        "version": "1",
        "status": "active",
        "title": "Pain of the back, and the neck as a place",
        "compose": {
            "include": [
                {"system": PAIN, "filter": [{"property": "concept", "op": "is-a", "value": "pain"}]},
                {"system": PLACES, "concept": [{"code": "Neck"}]},
            ],
            "exclude": [{"system": PAIN, "concept": [{"code": "neck"}]}],
        },
    },
    {
        "resourceType": "ValueSet",
        "id": "twice",
        "url": "http://sets.example.org/twice",
        "status": "active",
        "compose": {"include": [{"valueSet": [SET], "system": PAIN}]},
    },
    {
        "resourceType": "ValueSet",
        "id": "places",
        "url": "http://sets.example.org/places",
        "status": "active",
        "compose": {"include": [{"system": PLACES}]},
    },
    {
        "resourceType": "ValueSet",
        "id": "lost",
        "url": "http://sets.example.org/lost",
        "status": "active",
        "compose": {"include": [{"system": "http://codes.example.org/lost"}]},
    },
    *(
        {
            "resourceType": "ValueSet",
            "id": f"many-{version}",
            "url": "http://sets.example.org/many",
            "version": version,
            "status": "active",
            "compose": {"include": [{"system": PAIN, "concept": [{"code": "back"}, {"code": version}]}]},
        }
        for version in ("1", "2")
    ),
    {
        "resourceType": "ConceptMap",
        "id": "pain-to-places",
        "url": "http://maps.example.org/pain-to-places",
        "version": "1",
        "status": "active",
        "sourceCanonical": SET,
        "group": [
            {
                "source": PAIN,
                "target": PLACES,
                "element": [
                    {
                        "code": "neck",
                        "display": "Neck pain",
                        "target": [
                            {"code": "Neck", "display": "The neck", "equivalence": "wider"},
                            {
                                "code": "Throat",
                                "equivalence": "narrower",
                                "comment": "From the front.",
                                "dependsOn": [{"property": "http://example.org/side", "value": "front"}],
                                "product": [{"property": "http://example.org/depth", "value": "deep"}],
                            },
                        ],
                    },
                    {"code": "back", "target": [{"equivalence": "unmatched"}]},
                ],
                "unmapped": {"mode": "fixed", "code": "Body", "display": "The body"},
            }
        ],
    },
    {
        "resourceType": "ConceptMap",
        "id": "onwards",
        "url": "http://maps.example.org/onwards",
        "status": "active",
        "group": [
            {
                "source": PAIN,
                "target": PLACES,
                "element": [{"code": "stress", "target": [{"code": "Mind", "equivalence": "relatedto"}]}],
                "unmapped": {"mode": "other-map", "url": "http://maps.example.org/pain-to-places"},
            }
        ],
    },
]


@pytest.fixture(scope="package")
async def client(cluster: Cluster, standard: Standard) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service; nothing is written through it."""
    async with cluster.clone() as url:
        settings = await prepare(settings_for(url, max_value_set_codes=60))
        await publish(settings)
        async with application_on(settings, standard) as running, client_of(running) as http:
            entries = [
                {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
                for each in RESOURCES
            ]
            stored = await http.post("/", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
            assert stored.status_code == 200, stored.text
            yield http


def posted(**values: Any) -> Json:
    """A Parameters resource, with the data types that the values look like; several of one name in a list."""
    listed = [
        {"name": name.replace("_", "-"), **_typed(each)}
        for name, value in values.items()
        for each in (value if isinstance(value, list) else [value])
    ]
    return {"resourceType": "Parameters", "parameter": listed}


def _typed(value: Any) -> Json:
    match value:
        case bool():
            return {"valueBoolean": value}
        case int():
            return {"valueInteger": value}
        case str():
            return {"valueString": value}
        case {"resourceType": _}:
            return {"resource": value}
        case {"coding": _}:
            return {"valueCodeableConcept": value}
        case {"part": _}:
            return dict(value)
    return {"valueCoding": value}


def told(answer: Json) -> dict[str, Any]:
    """The parameters of an answer that are values, by name."""
    return {
        each["name"]: next(value for key, value in each.items() if key.startswith("value"))
        for each in answer["parameter"]
        if "part" not in each
    }
