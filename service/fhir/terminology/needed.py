"""The resources that an answer about codes depends on: by which names, and which of them have yet to be looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.fhir.terminology.error import CannotExpandError, NotHeldError, SeveralHeldError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from service.fhir.resource import Content

    Held = Mapping["Needed", Sequence[Content]]

_INCOMPLETE: Final = frozenset(
    {
        "http://hl7.org/fhir/StructureDefinition/valueset-unclosed",
        "http://hl7.org/fhir/StructureDefinition/valueset-toocostly",
    }
)
_LIMITED: Final = "limitedExpansion"


class Needed(Struct, frozen=True, kw_only=True):
    """A resource that codes depend on: by canonical URL and version, or by logical id (`url` is then ``Type/id``)."""

    type: str
    url: str
    version: str = ""

    @property
    def id(self) -> str | None:
        """The logical id, None when the resource is named by its canonical URL."""
        return self.url.removeprefix(f"{self.type}/") if self.url.startswith(f"{self.type}/") else None

    def __str__(self) -> str:
        return f"{self.type} {self.url}{'|' if self.version else ''}{self.version}"


def canonical(type: str, text: str, version: str = "") -> Needed:
    """What a canonical names, ``url`` or ``url|version``."""
    url, _, named = text.partition("|")
    return Needed(type=type, url=url.partition("#")[0], version=named or version)


class Versions(Struct, frozen=True, kw_only=True):
    """Which versions of code systems an expansion is to use: system → version, as $expand is told.

    `default` where the value set names none, `check` those that it may name, `force` whatever it names.
    """

    default: Mapping[str, str] = {}
    check: Mapping[str, str] = {}
    force: Mapping[str, str] = {}

    def of(self, part: Mapping[str, Any]) -> Needed:
        """The code system that a part of a value set takes its codes from; CannotExpandError against `check`."""
        system, named = part["system"], part.get("version", "")
        checked = self.check.get(system)
        if checked is not None and named not in ("", checked):
            raise CannotExpandError(f"the value set takes {system} in another version than check-system-version")
        chosen = self.force.get(system) or named or checked or self.default.get(system, "")
        return canonical("CodeSystem", system, chosen)


AS_NAMED: Final = Versions()


def dependencies(content: Content, versions: Versions = AS_NAMED) -> Iterator[Needed]:
    """The resources that the expansion of a value set needs besides the value set itself.

    Of codes that it lists itself only where those out of use are not to be among them.
    """
    by_use = content.get("compose", {}).get("inactive") is False
    for part in _parts(content):
        if "system" in part and ("concept" not in part or by_use):
            yield versions.of(part)
        for imported in part.get("valueSet", ()):
            yield canonical("ValueSet", imported)


def helpful(content: Content, versions: Versions = AS_NAMED) -> Iterator[Needed]:
    """The code systems whose names for codes, and whether these are still in use, an expansion tells where it can."""
    for part in _parts(content):
        if "system" in part and "concept" in part:
            yield versions.of(part)


def is_expanded(content: Content) -> bool:
    """Whether the resource carries an expansion that says to be all of it."""
    expansion = content.get("expansion")
    if expansion is None or expansion.get("offset") or not expansion.get("contains"):
        return False
    if any(
        each.get("url") in _INCOMPLETE and each.get("valueBoolean", True) for each in expansion.get("extension", ())
    ):
        return False
    if any(each.get("name") == _LIMITED and each.get("valueBoolean") for each in expansion.get("parameter", ())):
        return False
    listed = sum(1 for _ in contained(expansion["contains"]))
    return int(expansion.get("total", listed)) <= listed


def contained(contains: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Every entry of an expansion in its order, nested ones included."""
    waiting = [*reversed([*contains])]
    while waiting:
        entry = waiting.pop()
        yield entry
        waiting.extend(reversed(entry.get("contains", ())))


def missing(
    roots: Iterable[Needed], held: Held, following: Callable[[Content], Iterable[Needed]] = dependencies
) -> tuple[list[Needed], int]:
    """What `roots` depend on and is not held yet, and how many resources they depend on as far as is known."""
    seen: dict[Needed, None] = {}
    waiting = [*roots]
    while waiting:
        needed = waiting.pop()
        if needed in seen:
            continue
        seen[needed] = None
        if needed.type == "ValueSet":
            waiting.extend(each for content in held.get(needed, ()) for each in following(content))
    return [each for each in seen if each not in held], len(seen)


def only(name: str, found: Sequence[Content]) -> Content:
    """The only resource of a name, or the only active one; NotHeldError, SeveralHeldError."""
    active = [each for each in found if each.get("status") == "active"] if len(found) > 1 else found
    if len(active) == 1:
        return active[0]
    if not found:
        raise NotHeldError(f"the service does not hold the {name}")
    raise SeveralHeldError(f"there are several versions of the {name}; name one, as in url|version")


def _parts(content: Content) -> Iterator[Mapping[str, Any]]:
    """The includes and excludes of a value set that has yet to be expanded."""
    if not is_expanded(content):
        compose = content.get("compose", {})
        yield from (*compose.get("include", ()), *compose.get("exclude", ()))
