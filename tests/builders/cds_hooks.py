"""Calls of CDS Hooks, as an EHR sends them."""

from __future__ import annotations

from typing import Any, Final

from tests.builders.resources import reference
from tests.builders.screening import order

Json = dict[str, Any]

INSTANCE: Final = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
SERVICE: Final = "/cds-services/massage-safety"
KEYS: Final = ("conditions", "medications", "statements", "allergies", "readings", "procedures", "referrals")


def bundle(*resources: Json, kind: str = "searchset", **changes: Any) -> Json:
    """A Bundle of these resources."""
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": each} for each in resources]} | changes


def draft(*techniques: str, **changes: Any) -> Json:
    """An order for massage that nobody has signed."""
    return order(*techniques, id="draft-1", status="draft", **changes)


def prefetched(**changes: Any) -> Json:
    """Every key, without anything under those that `changes` leave out."""
    return dict.fromkeys(KEYS) | changes


def context(*drafts: Json, **changes: Any) -> Json:
    """The context of an order, of patient p1."""
    content = {"userId": "Practitioner/d1", "patientId": "p1", "draftOrders": bundle(*(drafts or (draft(),)))}
    return content | changes


def call(hook: str = "order-sign", **changes: Any) -> Json:
    """A call of a hook with everything prefetched and nothing known."""
    content = {"hook": hook, "hookInstance": INSTANCE, "context": context(), "prefetch": prefetched()}
    return {name: value for name, value in (content | changes).items() if value is not None}


def appointment(patient: str = "Patient/p1", service: str = "25") -> Json:
    """A massage that is being booked."""
    coding = {"system": "http://terminology.hl7.org/CodeSystem/service-type", "code": service}
    return {
        "resourceType": "Appointment",
        "id": "apt1",
        "status": "proposed",
        "serviceType": [{"coding": [coding]}],
        "participant": [{"actor": reference(patient), "status": "tentative"}],
    }
