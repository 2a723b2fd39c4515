"""The life cycles of the closed referral loop: tables of steps, and one engine that interprets them. Pure.

    machine      a life cycle as data      tables/  the rows: machines, business status, ownership, what stays fixed
    guards/      why a step cannot be taken        effects/   what follows from one
    judgement    the entries `judge` and `expire`: examination (may it happen?), then settling (what follows?)
    draft, view, situation  the episode as it is going to be, as it is looked at, and one change in it
    visits, units  what is counted         allowance, authorisation, coverage  what is ordered, allowed and left
    validity     how long an order holds   provenance, message  who took which step, and who is told at once
    shown        what both sides are shown: safety hold, flagged visits, work that goes on after a revocation
    membership   by which elements a resource hangs on a referral
    relation     whose side a party is on          duplicates  the same order twice
    reports      which report stands, and which is the final one
    diagram      the state diagrams, drawn from the rows into STATES.md

Nothing here reads a clock, makes up an id or looks anything up: all of it is handed in.
"""

from __future__ import annotations

from service.massage.cycle.judgement import expire, is_referral, judge
from service.massage.cycle.provenance import versioned
from service.massage.cycle.relation import clinics_of, party_of
from service.massage.cycle.tables import MACHINES, NEEDS_IF_MATCH
from service.massage.cycle.values import (
    EVERY_SIDE,
    SYSTEM,
    Change,
    Episode,
    Party,
    Policy,
    Refusal,
    Surroundings,
    Verdict,
)

__all__ = [
    "EVERY_SIDE",
    "MACHINES",
    "NEEDS_IF_MATCH",
    "SYSTEM",
    "Change",
    "Episode",
    "Party",
    "Policy",
    "Refusal",
    "Surroundings",
    "Verdict",
    "clinics_of",
    "expire",
    "is_referral",
    "judge",
    "party_of",
    "versioned",
]
