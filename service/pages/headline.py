"""What a resource is called in one line, and its state: for headings, tables and links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.concept import code_in
from service.massage.cycle.terms import BUSINESS_STATUS
from service.pages import words
from service.pages.visible import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.fhir.resource import Content
    from service.pages.values import Values

_LONGEST: Final = 120
_NAMING: Final = ("title", "code", "description", "name", "category", "type", "serviceType", "topic", "class")
"""Elements that say what something is, the most telling first."""
_STATES: Final = ("status", "lifecycleStatus", "clinicalStatus", "activationStatus")
_DATES: Final = (
    "effectiveDateTime",
    "effectivePeriod",
    "performedPeriod",
    "performedDateTime",
    "start",
    "period",
    "authoredOn",
    "authored",
    "issued",
    "identifiedDateTime",
    "recordedDate",
    "recorded",
    "sent",
    "created",
    "date",
    "birthDate",
    "startDate",
)


class Headlines:
    """Headlines by the words of `values`."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._own: Mapping[str, Callable[[Content], str]] = {
            "Goal": self._goal,
            "Observation": self._observation,
            "Patient": self._person,
            "Person": self._person,
            "Practitioner": self._person,
            "PractitionerRole": self._role,
            "Procedure": self._procedure,
            "Provenance": self._provenance,
            "RelatedPerson": self._person,
            "ServiceRequest": self._order,
            "Task": self._task,
        }

    def of(self, content: Content) -> str:
        """What the resource is called; at worst its type and id."""
        own = self._own.get(str(content.get("resourceType", "")))
        text = own(content) if own else ""
        return shortened(text or self._general(content), _LONGEST)

    def namer(self, find: Callable[[str], Content | None]) -> Callable[[str], str]:
        """What a reference leads to is called, by what `find` finds; empty where it finds nothing."""

        def called(reference: str) -> str:
            found = find(reference)
            return "" if found is None else self.of(found)

        return called

    def state(self, content: Content) -> str:
        """The state of the resource in words; empty where it has none."""
        for name in _STATES:
            value = content.get(name)
            if isinstance(value, str):
                return words.status(str(content.get("resourceType", "")), value)
            if isinstance(value, dict):
                return words.code(self._values.terms.text(value))
        return ""

    def date(self, content: Content) -> str:
        """The date by which the resource is known, in words; empty where it has none."""
        for name in _DATES:
            value = content.get(name)
            if isinstance(value, str):
                return self._values.moment(value).text
            if isinstance(value, dict) and name.lower().endswith("period"):
                return self._values.period(value).text
        return ""

    def business(self, task: Content) -> str:
        """The business status of a Task in words; empty where it has none."""
        value = code_in(task.get("businessStatus"), BUSINESS_STATUS)
        return self._values.terms.business(value) if value else self._values.terms.text(task.get("businessStatus"))

    def _general(self, content: Content) -> str:
        for name in _NAMING:
            text = self._words(content.get(name))
            if text:
                return text
        for identifier in content.get("identifier", ()) if isinstance(content.get("identifier"), list) else ():
            if isinstance(identifier, dict) and identifier.get("value"):
                return str(identifier["value"])
        return f"{content.get('resourceType', '')} {content.get('id', '')}".strip()

    def _words(self, value: Any) -> str:
        if isinstance(value, list):
            return next((text for each in value if (text := self._words(each))), "")
        if isinstance(value, dict):
            if "coding" in value or "text" in value:
                return self._values.terms.text(value)
            return self._values.terms.display(value) or str(value.get("code", ""))
        return value if isinstance(value, str) else ""

    def _person(self, content: Content) -> str:
        return self._values.name_of(content.get("name"))

    def _role(self, content: Content) -> str:
        """Who it is, or for whom it acts, by what else is on the page; else what it does."""
        for name in ("practitioner", "organization"):
            who = content.get(name)
            if isinstance(who, dict) and (text := who.get("display") or self._values.called(str(who.get("reference")))):
                return str(text)
        return self._words(content.get("code")) or self._words(content.get("specialty"))

    def _goal(self, content: Content) -> str:
        return self._words(content.get("description"))

    def _order(self, content: Content) -> str:
        ordered, reason = self._words(content.get("code")), self._words(content.get("reasonCode"))
        return f"{ordered} for {reason}" if ordered and reason else ordered or reason

    def _task(self, content: Content) -> str:
        return self._words(content.get("description")) or self.business(content) or self._words(content.get("code"))

    def _procedure(self, content: Content) -> str:
        return self._words(content.get("code")) or "Session"

    def _provenance(self, content: Content) -> str:
        return self._words(content.get("activity"))

    def _observation(self, content: Content) -> str:
        what = self._words(content.get("code"))
        quantity = content.get("valueQuantity")
        value = self._values.quantity(quantity).text if isinstance(quantity, dict) else ""
        if not value:
            for name in ("valueInteger", "valueString", "valueBoolean"):
                if name in content:
                    value = self._values.primitive(content[name]).text
            value = value or self._words(content.get("valueCodeableConcept"))
        return f"{what}: {value}" if what and value else what or value
