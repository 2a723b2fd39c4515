"""A profile: a StructureDefinition that constrains a type, compiled to what it asks of a resource beyond R4.

https://hl7.org/fhir/R4/profiling.html. Content must be valid R4 before it is held against a profile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from service.fhir.diagnosis import MAX_ISSUES, expression
from service.fhir.element_rules import Frame
from service.fhir.outcome import Issue
from service.fhir.profile.binding import Codes
from service.fhir.profile.problem import Problem, ProfileError, Report
from service.fhir.profile.rules import Rules
from service.fhir.profile.statement import statements
from service.fhir.profile.tree import CORE, Tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir.definitions import Definitions
    from service.fhir.profile.finding import Check, Findings
    from service.fhir.profile.node import Node
    from service.fhir.resource import Content


class Held(Protocol):
    """What a profile may refer to."""

    def structure(self, canonical: str) -> Content | None:
        """The StructureDefinition with this canonical (``url`` or ``url|version``), None if it is not held."""

    def codes(self, value_set: str) -> Mapping[str, frozenset[str]] | None:
        """The codes of a value set by system, None if they are not known."""


class Profile:
    """A compiled profile; immutable, and safe to share. `notes` says what of it is not enforced."""

    __slots__ = ("_check", "_errors", "canonical", "notes", "root", "type")

    def __init__(
        self, structure: Content, root: Node, checks: tuple[Check | None, Check | None], notes: tuple[Problem, ...]
    ) -> None:
        self.canonical = canonical_of(structure)
        self.type: str = structure["type"]
        self.root = root
        self.notes = notes
        self._check, self._errors = checks

    def issues(self, content: Content, frame: Frame | None = None, *, warnings: bool = False) -> list[Issue]:
        """What the content, valid R4 and of the profile's type, breaks of the profile; empty when it meets it."""
        check = self._check if warnings else self._errors
        findings = check(content, None, frame or Frame(resource=content, root=content)) if check else None
        if not findings:
            return []
        found = {
            Issue(
                code="profile",
                severity=each.severity,
                issue_type=each.kind,
                diagnostics=f"{each.text} (profile {self.canonical})",
                expression=(expression(self.type, each.at),),
            ): None
            for each in findings
        }
        return list(found)[:MAX_ISSUES]


def canonical_of(structure: Mapping[str, Any]) -> str:
    """The canonical of a conformance resource, with its version where it has one."""
    version = structure.get("version")
    url: str = structure["url"]
    return f"{url}|{version}" if version else url


def compile_profile(structure: Content, held: Held, definitions: Definitions) -> Profile:
    """The profile that a valid StructureDefinition resource is; ProfileError says what cannot be enforced."""
    report = Report()
    try:
        root, check = _Compiler(held, definitions, report, warnings=True).compile(structure)
        report.settle()
        _, errors = _Compiler(held, definitions, Report(), warnings=False).compile(structure)
    except KeyError as error:  # R4 lets extensions stand for values that nothing can be made of
        raise _refusal(structure, f"a definition lacks {error.args[0]}, or names what R4 does not have") from None
    except RecursionError:
        raise _refusal(structure, "the definition, with those that it refers to, nests too deep") from None
    return Profile(structure, root, (check, errors), report.notes)


def _refusal(structure: Content, text: str) -> ProfileError:
    return ProfileError((Problem(element=structure["type"], text=text),))


class _Compiler:
    """Compiles one profile and, for its elements, those that it names."""

    def __init__(self, held: Held, definitions: Definitions, report: Report, *, warnings: bool) -> None:
        self._held = held
        self._definitions = definitions
        self._report = report
        self._warnings = warnings
        self._others: dict[str, list[Check | None]] = {}

    def compile(self, structure: Content) -> tuple[Node, Check | None]:
        tree = Tree(self._definitions, structure["type"], self._type_of, self._report)
        for each, view in self._chain(structure, ()):
            tree.apply(statements(each, view, self._definitions, self._report))
        tree.settle()
        self._report.settle()
        rules = Rules(
            self._definitions, codes=self._codes, other=self._other, report=self._report, warnings=self._warnings
        )
        return tree.root, rules.check(tree.root)

    def _chain(self, structure: Content, seen: tuple[str, ...]) -> list[tuple[Content, str]]:
        """The definitions whose statements make the profile, its bases first, each with the view to read."""
        name = structure["type"]
        if problem := self._unfit(structure):
            self._report.refuse(name, problem)
            return []
        base: str = structure["baseDefinition"]
        if base.partition("|")[0] == f"{CORE}{name}":
            return [(structure, "differential" if "differential" in structure else "snapshot")]
        held = None if base in seen else self._held.structure(base)
        if "differential" in structure and held is not None:
            if held.get("type") != name:
                self._report.refuse(name, f"its base {base} constrains another type")
                return []
            return [*self._chain(held, (*seen, base)), (structure, "differential")]
        if "snapshot" in structure:
            return [(structure, "snapshot")]
        self._report.refuse(name, f"its base {base} is not held, or is based on itself; without it, send a snapshot")
        return []

    def _unfit(self, structure: Content) -> str | None:
        """Why a StructureDefinition is no profile of an R4 type."""
        if structure.get("derivation") != "constraint":
            return "only derivation constraint makes a profile"
        if structure["kind"] not in ("resource", "complex-type"):
            return "profiles are of kind resource or complex-type"
        names = self._definitions.all_type_names | self._definitions.data_type_names
        if structure["type"] not in names:
            return "its type is not one of R4"
        return None

    def _type_of(self, canonical: str) -> str | None:
        held = self._held.structure(canonical)
        name = held.get("type") if held else None
        return name if name in self._definitions.all_type_names else None

    def _codes(self, value_set: str, element: str) -> Codes | None:
        systems = self._held.codes(value_set)
        if systems is None:
            systems = self._codes_of_r4(value_set)
        if systems is None:
            self._report.note(element, f"codes are not checked: the codes of {value_set} are not known here")
            return None
        return Codes(value_set=value_set.partition("|")[0], systems=systems)

    def _codes_of_r4(self, value_set: str) -> Mapping[str, frozenset[str]] | None:
        prefix = "http://hl7.org/fhir/ValueSet/"
        if not value_set.startswith(prefix):
            return None
        try:
            return self._definitions.codings(value_set.partition("|")[0].removeprefix(prefix)) or None
        except KeyError:
            return None

    def _other(self, canonical: str, element: str) -> Check | None:
        """The check of another profile; one that is being compiled is asked for its check when it is needed."""
        if canonical.partition("|")[0].removeprefix(CORE) in self._definitions.all_type_names:
            return _nothing
        if canonical not in self._others:
            structure = self._held.structure(canonical)
            if structure is None:
                self._report.note(element, f"the profile {canonical} is not held and not checked")
                return None
            holder: list[Check | None] = [None]
            self._others[canonical] = holder
            holder[0] = self.compile(structure)[1]
        found = self._others[canonical]

        def check(value: Any, twin: Any, frame: Frame) -> Findings | None:
            if found[0] is None:
                return None
            is_resource = isinstance(value, dict) and "resourceType" in value
            return found[0](value, twin, _inner(value, frame) if is_resource else frame)

        return check


def _inner(value: Content, frame: Frame) -> Frame:
    """The frame of a resource inside of the one that is checked."""
    is_contained = any(value is each for each in frame.root.get("contained", ()))
    inner = Frame(resource=value, root=frame.root if is_contained else value)
    inner.scope.budget = frame.scope.budget
    return inner


def _nothing(_value: Any, _twin: Any, _frame: Frame) -> None:
    """R4's own types ask nothing that R4's validator has not seen to."""
