"""Addresses on our own base, as paths, so that they hold behind every name that the service is called by.

Nothing else becomes a link: what a resource says of other servers, of ``javascript:`` or of files is text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from service.fhir.reference import parse_local

if TYPE_CHECKING:
    from collections.abc import Container, Sequence


_SLASHES: Final = "/\\\t\n\r "
"""What browsers take for the slashes of another host, or leave out before these."""


class Links:
    """The addresses of a service whose base its clients see as `base`; `types` are those that it serves."""

    def __init__(self, base: str, types: Container[str]) -> None:
        self.base = base
        self.root = urlsplit(base).path
        self._types = types

    @property
    def above(self) -> str:
        """The path above the base, where the pages outside of FHIR are: empty, or without a slash at its end."""
        return self.root.rpartition("/")[0]

    def to(self, *segments: str, query: str = "") -> str:
        """The address of a place below the base."""
        path = "/".join(quote(each, safe="$") for each in segments)
        return f"{self.root}/{path}{f'?{query}' if query else ''}"

    def reference(self, reference: str) -> str:
        """Where a literal reference leads; empty where that is not a resource of ours."""
        target = parse_local(reference.partition("#")[0], self.base, self._types)
        if target is None:
            return ""
        version = ("_history", target.version_id) if target.version_id else ()
        return self.to(target.type, target.id, *version)

    def canonical(self, url: str, targets: Sequence[str]) -> str:
        """Where the definition of a canonical URL is found; empty where it is not known of which type that is."""
        if len(targets) != 1 or targets[0] not in self._types or not url.startswith(("http://", "https://", "urn:")):
            return ""
        return self.to(targets[0], query=f"url={quote(url.partition('|')[0], safe='')}")

    def own(self, url: str) -> str:
        """The path of an absolute URL on our base, such as that of the next page of a search; empty for another one."""
        if not url.startswith((f"{self.base}/", f"{self.base}?")):
            return ""
        return self.below(url[len(self.base) :])

    def below(self, target: str) -> str:
        """The address of a path and query below the base; nothing at its beginning makes a browser go elsewhere."""
        return f"{self.root}/{target.lstrip(_SLASHES)}"
