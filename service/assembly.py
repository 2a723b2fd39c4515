"""The engine's parts, put together from settings: for a running service, and for commands that write without one."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from service.fhir import definitions as r4
from service.fhir.address import routes_of
from service.fhir.link_map import LinkMap
from service.fhir.search.extract import Extractor
from service.fhir.search.registry import Registry
from service.fhir.search.result_parameters import SearchLimits
from service.fhir.validation import Validator
from service.interactions.parts import Limits, Parts
from service.interactions.profiles import Profiles
from service.massage import profiles as massage_profiles
from service.shipped import NOTICES
from service.store.pool import Pool
from service.store.statistics import refresh_statistics
from service.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.settings import Settings
    from service.store.audit.chain import Chains

_COMMAND_ACQUIRE_SECONDS: Final = 60.0
_COMMAND_STATEMENT_SECONDS: Final = 600.0
"""Nobody waits for an answer."""


def version() -> str:
    """The version of the installed service."""
    return importlib.metadata.version("massage-fhir")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """What FHIR R4 says, compiled: the same for every service, and safe to share between several in one process."""

    definitions: r4.Definitions
    registry: Registry
    validator: Validator
    link_map: LinkMap


def compile_standard() -> Standard:
    """R4 from the packaged facts; each type's details follow when it is first used."""
    definitions = r4.load()
    registry = Registry(definitions)
    return Standard(
        definitions=definitions,
        registry=registry,
        validator=Validator(definitions),
        link_map=LinkMap(definitions),
    )


def command_pool(
    settings: Settings, *, connections: int = 1, acquire_timeout_seconds: float = _COMMAND_ACQUIRE_SECONDS
) -> Pool:
    """A pool of few connections, for a command or a job that uses them for as long as it takes."""
    if settings.database_url is None:
        raise ValueError("the settings name no database")
    return Pool(
        settings.database_url.get_secret_value(),
        min_size=0,
        max_size=connections,
        acquire_timeout_seconds=acquire_timeout_seconds,
        statement_timeout_seconds=_COMMAND_STATEMENT_SECONDS,
    )


async def take_stock(settings: Settings) -> None:
    """Let the database know what a command has filled it with, so that searches are fast right away."""
    async with command_pool(settings) as pool, Store(pool).session() as session:
        await refresh_statistics(session)


def assemble(
    settings: Settings,
    standard: Standard,
    pool: Pool,
    cursor_secret: str,
    *,
    chains: Chains | None = None,
    security: Mapping[str, Any] | None = None,
) -> Parts:
    """What the engine, and commands that write, work with; connects to nothing."""
    return Parts(
        store=Store(pool, chains=chains),
        definitions=standard.definitions,
        registry=standard.registry,
        validator=standard.validator,
        extractor=Extractor(standard.registry, zone=settings.time_zone),
        limits=Limits(
            referential_integrity=settings.referential_integrity,
            require_if_match=settings.require_if_match,
            max_bundle_entries=settings.max_bundle_entries,
            search=_search_limits(settings),
        ),
        cursor_secret=cursor_secret.encode(),
        zone=settings.time_zone,
        link_map=standard.link_map,
        routes=routes_of(standard.definitions),
        software_version=version(),
        started_on=datetime.now(UTC).date().isoformat(),
        audited=chains is not None,
        profiles=Profiles(standard.definitions, massage_profiles.supported()),
        notices=NOTICES,
        security=dict(security) if security else None,
    )


def _search_limits(settings: Settings) -> SearchLimits:
    return SearchLimits(
        values=settings.max_search_values,
        criteria=settings.max_search_criteria,
        chain=settings.max_chain_links,
        sort_keys=settings.max_sort_keys,
        includes=settings.max_includes,
        included=settings.max_included,
        iterations=settings.max_include_rounds,
        codes=settings.max_value_set_codes,
        default_page_size=settings.default_page_size,
        max_page_size=settings.max_page_size,
    )
