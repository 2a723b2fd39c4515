"""What the OpenAPI document says, the running service does: the extended operations of types, with their examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.api.openapi.requests import (
    CODE_OPERATIONS,
    CODE_RESOURCES,
    DOCUMENTS,
    FORM_OPERATIONS,
    PLAN_OPERATIONS,
    RECORD_OPERATIONS,
    documents,
)

if TYPE_CHECKING:
    import httpx

    from tests.api.openapi.described import Described
    from tests.conftest import MakeClient

Json = dict[str, Any]


async def store(client: httpx.AsyncClient, content: Json, logical_id: str) -> None:
    """Under this id."""
    name = content["resourceType"]
    stored = await client.put(f"{name}/{logical_id}", json=content | {"id": logical_id})
    assert stored.is_success, stored.text


async def test_every_operation_on_codes_succeeds_as_described(client: httpx.AsyncClient, described: Described) -> None:
    """With what is described for the URL, and with the same in Parameters."""
    for name, content in CODE_RESOURCES.items():
        await store(client, {"resourceType": name, "status": "active", **content}, "codes")
    for name, below, sent in ((name, *each) for name, listed in CODE_OPERATIONS.items() for each in listed.items()):
        item = described.document["paths"][f"/{name}{below}"]
        assert sent.keys() <= {each.get("name") for each in item["get"]["parameters"]}
        typed = [
            {"name": key} | ({"valueInteger": int(value)} if key == "count" else {"valueString": value})
            for key, value in sent.items()
        ]
        path = f"{name}{below}".replace("{id}", "codes")
        described.assert_success(await client.get(path, params=sent), "get", f"/{name}{below}")
        posted = await client.post(path, json={"resourceType": "Parameters", "parameter": typed})
        described.assert_success(posted, "post", f"/{name}{below}")


async def test_every_operation_on_patients_and_referrals_succeeds_as_described(
    make_client: MakeClient, described: Described
) -> None:
    """Where it is kept what belongs to a referral."""
    async with make_client(referral_rules="on") as client:
        for name, listed in RECORD_OPERATIONS.items():
            # what is proposed is no referral yet
            proposed = {"intent": "proposal"} if name == "ServiceRequest" else {}
            await store(client, described.example(name) | proposed, "described")
            for (method, below), sent in listed.items():
                path = f"{name}{below}".replace("{id}", "described")
                request: Json = {"json": described.example(sent["example"])} if "example" in sent else sent
                described.assert_success(await client.request(method, path, **request), method, f"/{name}{below}")


async def test_every_operation_on_protocols_succeeds_as_described(
    make_client: MakeClient, described: Described
) -> None:
    """For the only referral of a patient."""
    async with make_client() as client:
        await store(client, described.example("Patient"), "example")
        order = described.example("ServiceRequest") | {"subject": {"reference": "Patient/example"}}
        # the example's time is over
        await store(client, {key: value for key, value in order.items() if key != "occurrenceTiming"}, "example")
        for name, listed in PLAN_OPERATIONS.items():
            for (method, below), named in listed.items():
                query = f"?{named}" if method == "post" else f"?subject=Patient/example{named}"
                body: Json = {"json": described.example("apply")} if method == "post" else {}
                path = f"{name}{below}{query}".replace("{id}", "low-back-pain-6x")
                described.assert_success(await client.request(method, path, **body), method, f"/{name}{below}")


async def test_every_operation_that_makes_documents_succeeds_as_described(
    make_client: MakeClient, described: Described
) -> None:
    """For the example's referral and the draft of a plan."""
    async with make_client(referral_rules="on") as client:
        sent = await client.post("", json=described.example("referral"))
        assert sent.is_success, sent.text
        made = [each["response"]["location"].partition("/fhir/")[2] for each in sent.json()["entry"]]
        referral = next(each.partition("/_history")[0] for each in made if each.startswith("ServiceRequest/"))
        order = (await client.get(referral)).json()
        plan = {"resourceType": "CarePlan", "status": "draft", "intent": "plan", "subject": order["subject"]}
        drafted = await client.post("CarePlan", json=plan | {"supportingInfo": [{"reference": referral}]})
        assert drafted.is_success, drafted.text
        for name, logical_id in (("CarePlan", drafted.json()["id"]), ("ServiceRequest", order["id"])):
            for method, below in documents(name):
                body: Json = {"json": described.example(DOCUMENTS[name][0])} if method == "post" else {}
                path = f"{name}{below}".replace("{id}", logical_id)
                described.assert_success(await client.request(method, path, **body), method, f"/{name}{below}")


async def test_every_operation_on_questionnaires_succeeds_as_described(
    make_client: MakeClient, described: Described
) -> None:
    """Of a form that comes with the service, and of a response that is stored."""
    (answers,) = described.example("extract")["parameter"]
    async with make_client() as client:
        for content in ({"resourceType": "Patient"}, answers["resource"]):
            await store(client, content, "example")
        for name, listed in FORM_OPERATIONS.items():
            for (method, below), sent in listed.items():
                body: Json = {"json": described.example(sent["example"])} if "example" in sent else {}
                path = f"{name}{below}".replace("{id}", "nprs" if name == "Questionnaire" else "example")
                response = await client.request(method, path, params=sent.get("params"), **body)
                described.assert_success(response, method, f"/{name}{below}")
