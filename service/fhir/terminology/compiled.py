"""What was made of resources, kept by their versions: a version never changes, so nothing here grows stale."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeVar

from service.fhir.terminology.code_system import CodeSystem

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from service.fhir.resource import Content
    from service.fhir.terminology.value_set import Expansion

VersionKey = tuple[str, str, str]
"""Resource type, logical id, version id."""

_MOST_CODES: Final = 200_000
_MOST: Final = 256

_T = TypeVar("_T")


def version_key(content: Content) -> VersionKey | None:
    """Which version a stored resource is; None of one that was sent along."""
    version = content.get("meta", {}).get("versionId")
    return None if version is None or "id" not in content else (content["resourceType"], content["id"], version)


class Compiled:
    """Code systems and expansions, the latest used ones, up to some 200,000 codes of each kind."""

    def __init__(self) -> None:
        self._systems: Final[OrderedDict[Hashable, tuple[CodeSystem, int]]] = OrderedDict()
        self._expansions: Final[OrderedDict[Hashable, tuple[Expansion, int]]] = OrderedDict()

    def code_system(self, content: Content) -> CodeSystem:
        """The compiled resource; CannotExpandError."""
        key = version_key(content)
        if key is None:
            return CodeSystem(content)
        return _kept(self._systems, key, lambda: CodeSystem(content), len)

    def expansion(self, key: Hashable | None, make: Callable[[], Expansion]) -> Expansion:
        """The expansion of a key, made if need be; of no key it is not kept."""
        return make() if key is None else _kept(self._expansions, key, make, len)


def _kept(
    kept: OrderedDict[Hashable, tuple[_T, int]], key: Hashable, make: Callable[[], _T], size: Callable[[_T], int]
) -> _T:
    found = kept.get(key)
    if found is None:
        made = make()
        found = kept[key] = (made, size(made))
        while len(kept) > 1 and (len(kept) > _MOST or sum(each for _, each in kept.values()) > _MOST_CODES):
            kept.popitem(last=False)
    else:
        kept.move_to_end(key)
    return found[0]
