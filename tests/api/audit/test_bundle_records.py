"""The records of a Bundle: one of each entry, and one of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.builders.referral import referral_bundle, transaction
from tests.builders.resources import patient

if TYPE_CHECKING:
    from tests.api.audit.conftest import Audited


async def test_a_transaction_leaves_a_record_of_each_entry_and_of_itself_in_its_own_commit(audited: Audited) -> None:
    await audited.http.put("/Patient/p", json=patient(1, id="p"))
    before = await audited.connection.fetchval("SELECT count(*) FROM audit_link")
    response = await audited.http.post("/", json=referral_bundle(1))
    assert response.status_code == 200
    rows = await audited.connection.fetch("SELECT xmin::text FROM audit_link OFFSET $1", before)
    entries = len(response.json()["entry"])
    assert len(rows) == 1
    stored = await audited.connection.fetch("SELECT xmin::text FROM resource WHERE id <> 'p'")
    assert {row["xmin"] for row in rows} == {row["xmin"] for row in stored}
    kinds = [record["interaction"] for record in await audited.records()]
    assert kinds.count("create") == entries
    assert kinds.count("transaction") == 1


async def test_a_transaction_that_changes_nothing_leaves_as_many_records(audited: Audited) -> None:
    await audited.http.post("/", json=referral_bundle(1))
    first = await audited.since()
    await audited.http.post("/", json=referral_bundle(1))
    again = await audited.since()
    assert len(again) == len(first)
    assert [record["status"] for record in again] == [200] * len(first)


async def test_entries_that_read_leave_records(audited: Audited) -> None:
    await audited.http.put("/Patient/p", json=patient(1, id="p"))
    await audited.since()
    entries = [
        {"request": {"method": "GET", "url": "Patient/p"}},
        {"request": {"method": "PUT", "url": "Patient/q"}, "resource": patient(2, id="q")},
        {"request": {"method": "GET", "url": "Patient?_id=q"}},
    ]
    response = await audited.http.post("/", json=transaction(entries))
    assert response.status_code == 200, response.text
    records = await audited.since()
    assert sorted(record["interaction"] for record in records) == ["read", "search-type", "transaction", "update"]
    assert sorted(each for record in records for each in record.get("patients", [])) == ["p", "q", "q"]


async def test_entries_of_a_batch_leave_records_whether_they_succeed_or_not(audited: Audited) -> None:
    await audited.http.put("/Patient/p", json=patient(1, id="p"))
    await audited.since()
    entries = [
        {"request": {"method": "GET", "url": "Patient/p"}},
        {"request": {"method": "POST", "url": "Patient"}, "resource": patient(2)},
        {"request": {"method": "GET", "url": "Patient/nobody"}},
        {"request": {"method": "GET", "url": "Nothing/1"}},
    ]
    response = await audited.http.post("/", json={**transaction(entries), "type": "batch"})
    assert response.status_code == 200, response.text
    found = {(record["interaction"], record["status"]) for record in await audited.since()}
    assert found == {("read", 200), ("create", 201), ("read", 404), ("", 404), ("batch", 200)}
