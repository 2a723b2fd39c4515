"""Responses to a questionnaire of which several organisations have stored a definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.api.outcome import assert_outcome
from tests.loop.forms import parameters, rated, returned

if TYPE_CHECKING:
    from tests.loop.side import Json, Side
    from tests.loop.story import Network, Story

URL = "https://example.org/shared/Questionnaire/asked"


def form(kind: str, **more: str) -> Json:
    item = [{"linkId": "1", "text": "How are you?", "type": kind}]
    return {"resourceType": "Questionnaire", "url": URL, "status": "active", "item": item} | more


async def test_answers_are_held_against_the_form_that_was_there_before_that_of_others(
    story: Story, network: Network
) -> None:
    """Nobody has the answers of others refused, or wrong ones taken."""
    await (await story.refer()).accept()
    await network.other.post(form("string"))
    await network.referrer.post(form("integer", version="2"))
    for value, status in (({"valueString": "well"}, 201), ({"valueInteger": 1}, 422)):
        item = [{"linkId": "1", "answer": [value]}]
        answered = await story.clinic("POST", "QuestionnaireResponse", rated(story, 7, questionnaire=URL, item=item))
        assert answered.status_code == status, answered.text


async def test_a_form_by_its_identifier_is_the_own_one_or_an_administrators(network: Network) -> None:
    """However many others have stored under it."""
    identifier = {"system": "https://example.org/forms", "value": "asked"}

    async def kind(asker: Side) -> str:
        given = parameters(identifier={"valueIdentifier": identifier})
        answered = await asker("POST", "Questionnaire/$populate", given)
        return str(returned(answered, "response")["questionnaire"])

    def identified(url: str) -> Json:
        return form("string", url=url) | {"identifier": [identifier]}

    await network.clinic.post(identified("urn:clinic"))
    for number in range(21):
        await network.other.post(identified(f"urn:other:{number}"))
    assert await kind(network.clinic) == "urn:clinic"
    given = parameters(identifier={"valueIdentifier": identifier})
    refused = await network.referrer("POST", "Questionnaire/$populate", given)
    assert_outcome(refused, 412, "multiple-matches", "http.identifier")
    await network.administrator.post(identified("urn:administrator"))
    assert await kind(network.referrer) == "urn:administrator"
