"""Every request leaves a record before its answer leaves; where that cannot be done, there is no answer.

Not on record are what concerns nobody's data (the CapabilityStatement, OPTIONS) and refusals of a service that has no
database or no capacity, which has done nothing and could not keep a record either.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol

from service.fhir.address import Place
from service.fhir.audit.trail import Trail, intended, what, who
from service.fhir.outcome import FhirError, failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from service.fhir.audit.record import Record
    from service.rest.request import Request, Scope


_LOGGER: Final = logging.getLogger(__name__)
_NOTHING_DONE: Final = frozenset({"busy", "database-unavailable", "shutting-down"})
_RETRY_AFTER_SECONDS: Final = 2


class Journal(Protocol):
    """Where records are kept."""

    async def keep(self, records: Sequence[Record]) -> None:
        """Return when the records are durable, raise when they are not."""

    def expect(self) -> None:
        """Somebody will ask to keep records soon: they go with those of others."""

    def forget(self) -> None:
        """Somebody who was expected is not any more; called right before `keep`, too."""


class Recording:
    """Makes the trail of a request, and keeps its records in the journal."""

    def __init__(self, journal: Journal, now: Callable[[], datetime]) -> None:
        self._journal = journal
        self._now = now

    def start(self, scope: Scope, request: Request) -> None:
        """Give the request a trail; call it when it is known who asks."""
        client = scope.get("client")
        asks = who(
            at=self._now(), request=request.request_id, address=client[0] if client else None, actor=request.actor
        )
        request.trail = Trail(asks, request.base)

    def expect(self, request: Request) -> None:
        """A request that reads is about to be performed."""
        if request.method == "GET":
            request.is_expected = True
            self._journal.expect()

    def forget(self, request: Request) -> None:
        """It is over; may be called again."""
        if request.is_expected:
            request.is_expected = False
            self._journal.forget()

    def refused(self, scope: Scope, request: Request, error: FhirError) -> None:
        """Add the record of a refusal or a failure to the trail."""
        address = request.address
        if error.code in _NOTHING_DONE or request.method == "OPTIONS":
            return
        if address is not None and address.place is Place.METADATA:
            return
        if request.trail is None:
            self.start(scope, request)
        if request.trail is not None:
            query = scope.get("query_string", b"")
            asked = what(request.interaction) if request.interaction else intended(address, request.method, query)
            request.trail.add(request.trail.refused(asked, error))

    async def keep(self, request: Request) -> None:
        """Return when the records of the trail are durable; FhirError audit-unavailable or busy."""
        records = request.trail.take() if request.trail is not None else None
        if not records:
            return
        try:
            await self._journal.keep(records)
        except FhirError as error:
            if error.code == "busy":
                raise
            raise _unavailable() from error
        except Exception as error:
            _LOGGER.exception("audit records cannot be kept", extra={"fields": {"request_id": request.request_id}})
            raise _unavailable() from error


def _unavailable() -> FhirError:
    told = "The request could not be put on record, and is not answered without; send it again."
    return failure("audit-unavailable", told, retry_after_seconds=_RETRY_AFTER_SECONDS)
