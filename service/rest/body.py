"""What was sent: received within a time and up to a limit, uncompressed up to the same limit, decoded.

https://hl7.org/fhir/R4/http.html#mime-type
"""

from __future__ import annotations

import asyncio
from types import coroutine
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import Struct

from service.fhir import codec
from service.fhir.outcome import failure
from service.fhir.url_encoding import parse_query
from service.rest import coding
from service.rest.negotiation import BodyKind, body_kind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator, MutableMapping

    from service.fhir.interaction import Parameters
    from service.fhir.resource import Content

    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

RESOURCE: Final = (BodyKind.FHIR_JSON, BodyKind.JSON)
PATCH: Final = (BodyKind.JSON_PATCH, BodyKind.FHIR_JSON, BodyKind.JSON)
FORM: Final = (BodyKind.FORM,)


class ClientDisconnectedError(Exception):
    """The client went away before the whole body arrived: there is nobody to answer."""


class Body(Struct, kw_only=True):
    """The body of one request, not yet received."""

    receive: Receive
    headers: dict[bytes, bytes]
    max_bytes: int
    timeout_seconds: float

    async def resource(self) -> Content:
        """The body as a JSON object. FhirError body-required, type-mismatch and what `codec.decode` raises."""
        content = await self.optional_resource()
        if content is None:
            raise failure("body-required", "The interaction needs a resource as its body.", "http.body")
        return content

    async def optional_resource(self) -> Content | None:
        """The body as a JSON object, None where nothing was sent."""
        data = await self._received(RESOURCE)
        if not data:
            return None
        content = codec.decode(data)
        if not isinstance(content, dict):
            raise failure("type-mismatch", "The body must be a JSON object with a resourceType.", "http.body")
        return content

    async def patch(self) -> list[Any] | Content:
        """The body as a JSON Patch (a list) or a FHIRPath Patch (an object); FhirError patch-invalid."""
        data = await self._received(PATCH)
        if not data:
            raise failure("body-required", "A patch needs a patch document as its body.", "http.body")
        document = codec.decode(data)
        kind = body_kind(self.headers[b"content-type"], PATCH)
        if isinstance(document, list) and kind is not BodyKind.FHIR_JSON:
            return document
        if isinstance(document, dict) and kind is not BodyKind.JSON_PATCH:
            return document
        raise failure(
            "patch-invalid",
            f"A JSON Patch is an array sent as {BodyKind.JSON_PATCH.value}; "
            f"a FHIRPath Patch is a Parameters resource sent as {BodyKind.FHIR_JSON.value}.",
            "http.body",
        )

    async def form(self) -> Parameters:
        """The parameters of a form, none where nothing was sent."""
        return parse_query(await self._received(FORM), "http.body")

    async def _received(self, allowed: tuple[BodyKind, ...]) -> bytes:
        """The bytes without content coding; the type is checked before they are received, unless there are none."""
        length = self._announced_length()
        if length > self.max_bytes:
            raise coding.too_large(self.max_bytes)
        content_type = self.headers.get(b"content-type", b"")
        if content_type:
            body_kind(content_type, allowed)
        data = await self._in_time()
        if data and not content_type:
            body_kind(content_type, allowed)
        encoding = self.headers.get(b"content-encoding")
        return coding.decoded(data, encoding, self.max_bytes) if encoding else data

    def _announced_length(self) -> int:
        text = self.headers.get(b"content-length", b"0")
        if not text.isdigit():
            raise failure("header-invalid", "The Content-Length must be a number of bytes.", "http.Content-Length")
        return int(text[:20])

    async def _in_time(self) -> bytes:
        """All bytes; FhirError request-timeout from a client that sends them too slowly, or not at all."""
        receiving = self._whole()
        try:
            awaited = receiving.send(None)
        except StopIteration as received:  # a small body is there as soon as its headers, and needs no timer
            return cast("bytes", received.value)
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await _resumed(receiving, awaited)
        except TimeoutError:
            told = f"The body was not there after {self.timeout_seconds:g} seconds; send the request again."
            raise failure("request-timeout", told, "http.body") from None

    async def _whole(self) -> bytes:
        """All bytes; FhirError body-too-large as soon as there are too many, ClientDisconnectedError."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnectedError
            part = message.get("body", b"")
            size += len(part)
            if size > self.max_bytes:
                raise coding.too_large(self.max_bytes)
            parts.append(part)
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)


@coroutine
def _resumed(started: Coroutine[Any, Any, bytes], awaited: Any) -> Generator[Any, Any, bytes]:
    """The result of a coroutine that was started by hand and waits for `awaited`."""
    try:
        yield awaited
    except BaseException as error:
        started.throw(error)
        raise
    return (yield from started.__await__())
