"""What the operations on codes share: the code systems and value sets that they are about, and why one is refused.

| what is wrong                                                        | status and error code          |
| -------------------------------------------------------------------- | ------------------------------ |
| the CodeSystem, ValueSet or ConceptMap that was named is not held     | 404 `not-found`                |
| several versions of it are, and none was named                        | 412 `multiple-matches`         |
| what it is made of is not held, or is not evaluated                   | 422 `codes-untold`             |
| the codes are more than are listed at once                            | 422 `codes-too-many`           |
| the code system does not have the code ($lookup, $subsumes)           | 404 `code-unknown`             |
| a parameter is missing, or unknown, or has not its form               | 400 `parameter-required`, ...  |
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import failure
from service.fhir.search.terminology import MOST_RESOURCES
from service.fhir.terminology import needed as names
from service.fhir.terminology.compiled import version_key
from service.fhir.terminology.error import CannotExpandError, TooManyError
from service.fhir.terminology.needed import AS_NAMED, Needed, canonical, only
from service.fhir.terminology.value_set import Expander
from service.interactions.held import gather, look_up
from service.operations.parameters import missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.fhir.interaction import Context, Operation
    from service.fhir.outcome import FhirError
    from service.fhir.resource import Content
    from service.fhir.terminology.code_system import CodeSystem
    from service.fhir.terminology.needed import Versions
    from service.fhir.terminology.value_set import Expansion
    from service.interactions.parts import Parts
    from service.operations.parameters import Sent

MOST_CODES: Final = 100_000
"""Codes of a value set that pages are cut from."""


def on(operation: Operation, *types: str, instance: bool = True) -> None:
    """FhirError operation-unknown unless the operation works where it was called."""
    if operation.type not in types or (operation.id is not None and not instance):
        places = " and ".join(types)
        levels = "a type or an instance" if instance else "the type"
        raise failure("operation-unknown", f"${operation.name} works on {levels} of {places}.")


def named(operation: Operation, url: str | None, version: str | None) -> Needed | None:
    """The resource that an operation is about: its instance, or the one with the canonical URL; None without either."""
    if operation.id is not None:
        return Needed(type=str(operation.type), url=f"{operation.type}/{operation.id}")
    return None if url is None else canonical(str(operation.type), url, version or "")


def value_set_of(operation: Operation, asked: Sent) -> Needed | Content:
    """The value set that an operation is about: named, its instance, or sent along; FhirError for none or both."""
    root = named(operation, asked.one("url"), asked.one("valueSetVersion"))
    own: Content | None = asked.one("valueSet")
    if root is not None and own is not None:
        raise failure("parameter-value", "Name the value set or send it, not both.", "http.valueSet")
    chosen = own if root is None else root
    if chosen is None:
        raise missing(f"On the type, ${operation.name} takes the url of the value set.", "url")
    return chosen


async def held(parts: Parts, context: Context, needed: Needed) -> Content:
    """The resource of a name; FhirError not-found, multiple-matches."""
    async with parts.store.session() as session:
        return _the_one(needed, await look_up(parts, session, context, needed))


async def code_system(parts: Parts, context: Context, needed: Needed) -> CodeSystem:
    """The code system of a name, compiled."""
    content = await held(parts, context, needed)
    with told():
        return parts.compiled.code_system(content)


async def expansion(
    parts: Parts, context: Context, root: Needed | Content, *, versions: Versions = AS_NAMED
) -> tuple[Content, Expansion, str]:
    """A value set, all of its codes, and what they were made of: names and versions of resources.

    Equal resources are expanded once; one that was sent along, each time.
    """
    found: dict[Needed, list[Content]] = {}
    start = root if isinstance(root, Needed) else Needed(type="ValueSet", url="what was sent")
    if not isinstance(root, Needed):
        found[start] = [root]

    def absent() -> list[Needed]:
        with told():
            lacking, depended_on = names.missing([start], found, lambda each: _following(each, versions))
        if depended_on > MOST_RESOURCES:
            text = f"The codes depend on more than {MOST_RESOURCES} value sets and code systems."
            raise failure("codes-too-many", text)
        return lacking

    async with parts.store.session() as session:
        await gather(parts, session, context, found, absent)
    content = _the_one(start, found[start])

    def known(needed: Needed) -> Content:
        return only(str(needed), found.get(needed, ()))

    expander = Expander(known, limit=MOST_CODES, versions=versions, compile=parts.compiled.code_system)
    keys = [version_key(each) for contents in found.values() for each in contents]
    seed = f"{sorted(map(str, keys))} {versions}"
    if not isinstance(root, Needed):
        # whatever it says of its version
        with told():
            return content, expander.value_set(start), f"{seed} {content}"
    with told():
        return content, parts.compiled.expansion(f"{start} {seed}", lambda: expander.value_set(start)), seed


@contextmanager
def told() -> Iterator[None]:
    """FhirError codes-untold or codes-too-many in the place of what keeps codes from being told."""
    try:
        yield
    except TooManyError as error:
        raise _refusal("codes-too-many", error) from error
    except CannotExpandError as error:
        raise _refusal("codes-untold", error) from error
    except KeyError as error:
        text = f"The codes cannot be told: a resource has an extension in the place of {error}."
        raise failure("codes-untold", text) from error


def codings(values: dict[str, Any], operation: str) -> list[dict[str, Any]]:
    """The codes that were sent, in one of three ways; FhirError where it is none or more than one.

    `values` are those of code (a Coding, made of code, system, version and display), coding and codeableConcept.
    """
    given = {name: value for name, value in values.items() if value is not None}
    if len(given) != 1:
        text = f"${operation} takes one of code, coding and codeableConcept."
        raise failure("parameter-value" if given else "parameter-required", text, "http.code")
    (found,) = given.values()
    listed = found.get("coding", []) if "codeableConcept" in given else [found]
    if not listed or any("code" not in each for each in listed):
        raise failure("parameter-value", "There must be a code to look for.", f"http.{next(iter(given))}")
    return list(listed)


def _following(content: Content, versions: Versions) -> list[Needed]:
    return [*names.dependencies(content, versions), *names.helpful(content, versions)]


def _the_one(needed: Needed, found: Sequence[Content]) -> Content:
    """The resource that the client named; its name is not repeated to it."""
    try:
        return only(needed.type, found)
    except CannotExpandError as error:
        code = "multiple-matches" if found else "not-found"
        raise failure(code, _sentence(error)) from error


def _refusal(code: str, error: CannotExpandError) -> FhirError:
    return failure(code, f"The codes cannot be told: {error}.")


def _sentence(error: CannotExpandError) -> str:
    text = str(error)
    return f"{text[0].upper()}{text[1:]}."
