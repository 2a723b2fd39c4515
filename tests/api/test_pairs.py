"""Work lists while Tasks change hands, states and dates: each is on the lists that it belongs to, and on no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]

A, B = "Organization/a", "Organization/b"
_TASK: Final[Json] = {
    "resourceType": "Task",
    "id": "t",
    "status": "requested",
    "intent": "order",
    "owner": {"reference": A},
    "authoredOn": "2026-01-02",
}


async def _listed(client: httpx.AsyncClient, owner: str, status: str = "requested,accepted") -> list[str]:
    reply = await client.get("Task", params={"owner": owner, "status": status, "_sort": "-authored-on"})
    assert reply.status_code == 200, reply.text
    return [entry["resource"]["id"] for entry in reply.json().get("entry", ())]


async def test_a_task_is_on_the_lists_that_it_belongs_to(fresh_client: httpx.AsyncClient) -> None:
    """After every change of what the index keeps as one value, of each part of it alone."""
    client = fresh_client
    await client.put("Task/earlier", json=_TASK | {"id": "earlier", "authoredOn": "2026-01-01"})
    await client.put(
        "Task/undated", json={name: _TASK[name] for name in _TASK if name != "authoredOn"} | {"id": "undated"}
    )
    await client.put("Task/t", json=_TASK)
    assert await _listed(client, A) == ["t", "earlier", "undated"]
    await client.put("Task/t", json=_TASK | {"authoredOn": "2025-12-31"})
    assert await _listed(client, A) == ["earlier", "t", "undated"]
    await client.put("Task/t", json=_TASK | {"owner": {"reference": B}})
    assert (await _listed(client, A), await _listed(client, B)) == (["earlier", "undated"], ["t"])
    await client.put("Task/t", json=_TASK | {"status": "completed"})
    assert (await _listed(client, A), await _listed(client, B)) == (["earlier", "undated"], [])
    assert await _listed(client, A, "completed") == ["t"]
    await client.put("Task/t", json={name: _TASK[name] for name in _TASK if name != "owner"})
    assert await _listed(client, A, "requested,completed") == ["earlier", "undated"]
    await client.put("Task/t", json=_TASK)
    assert await _listed(client, A) == ["t", "earlier", "undated"]
    await client.delete("Task/t")
    assert await _listed(client, A) == ["earlier", "undated"]


async def test_what_a_task_contains_is_on_no_list(fresh_client: httpx.AsyncClient) -> None:
    """But of searches that are about what is contained."""
    inner = _TASK | {"id": "inner", "owner": {"reference": B}}
    outer = _TASK | {"partOf": [{"reference": "#inner"}], "contained": [inner]}
    assert (await fresh_client.put("Task/t", json=outer)).status_code == 201
    assert (await _listed(fresh_client, A), await _listed(fresh_client, B)) == (["t"], [])
    reply = await fresh_client.get("Task", params={"owner": B, "status": "requested", "_contained": "true"})
    assert [entry["resource"]["id"] for entry in reply.json()["entry"]] == ["t"]


async def test_an_owner_is_who_the_reference_says_however_it_is_written(fresh_client: httpx.AsyncClient) -> None:
    """Relative, absolute on the service's own base, and of a version; somewhere else it is somebody else."""
    base = str(fresh_client.base_url).rstrip("/")
    forms = {
        "relative": A,
        "absolute": f"{base}/{A}",
        "versioned": f"{A}/_history/1",
        "elsewhere": f"https://x.org/{A}",
    }
    for id_, owner in forms.items():
        stored = await fresh_client.put(f"Task/{id_}", json=_TASK | {"id": id_, "owner": {"reference": owner}})
        assert stored.status_code == 201, stored.text
    assert set(await _listed(fresh_client, A)) == {"relative", "absolute", "versioned"}
    assert await _listed(fresh_client, f"{base}/{A}") == await _listed(fresh_client, A)
    assert await _listed(fresh_client, forms["elsewhere"]) == ["elsewhere"]
