"""Every request leaves a record before its answer leaves; where that cannot be done, there is no answer.

Not on record are OPTIONS, which browsers send by themselves and which concern nobody's data, and refusals of a service
that has no database or no capacity: it has done nothing and could not keep a record either, so they are in the log.
Of requests that are too many one in a minute is on record.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol

from service.access.network import who_calls
from service.fhir.audit.repeats import Repeats
from service.fhir.audit.trail import Trail, intended, what, who
from service.fhir.outcome import FhirError, failure
from service.rest.request import network_address

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
        self._repeats = Repeats()

    def start(self, scope: Scope, request: Request) -> None:
        """Give the request a trail; call it when it is known who asks."""
        address = network_address(scope)
        asks = who(at=self._now(), request=request.request_id, address=address, actor=request.actor)
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
        if request.method == "OPTIONS":
            return
        if error.code in _NOTHING_DONE:
            _log(scope, request, error)
            return
        if error.code == "throttled" and self._repeats.is_one(_caller(scope, request), self._now()):
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


def _log(scope: Scope, request: Request, error: FhirError) -> None:
    """What is known of a request of which there is no record, as far as it leads to no patient."""
    fields = {
        "code": error.code,
        "route": request.address.route if request.address else "-",
        "client": request.actor.client.id if request.actor else None,
        "address": network_address(scope),
        "request_id": request.request_id,
    }
    _LOGGER.warning("refused without a record", extra={"fields": fields})


def _caller(scope: Scope, request: Request) -> str:
    return request.actor.client.id if request.actor else f"{who_calls(network_address(scope))} "


def _unavailable() -> FhirError:
    told = "The request could not be put on record, and is not answered without; send it again."
    return failure("audit-unavailable", told, retry_after_seconds=_RETRY_AFTER_SECONDS)
