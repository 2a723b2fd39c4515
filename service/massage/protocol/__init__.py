"""Protocols: where a plan of massage starts from, as rows that a clinician can read (`*.toml` beside this).

`load` reads the rows, `resources` makes PlanDefinitions and ActivityDefinitions of them, `fingerprint` tells cheaply
whether they may have changed, `apply` tailors one to a patient and a referral. Imports service.fhir and massage's own
packages only.
"""

from service.massage.protocol.case import Case
from service.massage.protocol.definitions import VERSION, fingerprint, resources
from service.massage.protocol.plan import apply, bundled
from service.massage.protocol.rows import Protocol, Protocols, load

__all__ = [
    "VERSION",
    "Case",
    "Protocol",
    "Protocols",
    "apply",
    "bundled",
    "fingerprint",
    "load",
    "resources",
]
