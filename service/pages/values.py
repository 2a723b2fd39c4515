"""R4's data types in words. https://hl7.org/fhir/R4/datatypes.html

A value that has another shape than its type says is shown as it is: a page never fails over what is stored.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from service.pages import moments, words
from service.pages.shown import Text
from service.pages.visible import shortened, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import tzinfo

    from service.fhir.resource import Content
    from service.pages.links import Links
    from service.pages.words import Terms

_PDF: Final = "application/pdf"
"""The one kind of file that can be saved from a page: none that a browser would run as a page of its own."""
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_PLAIN: Final = frozenset({"markdown", "string", "xhtml"})


class Values:
    """Values as texts; `zone` is that of times. What references name by ``Type/id`` is called as `called` says."""

    def __init__(self, links: Links, terms: Terms, zone: tzinfo) -> None:
        self.called: Callable[[str], str] = _nameless
        self.links = links
        self.terms = terms
        self.zone = zone
        self._by_type: Mapping[str, Callable[[Any], Text]] = {
            "Address": self._address,
            "Age": self.quantity,
            "Annotation": self._annotation,
            "Attachment": self._attachment,
            "CodeableConcept": self.concept,
            "Coding": self._coding,
            "ContactPoint": self._contact,
            "Count": self.quantity,
            "Distance": self.quantity,
            "Duration": self.quantity,
            "HumanName": self._name,
            "Identifier": self._identifier,
            "Money": self._money,
            "MoneyQuantity": self.quantity,
            "Period": self.period,
            "Quantity": self.quantity,
            "Range": self._range,
            "Ratio": self._ratio,
            "Reference": self.reference,
            "SimpleQuantity": self.quantity,
        }

    def knows(self, kind: str) -> bool:
        """Whether values of a type are one text."""
        return kind in self._by_type

    def text(self, value: Any, kind: str, targets: Sequence[str] = ()) -> Text:
        """A value of a data type, or of a primitive; `targets` are the types that a canonical may be of."""
        if isinstance(value, dict):
            made = self._by_type.get(kind)
            return made(value) if made else Text(text=shortened(str(value)))
        return self.primitive(value, kind, targets)

    def primitive(self, value: Any, kind: str = "", targets: Sequence[str] = ()) -> Text:
        """A primitive value; markup of a narrative or of Markdown is not interpreted."""
        if isinstance(value, bool):
            return Text(text="Yes" if value else "No")
        if isinstance(value, int | Decimal):
            return Text(text=str(value))
        text = shortened(str(value))
        match kind:
            case "date" | "dateTime" | "instant":
                return self.moment(text)
            case "code":
                return Text(text=words.code(text))
            case "xhtml":
                return Text(text=words_of(text), is_long=True)
            case "base64Binary":
                return Text(text=f"{len(str(value)) * 3 // 4} bytes of data")
            case "canonical":
                return Text(text=text, href=self.links.canonical(str(value), targets))
            case "uri" | "url":
                return Text(text=text, href=self.links.reference(str(value)))
        return Text(text=text, is_long="\n" in text or (kind in _PLAIN and len(text) > 200))

    def moment(self, text: str) -> Text:
        """A date or time."""
        told = moments.told(text, self.zone)
        return Text(text=told, moment=text if told != text or text.isdigit() else "")

    def concept(self, concept: Content) -> Text:
        """A CodeableConcept, with its codes beside."""
        text = self.terms.text(concept)
        notes = [note for each in _objects(concept.get("coding")) if (note := _code_of(each)) and note != text]
        return Text(text=text or "not said", note=", ".join(notes))

    def reference(self, reference: Content) -> Text:
        """A Reference, as a link where it leads to a resource of ours."""
        literal = str(reference.get("reference", ""))
        named = literal.removeprefix(f"{self.links.base}/")
        display = str(reference.get("display", "")) or self.called(named)
        if not literal and isinstance(reference.get("identifier"), dict):
            named = self._identifier(reference["identifier"]).text
        href = self.links.reference(literal)
        if literal.startswith("#"):
            named = f"contained below as {literal}"
        return Text(text=display or named or "not said", href=href, note=named if display and named else "")

    def quantity(self, quantity: Content) -> Text:
        """A Quantity with its unit."""
        if "value" not in quantity:
            return Text(text=str(quantity.get("unit") or quantity.get("code") or "not said"))
        unit = words.unit(str(quantity.get("unit") or quantity.get("code") or ""))
        parts = (str(quantity.get("comparator", "")), str(quantity["value"]), unit)
        return Text(text=" ".join(part for part in parts if part))

    def period(self, period: Content) -> Text:
        """A Period."""
        start, end = period.get("start"), period.get("end")
        text = moments.between(start, end, self.zone) if all(_is_text(each) for each in (start, end)) else str(period)
        return Text(text=text or "not said")

    def name_of(self, names: Any) -> str:
        """What a person is called, by the first of the names that is in use; empty without any."""
        found = _objects(names)
        usual = [each for each in found if each.get("use") in ("usual", "official")] or found
        return self._name(usual[0]).text if usual else ""

    def _name(self, name: Content) -> Text:
        if name.get("text"):
            return Text(text=str(name["text"]), note=_note(name))
        parts = [*_texts(name.get("prefix")), *_texts(name.get("given"))]
        parts += [str(name["family"])] if name.get("family") else []
        parts += _texts(name.get("suffix"))
        return Text(text=" ".join(parts) or "not said", note=_note(name))

    def _address(self, address: Content) -> Text:
        if address.get("text"):
            return Text(text=str(address["text"]), note=_note(address))
        place = " ".join(str(address[each]) for each in ("postalCode", "city") if address.get(each))
        parts = [*_texts(address.get("line")), place]
        parts += [str(address[each]) for each in ("district", "state", "country") if address.get(each)]
        return Text(text=", ".join(part for part in parts if part) or "not said", note=_note(address))

    def _contact(self, contact: Content) -> Text:
        note = ", ".join(words.code(str(contact[each])) for each in ("system", "use") if contact.get(each))
        return Text(text=str(contact.get("value", "not said")), note=note)

    def _identifier(self, identifier: Content) -> Text:
        kind = self.terms.text(identifier.get("type"))
        note = ", ".join(part for part in (kind, str(identifier.get("system", ""))) if part)
        return Text(text=str(identifier.get("value", "not said")), note=note)

    def _coding(self, coding: Content) -> Text:
        note = _code_of(coding)
        return Text(text=self.terms.display(coding) or str(coding.get("code", "not said")), note=note)

    def _annotation(self, annotation: Content) -> Text:
        author = annotation.get("authorString") or ""
        if isinstance(annotation.get("authorReference"), dict):
            author = self.reference(annotation["authorReference"]).text
        when = moments.told(str(annotation["time"]), self.zone) if annotation.get("time") else ""
        note = ", ".join(str(part) for part in (author, when) if part)
        return Text(text=shortened(str(annotation.get("text", ""))), note=note, is_long=True)

    def _attachment(self, attachment: Content) -> Text:
        url = str(attachment.get("url", ""))
        kind = str(attachment.get("contentType", ""))
        size = f"{len(str(attachment['data'])) * 3 // 4} bytes" if "data" in attachment else ""
        note = ", ".join(part for part in (kind, size, url if attachment.get("title") else "") if part)
        title, data = str(attachment.get("title") or url or "data"), str(attachment.get("data", ""))
        if kind == _PDF and _BASE64.fullmatch(data):
            return Text(text=title, href=f"data:{_PDF};base64,{data}", note=note, save_as="document.pdf")
        return Text(text=title, href=self.links.reference(url), note=note)

    def _money(self, money: Content) -> Text:
        return Text(text=f"{money.get('value', '')} {money.get('currency', '')}".strip() or "not said")

    def _range(self, limits: Content) -> Text:
        low, high = (self.quantity(each).text if isinstance(each, dict) else "" for each in _ends(limits))
        if low and high:
            return Text(text=f"{low} to {high}")
        return Text(text=f"from {low}" if low else f"up to {high}" if high else "not said")

    def _ratio(self, ratio: Content) -> Text:
        ends = (ratio.get("numerator"), ratio.get("denominator"))
        above, below = (self.quantity(each).text if isinstance(each, dict) else "?" for each in ends)
        return Text(text=f"{above} of {below}")


def _nameless(reference: str) -> str:
    del reference
    return ""


def _ends(limits: Content) -> tuple[Any, Any]:
    return limits.get("low"), limits.get("high")


def _code_of(coding: Content) -> str:
    """The code with the name of its system, for who wants to know."""
    if "code" not in coding:
        return ""
    system = str(coding.get("system", ""))
    known = words.SYSTEMS.get(system)
    return f"{known} {coding['code']}" if known else str(coding["code"])


def _note(part: Content) -> str:
    return words.code(str(part["use"])) if part.get("use") else ""


def _objects(values: Any) -> list[Content]:
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def _texts(values: Any) -> list[str]:
    return [str(each) for each in values if each is not None] if isinstance(values, list) else []


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)
