"""What a Reference may say: the form of its literal reference, and the types that it may point at.

https://hl7.org/fhir/R4/references.html. A type is read from ``Patient/1``, from an absolute URL that ends so, from a
conditional reference (``Patient?identifier=...``), from the contained resource behind ``#id`` (ref-1) and from
`Reference.type`. A ``urn:uuid:`` or ``urn:oid:`` may point at anything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from service.fhir.element_rules import Breach, Breaches, Frame, Rule, presence

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_ID: Final = r"[A-Za-z0-9\-.]{1,64}"
_VERSIONED_ID: Final = rf"{_ID}(?:/_history/{_ID})?"
_URN: Final = (
    r"urn:uuid:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+"
)
_RELATIVE: Final = re.compile(rf"([A-Z][A-Za-z]+)(?:/{_VERSIONED_ID}|\?\S+)(?:#\S*)?")
_ABSOLUTE: Final = re.compile(rf"(?:https?://|urn:[a-z0-9-]+:)\S+?(?:/([A-Z][A-Za-z]+)/{_VERSIONED_ID})?(?:#\S*)?")
_BLANK: Final = re.compile(r"\s")
_FORMS: Final = "Type/id, an http or https URL, urn:uuid:..., urn:oid:... or #id of a contained resource"


def reference_rule(targets: Collection[str], all_types: frozenset[str]) -> Rule:
    """The rule of a Reference that may point at `targets`, or at any of `all_types` when that is empty or Resource."""
    allowed = all_types if not targets or "Resource" in targets else frozenset(targets)
    usual = re.compile(rf"(?:{'|'.join(sorted(allowed))})/{_VERSIONED_ID}|{_URN}")

    def rule(value: Mapping[str, Any], frame: Frame) -> Breaches | None:
        reference = value.get("reference")
        if reference is None:
            empty = presence(value, frame)
            if empty or "type" not in value:
                return empty
        elif usual.fullmatch(reference) and "type" not in value:
            return None
        breach = _literal_breach(reference, frame, allowed, all_types) if reference else None
        breach = breach or _type_breach(value.get("type"), reference, allowed, all_types)
        return (breach,) if breach else None

    return rule


def _literal_breach(reference: str, frame: Frame, allowed: frozenset[str], all_types: frozenset[str]) -> Breach | None:
    if _BLANK.search(reference):  # the expressions below are fast only without white space
        return Breach(code="reference-invalid", text=f"A reference is {_FORMS}, without blanks.")
    if reference.startswith("#"):
        return _contained_breach(reference[1:], frame, allowed)
    target = target_type(reference)
    if target is None:
        if _ABSOLUTE.fullmatch(reference) and not reference.startswith(("urn:uuid:", "urn:oid:")):
            return None
        if re.fullmatch(_URN, reference):
            return None
        return Breach(code="reference-invalid", text=f"A reference is {_FORMS}.")
    if target not in all_types:
        if _ABSOLUTE.fullmatch(reference):
            return None
        text = f"R4 has no resource type {target[:64]}; a reference is {_FORMS}."
        return Breach(code="reference-invalid", text=text)
    return _target_breach(target, allowed)


def target_type(reference: str) -> str | None:
    """The type that a relative, conditional or absolute literal reference names; None where it names none."""
    match = _RELATIVE.fullmatch(reference) or _ABSOLUTE.fullmatch(reference)
    return match[1] if match else None


def _contained_breach(identity: str, frame: Frame, allowed: frozenset[str]) -> Breach | None:
    if not identity:
        return _target_breach(frame.root["resourceType"], allowed)
    if identity in frame.contained:
        return _target_breach(frame.contained[identity], allowed)
    text = (
        "A reference that starts with # must name the id of a contained resource; there is none with this id (ref-1)."
    )
    return Breach(code="reference-invalid", text=text)


def _type_breach(
    named: str | None, reference: str | None, allowed: frozenset[str], all_types: frozenset[str]
) -> Breach | None:
    if named is None:
        return None
    if named not in all_types:
        if ":" in named:  # the URL of a logical model
            return None
        text = "Reference.type is the name of an R4 resource type, such as Patient, or the URL of a logical model."
        return Breach(code="reference-type", text=text)
    if reference and (target := target_type(reference)) in all_types and target != named:
        text = f"Reference.type says {named}, but the reference points at {target}."
        return Breach(code="reference-type", text=text)
    return _target_breach(named, allowed)


def _target_breach(target: Any, allowed: frozenset[str]) -> Breach | None:
    if not isinstance(target, str) or target in allowed:
        return None
    text = f"The reference may point at {', '.join(sorted(allowed))}, not at {target[:64]}."
    return Breach(code="reference-type", text=text)
