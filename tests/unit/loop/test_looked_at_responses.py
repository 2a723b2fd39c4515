"""Responses of a unit without a store: how often their forms are asked for, and who counts as told."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.outcome import FhirError
from service.fhir.questionnaire.form import form_of
from service.interactions.rules import Proposal
from service.loop.episode import Loaded
from service.loop.responses import Responses
from service.massage.assessment.self_harm import alarm_identifier

if TYPE_CHECKING:
    from collections.abc import Collection

    from service.fhir.questionnaire.form import Form

Json = dict[str, Any]

CONTEXT: Any = SimpleNamespace(base="https://fhir.example.org", received_at=datetime(2026, 3, 1, tzinfo=UTC))
NO_SESSION: Any = None


class Asked:
    """Forms that take whole numbers, or those that are contained; one is not held."""

    def __init__(self) -> None:
        self.names: list[str] = []

    @staticmethod
    def is_ours(named: str) -> bool:
        return named == "ours"

    async def find(self, session: Any, context: Any, named: str, contained: Collection[Json] = ()) -> Form | None:
        del session, context
        self.names.append(named)
        if named == "unknown":
            return None
        return form_of(next(iter(contained), {"item": [{"linkId": "q", "type": "integer"}]}))


def responses(forms: Asked) -> Responses:
    held: Any = forms
    return Responses(held, ("QuestionnaireResponse",))


def proposal(number: int, named: str, value: Json, **elements: Any) -> Proposal:
    item = {"linkId": "q", "answer": [value]}
    after = {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": named, "item": [item]}
    return Proposal(type="QuestionnaireResponse", id=str(number), before=None, after=after | elements)


async def test_a_form_is_asked_for_once_for_all_responses_of_a_unit() -> None:
    """One that is not held, too."""
    forms = Asked()
    units = [proposal(each, named, {"valueInteger": each}) for each in range(3) for named in ("held", "unknown")]
    looked = await responses(forms).look(NO_SESSION, CONTEXT, units)
    assert forms.names == ["held", "unknown"]
    assert len(looked.unknown) == 3


async def test_a_form_that_is_contained_is_that_of_its_response_alone() -> None:
    forms = Asked()
    contained = [{"item": [{"linkId": "q", "type": kind}]} for kind in ("string", "boolean")]
    first, second = (
        proposal(place, "#form", {"valueString": "a"}, contained=[each]) for place, each in enumerate(contained)
    )
    await responses(forms).look(NO_SESSION, CONTEXT, [first])
    with pytest.raises(FhirError) as refused:
        await responses(forms).look(NO_SESSION, CONTEXT, [first, second])
    assert [each.code for each in refused.value.issues] == ["answer-invalid"]


@pytest.mark.parametrize("system, told", [(None, 2), ("https://other.example.org", 2), ("ours", 0)])
def test_only_the_message_of_the_service_itself_counts_as_told(system: str | None, told: int) -> None:
    """By its identifier, system and value: anybody may write a Communication with such a value."""
    ours = alarm_identifier("ServiceRequest/order", "QuestionnaireResponse/1")
    named = ours | {"system": ours["system"] if system == "ours" else system}
    said = {"resourceType": "Communication", "identifier": [{key: each for key, each in named.items() if each}]}
    order = {"resourceType": "ServiceRequest", "id": "order"}
    loaded = Loaded(id="order", content=order, versions={}, contents={("Communication", "said"): said})
    alarming = proposal(1, "phq9", {"valueInteger": 1})
    assert len(responses(Asked()).alarms(CONTEXT, loaded, [alarming], "ann")) == told
