"""SearchParameter resources → facts for the registry: those that ship with the service, and those that are stored.

https://hl7.org/fhir/R4/searchparameter.html. A resource says what R4's own parameters say, with the same expressions;
what the service cannot index is refused with the reason. Only one of status active takes effect: a draft is not meant
to be used, as R4 says, and may be stored whatever it says. ``parameters/`` holds the ones that ship.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from msgspec import Struct

from service.fhir.definitions import SearchParameterFact
from service.fhir.definitions.search_parameters import expression_for, normalise, split_union
from service.fhir.outcome import failure
from service.fhir.search.parameter import KINDS
from service.fhir.search.restriction import UNRESTRICTED, Restriction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.fhir.definitions import Definitions
    from service.fhir.outcome import FhirError
    from service.fhir.resource import Content

Facts = dict[str, list[SearchParameterFact]]
"""Resource type → further search parameters of the type."""

State = Literal["indexing", "ready", "leaving", "left"]
"""How far the index has come with a stored parameter.

It is indexed from the write on (indexing), searched by once all resources are indexed (ready), indexed a little longer
than it is searched by (leaving), and its rows stay a little longer still (left).
"""

_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9\-]{0,63}")
_ACTIVE: Final = "active"
_USAGE: Final = "normal"


class StoredParameter(Struct, frozen=True, kw_only=True):
    """What a stored SearchParameter says of each of its types, and how far the index has come with it.

    `restriction` holds for searches: nothing is indexed otherwise because of it.
    """

    facts: Mapping[str, SearchParameterFact]
    state: State
    restriction: Restriction = UNRESTRICTED

    @property
    def url(self) -> str:
        """Its canonical URL, empty where it says nothing."""
        return next((fact.url for fact in self.facts.values()), "")


def shipped_parameters(definitions: Definitions) -> Facts:
    """The parameters that ship with the service, of the served types."""
    found: Facts = {}
    folder = resources.files("service.fhir.search") / "parameters"
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        content = msgspec.json.decode(file.read_bytes())
        if set(content["base"]) <= set(definitions.resource_types):
            for resource_type, fact in parameter_facts(definitions, content).items():
                found.setdefault(resource_type, []).append(fact)
    return found


def parameter_facts(
    definitions: Definitions, content: Content, others: Mapping[str, list[SearchParameterFact]] | None = None
) -> dict[str, SearchParameterFact]:
    """Resource type → what a valid SearchParameter resource says of it; nothing unless it is active.

    `others` are the parameters beside R4's that the release has. FhirError search-parameter says what would be
    accepted. Whether the expression can be indexed is for the registry to say, see `acceptance`.
    """
    if content["status"] != _ACTIVE:
        return {}
    if content["type"] not in KINDS:
        raise refused(f"type is one of {', '.join(KINDS)}", "type")
    if not _CODE.fullmatch(content["code"]):
        raise refused("code is up to 64 letters, digits and hyphens, the first a letter", "code")
    if content["type"] == "reference" and not content.get("target"):
        raise refused("a reference names the resource types of its target", "target")
    if content.get("xpathUsage", _USAGE) != _USAGE:
        raise refused(f"xpathUsage, where it is sent, is {_USAGE}", "xpathUsage")
    if "modifierExtension" in content:
        raise refused("the service knows no modifier extensions of it", "modifierExtension")
    return {each: _fact(definitions, content, each, others or {}) for each in content["base"]}


def refuse_doubles(parameter: StoredParameter, others: Iterable[StoredParameter]) -> None:
    """FhirError where one of the other stored parameters has the code for one of the types, or the URL."""
    for other in others:
        for resource_type, fact in parameter.facts.items():
            if resource_type in other.facts and other.facts[resource_type].code == fact.code:
                raise refused(f"{resource_type} has a parameter {fact.code} already", "code")
        if parameter.url == other.url:
            raise refused("another stored parameter has its url", "url")


def _fact(
    definitions: Definitions,
    content: Content,
    resource_type: str,
    others: Mapping[str, list[SearchParameterFact]],
) -> SearchParameterFact:
    if resource_type not in definitions.resource_types:
        raise refused("base is one or more of the resource types that the service serves", "base")
    known = {each.code: each for each in definitions.search_parameters(resource_type).values()}
    known.update((each.code, each) for each in others.get(resource_type, ()))
    if content["code"] in known:
        raise refused(f"{resource_type} has a parameter {content['code']} already", "code")
    return SearchParameterFact(
        code=content["code"],
        url=content["url"],
        kind=content["type"],
        expression=_expression(resource_type, content.get("expression", "")),
        targets=tuple(content.get("target", ())),
        components=_components(content, {each.url: each.code for each in known.values()}),
        description=" ".join(content.get("description", "").split()),
    )


def _expression(resource_type: str, expression: str) -> str:
    try:
        found = expression_for(resource_type, expression)
    except ValueError:
        found = ""
    if not found:
        raise refused(f"expression has a part for {resource_type}", "expression")
    return found


def _components(content: Content, codes: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    components: list[dict[str, Any]] = content.get("component", [])
    if (content["type"] == "composite") != bool(components):
        raise refused("a composite has components, and nothing else has", "component")
    if unknown := [each for each in components if each["definition"] not in codes]:
        place = f"component[{components.index(unknown[0])}].definition"
        raise refused(
            "the definition of a component is the url of a parameter that R4 or the service has for the type",
            place,
        )
    return tuple(
        (codes[each["definition"]], " | ".join(map(normalise, split_union(each["expression"])))) for each in components
    )


def refused(rule: str, element: str) -> FhirError:
    """The refusal of a SearchParameter by what would be accepted in the element."""
    return failure("search-parameter", f"The search parameter cannot be served: {rule}.", f"SearchParameter.{element}")
