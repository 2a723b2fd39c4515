"""Links inside a transaction Bundle: temporary and conditional references become literal ones.

https://hl7.org/fhir/R4/http.html#trules: a link equal to an entry's fullUrl is replaced wherever R4 says it is a link
(Reference.reference; uri, url, oid and uuid elements; href and src of the narrative), never in canonicals or strings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from service.fhir.definitions import Definitions, Element
    from service.fhir.resource import Content

_LINK_TYPES: Final = frozenset({"uri", "url", "oid", "uuid"})
_RESTFUL: Final = re.compile(r"(?P<root>https?://.+/)(?P<relative>[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})")
_CONDITIONAL: Final = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?(?P<query>.+)", re.DOTALL)
_NARRATIVE_LINK: Final = re.compile(r"""(?<=\s)((?:href|src)\s*=\s*)(["'])(.*?)\2""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What every link of a Bundle leads to.

    `targets`: fullUrl → ``Type/id``. `conditional`: ``Type?criteria`` → ``Type/id``. `names`: elements that hold links.
    """

    targets: Mapping[str, str]
    conditional: Mapping[str, str]
    names: frozenset[str]

    def resolved(self, content: Content, full_url: str | None, where: str) -> Content:
        """The content with its links replaced; FhirError reference-invalid for a ``urn:`` that leads nowhere."""
        root = full_url and (match := _RESTFUL.fullmatch(full_url)) and match["root"]

        def replace(name: str, link: str) -> str:
            target = self.targets.get(link) or self.conditional.get(link)
            if target is None and root:
                target = self.targets.get(f"{root}{link}")
            if target is not None:
                return target
            if name == "reference" and link.startswith(("urn:uuid:", "urn:oid:")):
                raise failure(
                    "reference-invalid",
                    "A urn: reference does not equal the fullUrl of any entry of the Bundle.",
                    where,
                )
            return link

        rewritten: Content = _rewritten(content, self.names, replace)
        return rewritten


def link_names(definitions: Definitions) -> frozenset[str]:
    """JSON names of the elements that hold links, leaving out names that some type also gives to a plain string."""
    links: set[str] = set()
    others: set[str] = set()
    for type_name in definitions.resource_types:
        for element in _elements(definitions.type(type_name).elements):
            for element_type in element.types:
                name = element.name
                if element.choice:
                    name += element_type.code[0].upper() + element_type.code[1:]
                (links if element_type.code in _LINK_TYPES else others).add(name)
    return frozenset((links - others) | {"reference"})


def conditional_references(content: Any) -> Iterator[tuple[str, str, str]]:
    """(reference, type, query) for each reference of the form ``Patient?identifier=system|value``."""
    for reference in _references(content):
        match = _CONDITIONAL.fullmatch(reference)
        if match:
            yield reference, match["type"], match["query"]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, child in value.items():
            if name == "reference" and isinstance(child, str):
                yield child
            elif isinstance(child, dict | list):
                yield from _references(child)
    elif isinstance(value, list):
        for child in value:
            yield from _references(child)


def _rewritten(value: Any, names: frozenset[str], replace: Callable[[str, str], str]) -> Any:
    if isinstance(value, list):
        return [_rewritten(child, names, replace) if isinstance(child, dict | list) else child for child in value]
    result = {}
    for name, child in value.items():
        if isinstance(child, dict | list):
            result[name] = _rewritten(child, names, replace)
        elif isinstance(child, str) and name in names:
            result[name] = replace(name, child)
        elif name == "div" and isinstance(child, str):
            result[name] = _NARRATIVE_LINK.sub(lambda match: _narrative_link(match, replace), child)
        else:
            result[name] = child
    return result


def _narrative_link(match: re.Match[str], replace: Callable[[str, str], str]) -> str:
    attribute, quote, link = match.groups()
    return f"{attribute}{quote}{replace('div', link)}{quote}"


def _elements(elements: tuple[Element, ...]) -> Iterator[Element]:
    for element in elements:
        yield element
        yield from _elements(element.children)
