"""Key sets that are fetched: kept as long as their Cache-Control allows, fetched again when a key is not in them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from service.access.keys import checked_keys, kept_seconds
from service.access.refusal import Refused
from service.outgoing.error import OutgoingError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from service.access.keys import Key
    from service.outgoing.fetch import Document

    Fetch = Callable[[str], Awaitable[Document]]

_AGAIN_SECONDS: Final = 5.0
"""How soon a set is fetched again for a key that was not in it, or after a failure: nobody may make us a hammer."""


class _Kept(Struct, frozen=True, kw_only=True):
    keys: list[Key]
    fetched_at: float
    expires_at: float
    problem: str = ""


class KeySets:
    """The key sets of one worker, by URL; `now` is in seconds and never goes back."""

    def __init__(self, fetch: Fetch, now: Callable[[], float]) -> None:
        self._fetch = fetch
        self._now = now
        self._kept: dict[str, _Kept] = {}
        self._under_way: dict[str, asyncio.Task[_Kept]] = {}

    async def keys(self, url: str, key_id: str | None) -> list[Key]:
        """The keys at `url`, fetched unless they are kept and `key_id` is among them; Refused.

        Who comes while they are being fetched shares what is found, and whose key is kept does not wait for it.
        """
        kept = self._kept.get(url)
        if kept is None or self._is_outdated(kept, key_id):
            # whoever asked first may go away, the others still wait
            kept = await asyncio.shield(self._asked(url))
        if kept.problem:
            raise Refused(f"The key set could not be read from its URL. {kept.problem}")
        return kept.keys

    def _asked(self, url: str) -> asyncio.Task[_Kept]:
        task = self._under_way.get(url)
        if task is None:
            task = self._under_way[url] = asyncio.create_task(self._refreshed(url))
        return task

    async def _refreshed(self, url: str) -> _Kept:
        try:
            kept = self._kept[url] = await self._fetched(url, self._kept.get(url))
        finally:
            del self._under_way[url]
        return kept

    def _is_outdated(self, kept: _Kept, key_id: str | None) -> bool:
        now = self._now()
        if kept.problem:
            return now >= kept.fetched_at + _AGAIN_SECONDS
        if now >= kept.expires_at:
            return True
        is_missing = key_id is not None and all(key.get("kid") != key_id for key in kept.keys)
        return is_missing and now >= kept.fetched_at + _AGAIN_SECONDS

    async def _fetched(self, url: str, before: _Kept | None) -> _Kept:
        try:
            document = await self._fetch(url)
            keys = checked_keys(document.content)
        except (OutgoingError, Refused) as error:
            now = self._now()
            if before is not None and now < before.expires_at and not before.problem:
                # still allowed to be used; only the key that somebody looks for is not in it
                return replace(before, fetched_at=now)
            return _Kept(keys=[], fetched_at=now, expires_at=now, problem=str(error))
        now = self._now()
        return _Kept(keys=keys, fetched_at=now, expires_at=now + kept_seconds(document.headers))
