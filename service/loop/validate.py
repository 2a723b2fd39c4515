"""$validate, with what a response would be refused for by its Questionnaire, and a score by its measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from service.fhir.questionnaire.answers import RESPONSE, problems
from service.loop.responses import UNKNOWN
from service.operations.validate import validate

if TYPE_CHECKING:
    from service.fhir.interaction import Answer, Context, Operation
    from service.fhir.outcome import Issue
    from service.fhir.resource import Content
    from service.interactions.parts import Parts
    from service.loop.forms import Forms
    from service.loop.plausibility import Plausibility


class Validate:
    """The operation, by the forms that come with the service, stored Questionnaires, and the catalogue's measures."""

    def __init__(self, forms: Forms, plausibility: Plausibility) -> None:
        self._forms = forms
        self._plausibility = plausibility

    async def __call__(self, parts: Parts, context: Context, operation: Operation) -> Answer:
        """An OperationOutcome; FhirError as of `service.operations.validate`."""
        return await validate(parts, context, operation, self._issues)

    async def _issues(self, parts: Parts, context: Context, content: Content) -> list[Issue]:
        """What the Questionnaire of a response does not allow; a warning where it is not held. Or of a score."""
        if content["resourceType"] != RESPONSE:
            return self._plausibility.claimed_issues(content)
        named = content.get("questionnaire")
        if named is None:
            return []
        async with parts.store.session() as session:
            form = await self._forms.find(session, context, named, content.get("contained", ()))
        if form is not None:
            return problems(content, form)
        return [UNKNOWN if self._forms.is_ours(named) else replace(UNKNOWN, severity="warning")]
