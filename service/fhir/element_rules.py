"""Rules on one JSON object that cannot be said of its members one by one.

A rule is given the object and the `Frame` that it stands in and returns what is broken, or None. The schema runs it
after the members of the object have been found in order. https://hl7.org/fhir/R4/json.html#primitive
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from pydantic_core import PydanticCustomError, ValidationError
from pydantic_core import core_schema as cs

from service.fhir.narrative import narrative_problem
from service.fhir.path import Scope
from service.fhir.primitive import ACCEPTED, RULE_PATTERNS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pydantic_core import ErrorDetails

    from service.fhir.resource import Content


class Frame:
    """Where an element stands: its resource, and the resource that contains that one (itself unless contained)."""

    __slots__ = ("_contained", "resource", "root", "scope")

    def __init__(self, *, resource: Content, root: Content) -> None:
        self.resource = resource
        self.root = root
        self.scope = Scope(resource=resource, root=root, context=resource)
        self._contained: dict[str, Any] | None = None

    @property
    def contained(self) -> dict[str, Any]:
        """The types of the root's contained resources by id; nothing of them has been validated yet."""
        if self._contained is None:
            found = self.root.get("contained")
            resources = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
            named = [(item.get("id"), item.get("resourceType")) for item in resources]
            self._contained = {name: kind for name, kind in named if isinstance(name, str)}
        return self._contained


class Breach(Struct, frozen=True, kw_only=True):
    """A broken rule: an error code, a sentence, and the members and indices that lead to it from the object."""

    code: str
    text: str
    at: tuple[str | int, ...] = ()


Breaches = Sequence[Breach]
Rule = Callable[[Any, Frame], Breaches | None]

_EMPTY: Final = Breach(
    code="element-empty",
    text="An element needs a value, a child element or an extension; leave it out if it has none.",
)
LANGUAGES: Final = "urn:ietf:bcp:47"
_LANGUAGE: Final = re.compile(RULE_PATTERNS["language"])
_LISTED: Final = 20
"""How many accepted names or codes a sentence lists."""


def presence(value: Mapping[str, Any], _: Frame) -> Breaches | None:
    """An element has more than an id (ele-1)."""
    if len(value) < 2 and (not value or "id" in value):
        return (_EMPTY,)
    return None


def any_member(value: Mapping[str, Any], _: Frame) -> Breaches | None:
    """The twin of a primitive has an id or extensions."""
    return None if value else (_EMPTY,)


def choice_rule(members: Mapping[str, tuple[str, str]], required: Mapping[str, tuple[str, ...]]) -> Rule:
    """A choice occurs with one type at most, and at least once where it is required.

    `members` maps a JSON property to its choice and to the property without underscore; `required` maps a choice
    to the properties it may have.
    """

    def rule(value: Mapping[str, Any], _: Frame) -> Breaches | None:
        breaches: list[Breach] = []
        found: dict[str, str] = {}
        for choice, kind in [members[name] for name in value if name in members]:
            if found.setdefault(choice, kind) != kind:
                text = f"{choice}[x] has one type at a time; {found[choice]} and {kind} were both sent."
                breaches.append(Breach(code="choice-conflict", text=text, at=(choice,)))
        for choice, names in required.items():
            if choice not in found:
                text = f"{choice}[x] is required; send one of {listed(names)}."
                breaches.append(Breach(code="element-missing", text=text, at=(choice,)))
        return breaches or None

    return rule


def twin_rule(required: tuple[str, ...], arrays: frozenset[str]) -> Rule:
    """A primitive and its `_twin` fit together.

    `required` are the primitives that must be there, as a value or as extensions; `arrays` those that repeat: value
    and twin then have the same length, and null stands in one where the other has something.
    """

    def rule(value: Mapping[str, Any], _: Frame) -> Breaches | None:
        breaches = [
            Breach(code="missing", text="", at=(name,))  # as pydantic-core says it of the plain validator
            for name in required
            if name not in value and f"_{name}" not in value
        ]
        for name in arrays:
            breaches.extend(_misaligned(name, value.get(name), value.get(f"_{name}")))
        for key, twin in value.items():
            name = key[1:]
            if key.startswith("_") and name not in arrays and name not in value and "extension" not in twin:
                breaches.append(Breach(code=_EMPTY.code, text=_EMPTY.text, at=(name,)))
        return breaches or None

    return rule


def _misaligned(name: str, values: list[Any] | None, twins: list[Any] | None) -> list[Breach]:
    if twins is None:
        if values is not None and None in values:
            text = f"null in {name} stands for a value that has extensions in _{name}; there are none."
            return [Breach(code="element-empty", text=text, at=(name, values.index(None)))]
        return []
    if values is not None and len(values) != len(twins):
        text = f"{name} and _{name} must have the same length, with null where one of them has nothing."
        return [Breach(code="cardinality", text=text, at=(name,))]
    breaches = [
        Breach(code=_EMPTY.code, text=_EMPTY.text, at=(name, index))
        for index, twin in enumerate(twins)
        if (values is None or values[index] is None) and (twin is None or "extension" not in twin)
    ]
    if not breaches and not any(twins):
        text = f"_{name} holds nothing but null; leave it out."
        breaches.append(Breach(code=_EMPTY.code, text=text, at=(name,)))
    return breaches


def extension_rule(held: str) -> Rule:
    """An extension has a value or extensions, never both (ext-1); `held` is its value's property, "" for none."""

    def rule(value: Mapping[str, Any], _: Frame) -> Breaches | None:
        has_value = bool(held) and (held in value or f"_{held}" in value)
        if has_value != ("extension" in value):
            return None
        text = "An extension has either a value[x] or extensions, not both and not neither (ext-1)."
        return (Breach(code="invariant", text=text),)

    return rule


def coding_rule(codings: Mapping[str, Collection[str]]) -> Rule:
    """A CodeableConcept has a coding out of the value set that it is bound to: code system → codes."""
    accepted = "; ".join(f"{listed(sorted(codes))} of {system}" for system, codes in codings.items())

    def rule(value: Mapping[str, Any], _: Frame) -> Breaches | None:
        for coding in value.get("coding", ()):
            if coding.get("code") in codings.get(coding.get("system"), ()):
                return None
        return (Breach(code="code-invalid", text=f"One coding must be {accepted}."),)

    return rule


def language_rule(value: Mapping[str, Any], _: Frame) -> Breaches | None:
    """The codings of a language are BCP-47 tags; text alone will do."""
    tags = [coding.get("code", "") for coding in value.get("coding", ()) if coding.get("system") == LANGUAGES]
    if all(_LANGUAGE.fullmatch(tag) for tag in tags):
        return None
    return (Breach(code="code-invalid", text=f"A coding of {LANGUAGES} must be {ACCEPTED['language']}."),)


def contained_rule(value: list[dict[str, Any]], _: Frame) -> Breaches | None:
    """Contained resources have ids, each its own: https://hl7.org/fhir/R4/references.html#contained"""
    breaches: list[Breach] = []
    known: set[str] = set()
    for index, resource in enumerate(value):
        name = resource.get("id")
        if name is None:
            text = "A contained resource needs an id, which references name as #id."
            breaches.append(Breach(code="element-missing", text=text, at=(index, "id")))
        elif name in known:
            text = "Another contained resource has the same id; a reference to #id must find one only."
            breaches.append(Breach(code="value-invalid", text=text, at=(index, "id")))
        else:
            known.add(name)
    return breaches or None


def narrative_rule(value: str, _: Frame) -> Breaches | None:
    """The XHTML of a narrative is plain formatting with some content (txt-1, txt-2)."""
    problem = narrative_problem(value)
    return (Breach(code="narrative-invalid", text=f"The narrative is refused: {problem}."),) if problem else None


def listed(names: Sequence[str]) -> str:
    """The names in a sentence, as many as one reads."""
    shown = ", ".join(names[:_LISTED])
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED} more"


def ruled(schema: cs.CoreSchema, rules: Iterable[Rule | None]) -> cs.CoreSchema:
    """The schema, followed by the rules on what it has found in order; all that they find is reported together."""
    wanted = tuple(rule for rule in rules if rule is not None)
    if not wanted:
        return schema
    if wanted == (presence,):
        return cs.no_info_after_validator_function(_present, schema)
    first, others = wanted[0], wanted[1:]

    def only(value: Any, info: cs.ValidationInfo[Frame]) -> Any:
        if breaches := first(value, info.context):
            raise refusal(breaches)
        return value

    def each(value: Any, info: cs.ValidationInfo[Frame]) -> Any:
        frame = info.context
        breaches = first(value, frame)
        for rule in others:
            if found := rule(value, frame):
                breaches = [*(breaches or ()), *found]
        if breaches:
            raise refusal(breaches)
        return value

    return cs.with_info_after_validator_function(each if others else only, schema)


def _present(value: Any) -> Any:
    """`presence` without what other rules need: it runs more often than all of them together."""
    if len(value) < 2 and (not value or "id" in value):
        raise refusal((_EMPTY,))
    return value


def refusal(breaches: Iterable[Breach]) -> ValidationError:
    """The breaches as pydantic-core's error, which puts the path of the element in front of their own."""
    return ValidationError.from_exception_data(
        "FHIR R4",
        [
            {"type": PydanticCustomError(breach.code, "{text}", {"text": breach.text}), "loc": breach.at, "input": None}
            for breach in breaches
        ],
    )


def merged(errors: Iterable[ErrorDetails]) -> ValidationError:
    """Errors of several validators as one."""
    return ValidationError.from_exception_data(
        "FHIR R4",
        [
            {
                "type": PydanticCustomError(error["type"], "{text}", {"text": error["msg"], **error.get("ctx", {})}),
                "loc": error["loc"],
                "input": error["input"],
            }
            for error in errors
        ],
    )
