"""What belongs to no referral is plain FHIR: the rules let every write of it through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.api.bundles import Json, entry, post
from tests.builders.minimal import minimal

if TYPE_CHECKING:
    from service.assembly import Standard
    from tests.conftest import MakeClient

NOT_WRITTEN = {"AuditEvent", "SearchParameter", "StructureDefinition"}
PATCH = [{"op": "add", "path": "/language", "value": "en"}]


async def test_every_type_is_created_changed_and_deleted(make_client: MakeClient, standard: Standard) -> None:
    """By each kind of write, and once more where nothing is left."""
    types = [each for each in standard.definitions.resource_types if each not in NOT_WRITTEN]
    async with make_client(referral_rules="on") as http:
        for name in types:
            made = await http.post(f"/{name}", json=minimal(standard.definitions, name))
            assert made.status_code == 201, (name, made.text)
            content = made.json()
            address = f"/{name}/{content['id']}"
            changed = await http.put(address, json=content | {"language": "de"})
            assert changed.status_code == 200, (name, changed.text)
            media = {"Content-Type": "application/json-patch+json"}
            patched = await http.patch(address, json=[PATCH[0] | {"op": "replace"}], headers=media)
            assert patched.status_code == 200, (name, patched.text)
            for _ in range(2):
                deleted = await http.delete(address)
                assert deleted.status_code in (200, 204), (name, deleted.text)


async def test_what_is_not_valid_is_refused_however_it_looks_where_the_rules_look(make_client: MakeClient) -> None:
    """They look before it is validated, which goes on while the database is at work: alone and in a transaction."""
    pain: Json = {"resourceType": "Observation", "status": "final", "code": {"text": "pain"}}
    order: Json = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "#"},
    }
    massage = {"coding": [{"system": "http://snomed.info/sct", "code": "387854002"}]}
    odd: list[Json] = [
        pain | {"code": {"coding": "metadata"}},
        pain | {"code": {"coding": [{"code": {}}]}},
        pain | {"component": 5},
        pain | {"component": ["text"]},
        pain | {"meta": []},
        pain | {"meta": {"profile": [5]}},
        order | {"code": massage, "identifier": ["PLAC"]},
        order | {"code": massage, "identifier": 5},
        order | {"code": {"coding": [5]}},
        order | {"code": [massage]},
    ]
    async with make_client(referral_rules="on") as http:
        for content in odd:
            name = content["resourceType"]
            for answered in (
                await http.post(f"/{name}", json=content),
                await http.post(f"/{name}", json=content, headers={"If-None-Exist": "identifier=1"}),
                await post(http, entry("POST", name, content, ifNoneExist="identifier=1")),
            ):
                assert answered.status_code == 400, (content, answered.text)
