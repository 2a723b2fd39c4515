"""What decision support puts on record: calls with the rules that were found, feedback, refusals; not what was sent."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from service.access.network import who_calls
from service.cds.hooks import SERVICE
from service.fhir.audit.record import Record, bounded_query
from service.fhir.audit.repeats import Repeats
from service.fhir.outcome import Category, FhirError, Result, failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from starlette.requests import Request

    from service.rest.recording import Journal

_LOGGER: Final = logging.getLogger(__name__)
_RETRY_AFTER_SECONDS: Final = 2


class Recording:
    """Keeps records in the journal before an answer leaves; None: nothing is on record."""

    def __init__(self, journal: Journal | None, now: Callable[[], datetime]) -> None:
        self._journal = journal
        self._now = now
        self._repeats = Repeats()

    async def answered(self, request: Request, *told: Mapping[str, str], user: str | None = None) -> None:
        """Put on record what was asked and found, a record for each; FhirError audit-unavailable or busy."""
        fields = [{"status": Result.OK.status, "user": user, **bounded_query(urlencode(each))} for each in told]
        await self._keep(request, *fields)

    async def refused(self, request: Request, error: FhirError) -> None:
        """Put a refusal on record, one a minute of those for asking too often; none of what the service cannot do."""
        if error.category is Category.UNAVAILABLE:
            return
        if error.category is Category.THROTTLED and self._repeats.is_one(_caller(request), self._now()):
            return
        await self._keep(request, {"status": error.category.status, "error": error.code})

    async def _keep(self, request: Request, *fields: Mapping[str, Any]) -> None:
        if self._journal is None:
            return
        shared: dict[str, Any] = {
            "at": self._now(),
            "interaction": "operation",
            "operation": f"cds-{SERVICE}",
            "request": request.state.id,
            "client": getattr(request.state, "caller", None),
            "address": request.client.host if request.client else None,
        }
        try:
            await self._journal.keep([Record(**shared, **each) for each in fields])
        except Exception as error:
            if isinstance(error, FhirError) and error.code == "busy":
                raise
            if not isinstance(error, FhirError):
                _LOGGER.exception("audit records cannot be kept", extra={"fields": {"request_id": request.state.id}})
            told = "The request could not be put on record, and is not answered without; send it again."
            raise failure("audit-unavailable", told, retry_after_seconds=_RETRY_AFTER_SECONDS) from error


def _caller(request: Request) -> str:
    known: str | None = getattr(request.state, "caller", None)
    return known or f"{who_calls(request.client.host if request.client else None)} "
