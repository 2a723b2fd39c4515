"""What the interactions work with, put together by the composition root."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from service.fhir.search.result_parameters import SearchLimits
from service.fhir.terminology.compiled import Compiled
from service.store.lease import Lease

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from service.fhir.address import Routes
    from service.fhir.definitions import Definitions
    from service.fhir.link_map import LinkMap
    from service.fhir.resource import Content
    from service.fhir.search.extract import Extractor
    from service.fhir.search.registry import Registry
    from service.fhir.validation import Validator
    from service.interactions.profiles import Profiles
    from service.interactions.rules import Rules
    from service.store.store import Store

_MOST_KNOWN: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a deployment may choose: see the settings of the same names."""

    referential_integrity: bool = False
    require_if_match: bool = False
    max_bundle_entries: int = 1000
    search: SearchLimits = field(default_factory=SearchLimits)


class KnownCriteria:
    """Keys of criteria that matched something lately, in this worker: a hint about what they will match next."""

    def __init__(self) -> None:
        self._keys: set[int] = set()

    def add(self, keys: Iterable[int]) -> None:
        """Remember criteria; of very many all are forgotten first."""
        if len(self._keys) >= _MOST_KNOWN:
            self._keys.clear()
        self._keys.update(keys)

    def has_any(self, keys: Iterable[int]) -> bool:
        """Whether any of the criteria matched something lately."""
        return not self._keys.isdisjoint(keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The engine's parts. `cursor_secret` seals page links; `zone` is that of dates without one.

    The search parameters of `registry` may be written and searched by under the `lease`.
    """

    store: Store
    definitions: Definitions
    registry: Registry
    validator: Validator
    extractor: Extractor
    limits: Limits
    cursor_secret: bytes
    zone: tzinfo
    link_map: LinkMap
    routes: Routes
    software_version: str
    started_on: str
    lease: Lease = field(default_factory=Lease)
    compiled: Compiled = field(default_factory=Compiled)
    """Code systems and expansions that were made before."""
    profiles: Profiles | None = None
    """What resources that claim profiles are held against; None where claims are not looked at."""
    rules: Rules | None = None
    """What the domain demands of writes; None where it demands nothing."""
    known_criteria: KnownCriteria = field(default_factory=KnownCriteria)
    audited: bool = False
    """Whether interactions are put on record, which makes AuditEvents the service's own."""
    notices: tuple[str, ...] = ()
    """Sentences of the CapabilityStatement that readers must see."""
    security: Content | None = None
    """What the CapabilityStatement says of access; None where everybody has it."""
