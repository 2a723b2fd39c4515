"""The properties of the catalogue's concepts: https://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.property"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.massage.catalogue.published import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.resource import Content

_CONCEPT_PROPERTIES: Final = "http://hl7.org/fhir/concept-properties#"
_STANDARD: Final[Mapping[str, str]] = {"notSelectable": f"{_CONCEPT_PROPERTIES}notSelectable"}

_DESCRIPTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "advice": ("string", "What the person who treats should do."),
    "allowed": ("code", "A value of Task.status that it may stand beside."),
    "atc": ("code", "An ATC prefix of a medicine that is being taken."),
    "band": ("string", "A named range of scores."),
    "change": ("decimal", "The change, in the first unit, from which it is called better or worse."),
    "clearance-for": ("code", "A technique that needs a physician's clearance where others need a restriction only."),
    "confidence": (
        "code",
        "A: seen in an authoritative source. B: seen in secondary sources. C: not seen in a source, to be checked.",
    ),
    "cpt": ("code", "A CPT code that it may be billed by."),
    "direction": ("code", "lower or higher: which change is for the better."),
    "doubt": ("string", "What a reviewer should look at."),
    "emergency": ("boolean", "Whether the patient needs help now."),
    "high": ("decimal", "The highest value, in the first unit."),
    "icd-10-cm": ("code", "An ICD-10-CM code, prefix or range."),
    "if-confirmed": ("string", "Codes that count only together with something else."),
    "loinc": ("Coding", "A LOINC code of the score."),
    "low": ("decimal", "The lowest value, in the first unit."),
    "meaningful-change": ("string", "What a source says of a meaningful change."),
    "medicine": ("string", "A word in the name of a medicine that is being taken."),
    "observation": ("string", "A measurement that suffices by itself."),
    "procedure": ("Coding", "A category of procedures that suffices."),
    "substance": ("string", "A word in the name of what a patient is allergic to."),
    "within-days": ("integer", "How many days after its onset, or after it was done, it counts."),
    "without-reason": ("boolean", "A referral that gives no reason suffices."),
    "notSelectable": ("boolean", "A group: nothing is coded by it."),
    "outcome": ("code", "An outcome measure of the primary set."),
    "patients": ("string", "Whose therapist must have it."),
    "percent": ("decimal", "The change, in percent of the first value, that is enough as well."),
    "precision": ("string", "A difference below it may be the measuring."),
    "pressure": ("code", "The pressure that is usual."),
    "region": ("code", "Where the severity holds."),
    "resource-type": ("code", "The type that it is given as."),
    "direction-of-flow": ("code", "input or output of the Task."),
    "scope": ("code", "whole-body, region or site: where the severity holds."),
    "severity": (
        "code",
        "absolute: no massage until it is cleared; relative: within limits; local: avoid the area only.",
    ),
    "snomed": ("Coding", "A SNOMED CT concept of the Global Patient Set."),
    "source": ("string", "Where it was read."),
    "stricter": ("string", "What raises the severity."),
    "technique": ("code", "A technique of massage-technique."),
    "unit": ("string", "A unit (UCUM) that it may be given in, with its range."),
}


def declaration(name: str) -> Content:
    """What a CodeSystem says of a property that its concepts have; KeyError for one that is not described."""
    kind, description = _DESCRIPTIONS[name]
    uri = _STANDARD.get(name, f"{canonical('CodeSystem', 'concept-property')}#{name}")
    return {"code": name, "uri": uri, "description": description, "type": kind}
