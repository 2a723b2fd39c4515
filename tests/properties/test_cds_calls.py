"""Calls of CDS Hooks of any shape are answered or refused: nothing that an EHR sends is a fault."""

from __future__ import annotations

import asyncio
import copy
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.cds.call import read_call
from service.cds.safety import Safety
from service.fhir.outcome import FhirError
from service.outgoing.fetch import Fetch
from tests.builders.cds_hooks import appointment, bundle, call, context, draft, prefetched
from tests.builders.screening import (
    NOW,
    allergy,
    diagnosis,
    medication,
    observation,
    order,
    rules,
    surgery,
)

Json = dict[str, Any]

KNOWN = prefetched(
    conditions=bundle(
        diagnosis("I82.402", onsetDateTime="2026-01-03"), diagnosis("M06.9", 2, note=[{"text": "flare"}])
    ),
    medications=bundle(medication("warfarin"), medication("x", medicationReference={"reference": "#m"})),
    allergies=bundle(allergy("latex", reaction=[{"substance": [{"text": "latex"}]}])),
    readings=bundle(observation("8310-5", 39, "Cel"), observation("777-3", 10, "10*9/L", 2)),
    procedures=bundle(surgery("2026-02-20")),
    referrals=bundle(order(id="r0", authoredOn="2026-02-20")),
)
BOOKED = {"userId": "Patient/p1", "patientId": "p1", "appointments": bundle(appointment())}
CALLS = (
    call(prefetch=KNOWN, context=context(draft("deep-tissue", site="52612000"))),
    call("order-select", prefetch=KNOWN, context=context(draft(), selections=["ServiceRequest/draft-1"])),
    call("appointment-book", prefetch=KNOWN, context=BOOKED),
)
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["active", "Patient/p1", "2026-02-30", "2026", "http://snomed.info/sct", "I82.4", "{}", "\x00"]),
    st.just([]),
    st.just({}),
    st.just([[]]),
    st.just([{}, None]),
    st.dictionaries(st.sampled_from(["coding", "code", "system", "text", "value", "reference"]), st.none(), max_size=2),
)


@cache
def _safety() -> Safety:
    return Safety(rules(), fetch=Fetch(), policy="https://massage.example.org/policy", now=lambda: NOW)


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything below a node."""
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [found for key, part in parts for found in [(*path, key), *_places(part, (*path, key))]]


@settings(max_examples=150, deadline=None)
@given(sent=st.sampled_from(CALLS), data=st.data())
def test_whatever_is_wrong_with_a_call_it_is_no_fault(sent: Json, data: st.DataObject) -> None:
    """A few elements of a good call become anything at all, or are left out."""
    changed = copy.deepcopy(sent)
    for _ in range(data.draw(st.integers(1, 4))):
        *way, last = data.draw(st.sampled_from(_places(changed)))
        parent: Any = changed
        for key in way:
            parent = parent[key]
        if data.draw(st.booleans()):
            parent[last] = copy.deepcopy(data.draw(JUNK))
        elif isinstance(parent, dict):
            del parent[last]
    try:
        cards = asyncio.run(_safety().cards(read_call(changed)))
    except FhirError as refused:
        assert refused.category.status in (400, 412)
    else:
        assert all(card["summary"] and card["indicator"] and card["source"]["label"] for card in cards)
