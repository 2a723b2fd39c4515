"""What one organisation does over HTTP, with access control: every call is one that its own system would make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.fhir.concept import code_in
from service.massage.cycle.terms import BUSINESS_STATUS

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]


@dataclass
class Side:
    """An organisation's client: its token, and the organisation that it is registered for."""

    http: httpx.AsyncClient
    headers: dict[str, str]
    organisation: str

    async def __call__(self, method: str, target: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.http.request(method, target, json=body, headers=self.headers | headers)

    async def post(self, content: Json) -> str:
        """Create a resource; its reference."""
        made = await self("POST", content["resourceType"], content)
        assert made.status_code == 201, made.text
        return f"{content['resourceType']}/{made.json()['id']}"

    async def tries(self, content: Json) -> httpx.Response:
        """The answer to a create."""
        return await self("POST", content["resourceType"], content)

    async def send(self, *entries: Json) -> httpx.Response:
        """The answer to a transaction of these entries."""
        return await self("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)})

    async def read(self, reference: str) -> Json:
        """A resource as this side sees it."""
        answered = await self("GET", reference)
        assert answered.status_code == 200, answered.text
        content: Json = answered.json()
        return content

    async def change(self, reference: str, **elements: Any) -> httpx.Response:
        """The answer to an update of what is read now, with its ETag; None takes an element away."""
        read = await self("GET", reference)
        assert read.status_code == 200, read.text
        content = {name: value for name, value in (read.json() | elements).items() if value is not None}
        return await self("PUT", reference, content, **{"If-Match": read.headers["etag"]})

    async def does(self, reference: str, **elements: Any) -> Json:
        """The resource after such an update, which is to succeed."""
        answered = await self.change(reference, **elements)
        assert answered.status_code == 200, answered.text
        content: Json = answered.json()
        return content

    async def found(self, search: str) -> list[Json]:
        """What a search finds, matches and what goes with them."""
        answered = await self("GET", search)
        assert answered.status_code == 200, answered.text
        return [each["resource"] for each in answered.json().get("entry", ())]

    async def everything(self, kind: str, referral: str) -> list[Json]:
        """All resources of a type that hang on a referral."""
        parameters = {"Task": "focus", "DetectedIssue": "implicated", "EpisodeOfCare": "incoming-referral"}
        parameter = parameters.get(kind, "based-on")
        return await self.found(f"{kind}?{parameter}={referral}")


def entry(content: Json, url: str = "", full_url: str = "", if_match: str = "") -> Json:
    """An entry of a transaction: a create, or an update of `url`."""
    request: Json = {"method": "PUT" if url else "POST", "url": url or content["resourceType"]}
    if if_match:
        request["ifMatch"] = if_match
    made = {"resource": content, "request": request}
    return made | {"fullUrl": full_url} if full_url else made


def state(task: Json) -> tuple[str, str | None]:
    """Status and business status of a Task."""
    return task["status"], code_in(task.get("businessStatus"), BUSINESS_STATUS)


def warnings(answered: httpx.Response) -> list[str]:
    """The diagnostics of the warnings that travel back with a transaction's success."""
    outcomes = [each["response"].get("outcome", {}) for each in answered.json().get("entry", ())]
    issues = [issue for outcome in outcomes for issue in outcome.get("issue", ())]
    return [issue.get("diagnostics", "") for issue in issues if issue["severity"] == "warning"]
