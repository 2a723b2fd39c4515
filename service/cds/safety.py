"""The service itself: a call in, cards out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from service.cds.call import MOST_JUDGED, MOST_ORDERS
from service.cds.cards import INCOMPLETE, Deck, marks_of
from service.cds.orders import codes_of, for_massage
from service.cds.patient_data import patient_data
from service.fhir.outcome import failure
from service.massage.screening.duplicate import DUPLICATE, similar_referral
from service.massage.screening.rule import RANKS
from service.massage.screening.screen import screen

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from service.cds.call import Call
    from service.cds.patient_data import PatientData
    from service.fhir.resource import Content
    from service.massage.screening.finding import Finding, Screening
    from service.massage.screening.rules import Rules
    from service.outgoing.fetch import Fetch


class Safety:
    """Answers calls by the rules; `policy` is the URL of the page that shows them."""

    def __init__(self, rules: Rules, *, fetch: Fetch, policy: str, now: Callable[[], datetime]) -> None:
        self._rules = rules
        self._codes = codes_of(rules.catalogue)
        self._fetch = fetch
        self.now = now
        self.override_reasons = {code: row.display for code, row in rules.catalogue.override_reasons.items()}
        self._deck = Deck(policy=policy, override_reasons=self.override_reasons)
        self.marks = marks_of(dict.fromkeys((*rules.order, DUPLICATE, INCOMPLETE)))

    async def cards(self, call: Call) -> list[dict[str, Any]]:
        """The cards of a call, gravest first; none where nothing is for massage. FhirError."""
        orders = for_massage(call.selected, self._codes)
        if not orders:
            return []
        if len(orders) > MOST_ORDERS:
            raise failure("too-costly", f"One call may have at most {MOST_ORDERS} drafts for massage.", "context")
        data = await patient_data(call, self._fetch)
        if len(orders) * data.size > MOST_JUDGED:
            told = (
                f"What is known of the patient, times the drafts for massage, may be at most {MOST_JUDGED} resources."
            )
            raise failure("too-costly", told, "prefetch")
        cards: list[tuple[int, dict[str, Any]]] = []
        screening: Screening | None = None
        for order in orders:
            # others have their turn: one resource may have many codes
            await asyncio.sleep(0)
            screening, findings = self._screened(order, data)
            cards += [(RANKS[each.severity], self._deck.finding(each, order, call)) for each in findings]
        cards.sort(key=lambda each: -each[0])
        # what was not screened is the same for every order of one patient
        incomplete = self._deck.incomplete(screening, call) if screening else None
        return [card for _, card in cards] + ([incomplete] if incomplete else [])

    def _screened(self, order: Content, data: PatientData) -> tuple[Screening, list[Finding]]:
        now = self.now()
        screening = screen(order, data.record, self._rules, now)
        similar = similar_referral(order, data.referrals, now)
        return screening, [*screening.findings, *([similar] if similar else [])]
