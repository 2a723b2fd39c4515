"""The Questionnaires that responses name: those that come with the service, and those that are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.fhir import codec
from service.fhir.outcome import CANONICAL
from service.fhir.questionnaire.form import form_of
from service.fhir.reference import parse_local
from service.fhir.search.parse import parse_criteria
from service.fhir.search.separators import escape
from service.fhir.terminology.needed import canonical
from service.interactions.held import counting, defined, of_best_status
from service.massage.assessment.definitions import VERSION, questionnaires

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import tzinfo

    from service.fhir.interaction import Context
    from service.fhir.questionnaire.form import Form
    from service.fhir.resource import Content
    from service.fhir.search.registry import Registry
    from service.massage.assessment import Assessments
    from service.store.store import Session

QUESTIONNAIRE: Final = "Questionnaire"
_SEVERAL: Final = 20


class Forms:
    """Forms by the canonical URLs that responses name them by."""

    def __init__(self, assessments: Assessments, registry: Registry, types: Collection[str], zone: tzinfo) -> None:
        made = questionnaires(assessments).values()
        own = [form_of(codec.decode(codec.encode(each))) for each in made]
        self._own: Mapping[str, Form] = {each.url: each for each in own}
        self._registry = registry
        self._types = types
        self._zone = zone

    @staticmethod
    def is_ours(named: str) -> bool:
        """Whether a canonical is one of those that the service itself publishes, or claims to be."""
        return named.startswith(f"{CANONICAL}/")

    async def find(
        self, session: Session, context: Context, named: str, contained: Collection[Content] = ()
    ) -> Form | None:
        """The form of a canonical, of a reference on this server, or of a contained Questionnaire; None: not held."""
        if named.startswith("#"):
            found = (each for each in contained if each.get("id") == named[1:])
            inside = next((each for each in found if each["resourceType"] == QUESTIONNAIRE), None)
            return None if inside is None else form_of(inside)
        url, _, version = named.partition("|")
        own = self._own.get(url)
        if own is not None:
            return own if version in ("", VERSION) else None
        return await self._stored(session, context, named)

    async def of_id(self, session: Session, logical_id: str) -> Form | None:
        """The form of a Questionnaire's logical id; None: there is none."""
        read = await session.read(QUESTIONNAIRE, logical_id)
        if read is not None:
            return None if read.content is None else form_of(codec.decode(read.content))
        return self._own.get(f"{CANONICAL}/{QUESTIONNAIRE}/{logical_id}")

    async def identified(self, session: Session, context: Context, system: str, value: str) -> Form | None:
        """The form of a business identifier, own ones before others; None: not held. FhirError multiple-matches."""
        criteria = (("identifier", f"{escape(system)}|{escape(value)}"),)
        query = parse_criteria(self._registry, QUESTIONNAIRE, criteria, base=context.base, zone=self._zone)
        found = await counting(session, query, "http.identifier", most=_SEVERAL)
        return _first(found.own or found.others)

    async def _stored(self, session: Session, context: Context, named: str) -> Form | None:
        target = parse_local(named, context.base, self._types)
        if target is not None and target.type == QUESTIONNAIRE:
            return await self.of_id(session, target.id)
        return _first(await defined(self._registry, session, canonical(QUESTIONNAIRE, named)))


def _first(found: Sequence[Content]) -> Form | None:
    """The stored Questionnaire: of several the active ones before others, and the last that was written."""
    chosen = next(iter(of_best_status(found)), None)
    return None if chosen is None else form_of(chosen)
