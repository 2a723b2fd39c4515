"""A file that never changes while the process runs: compressed once, kept compressed, known by an entity tag."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Nothing is fetched from elsewhere and no inline script or style runs; Swagger UI draws its icons as data: images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A body held gzipped, because nearly every browser and generator takes it so and the reference is large."""

    compressed: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, content: bytes, media_type: str) -> Self:
        """The asset of `content`; equal content has an equal entity tag on every worker."""
        return cls(
            compressed=gzip.compress(content, mtime=0),
            media_type=media_type,
            etag=f'W/"{hashlib.sha256(content).hexdigest()[:32]}"',
        )

    def answer(self, request: Request, *, cache_control: str = "no-cache") -> Response:
        """200 with the body in an encoding that the client takes, or 304 when it has the body already."""
        headers = {"ETag": self.etag, "Cache-Control": cache_control, "Vary": "Accept-Encoding"} | SECURITY_HEADERS
        if self.etag in _listed(request, "if-none-match"):
            return Response(status_code=304, headers=headers)
        if any(map(_is_gzip, _listed(request, "accept-encoding"))):
            headers["Content-Encoding"] = "gzip"
            return Response(self.compressed, headers=headers, media_type=self.media_type)
        return Response(gzip.decompress(self.compressed), headers=headers, media_type=self.media_type)


def kept_for_ever(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    """What answers with a content whose address changes whenever it does."""
    asset = Asset.of(content, media_type)

    async def answer(request: Request) -> Response:
        return asset.answer(request, cache_control="public, max-age=31536000, immutable")

    return answer


def _listed(request: Request, header: str) -> set[str]:
    return {item.strip() for item in request.headers.get(header, "").split(",")}


def _is_gzip(coding: str) -> bool:
    name, _, weight = coding.partition(";")
    return name.strip() == "gzip" and weight.replace(" ", "").rstrip("0.") != "q="
