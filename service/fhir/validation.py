"""Validation of a resource against R4: structure, codes, references, narrative, invariants.

https://hl7.org/fhir/R4/validation.html; everything that needs no terminology server and no profile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fhir.diagnosis import Diagnosis
from service.fhir.element_rules import Frame
from service.fhir.invariants import Invariants
from service.fhir.outcome import FhirError, Issue
from service.fhir.schema import Schema

if TYPE_CHECKING:
    from service.fhir.definitions import Definitions


class Validator:
    """Validates resources of any R4 type, served or not; compiles what it needs when it first needs it."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._invariants = Invariants(definitions)
        self._schema = Schema(definitions, self._invariants)
        self._diagnosis = Diagnosis(definitions)

    def compile(self) -> None:
        """Compile, in any thread, what the served types need, for the next who asks: a quarter of a second of work."""
        self._schema.compile_together(self._definitions.resource_types)

    def issues(self, content: Any, resource_type: str, *, warnings: bool = False) -> list[Issue]:
        """What keeps the content from being a valid resource of the type; empty when it is one.

        With `warnings`, a valid resource is also held against R4's best practices (such as dom-6, to have a narrative).
        """
        if not isinstance(content, dict):
            return [Issue(code="malformed-json", diagnostics="A resource is one JSON object.")]
        named = content.get("resourceType")
        if named != resource_type or resource_type not in self._definitions.all_type_names:
            return [_wrong_type(named, resource_type)]
        try:
            errors = self._schema.errors(content, resource_type)
            if errors:
                return self._diagnosis.issues(errors, content, resource_type)
            return self._warnings(content, resource_type) if warnings else []
        except RecursionError:
            text = "The resource nests deeper than the service reads."
            return [Issue(code="nesting-too-deep", diagnostics=text, expression=(resource_type,))]

    def check(self, content: Any, resource_type: str) -> None:
        """Raises FhirError with all issues when the content is not a valid resource of the type."""
        issues = self.issues(content, resource_type)
        if issues:
            raise FhirError(issues=issues)

    def _warnings(self, content: dict[str, Any], resource_type: str) -> list[Issue]:
        rule = self._invariants.warnings(self._definitions.type(resource_type).constraints, resource_type)
        breaches = rule(content, Frame(resource=content, root=content)) if rule else None
        return [
            Issue(code="invariant", severity="warning", diagnostics=breach.text, expression=(resource_type,))
            for breach in breaches or ()
        ]


def _wrong_type(named: object, resource_type: str) -> Issue:
    if named is None:
        text = f'resourceType is missing; it should be "{resource_type}".'
    elif isinstance(named, str) and named.isalpha():
        text = f'resourceType is "{named[:64]}"; it should be "{resource_type}".'
    else:
        text = f'resourceType should be "{resource_type}".'
    return Issue(code="type-mismatch", diagnostics=text, expression=(f"{resource_type}.resourceType",))
