"""Responses to a questionnaire of which several organisations have stored a definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.loop.forms import rated

if TYPE_CHECKING:
    from tests.loop.side import Json
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
