"""What the authorisation server puts on record: tokens given, refused and revoked; who may do what, changed or read.

ATNA counts these among the events of security; BALP has no patterns for them. Never on record are assertions and
tokens. A refused client is named as it has named itself, so that attempts to be somebody are found by whom they are
about; nothing proves that it was they. https://profiles.ihe.net/ITI/TF/Volume2/ITI-20.html
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

from service.access.network import who_calls
from service.access.refusal import Refused
from service.access.registration import is_id
from service.auth.error import OAuthError
from service.auth.token_text import unverified
from service.fhir.audit.record import Record
from service.fhir.audit.repeats import Repeats
from service.fhir.outcome import FhirError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request

    from service.fhir.actor import Client

_LOGGER: Final = logging.getLogger(__name__)
_RETRY_AFTER_SECONDS: Final = 2


class Journal(Protocol):
    """Where records are kept."""

    async def keep(self, records: Sequence[Record]) -> None:
        """Return when the records are durable, raise when they are not."""


class Recording:
    """Keeps records in the journal before an answer leaves; None: nothing is on record."""

    def __init__(self, journal: Journal | None, now: Callable[[], float]) -> None:
        self._journal = journal
        self._now = now
        self._repeats = Repeats()

    async def succeeded(self, event: str, request: Request, client: Client, **fields: Any) -> None:
        """Put on record that a client did something; OAuthError temporarily_unavailable."""
        who = {"client": client.id, "organisation": client.organisation}
        await self._keep(event, request, HTTPStatus.OK, {**who, **fields})

    async def refused(
        self, event: str, request: Request, error: OAuthError, client_id: str | None, **fields: Any
    ) -> None:
        """Put a refusal on record, one a minute of those for asking too often; none of what the service cannot do."""
        if error.code == "temporarily_unavailable":
            return
        address = request.client.host if request.client else None
        who = client_id or f"{who_calls(address)} "
        if error.code == "slow_down" and self._repeats.is_one(who, datetime.fromtimestamp(self._now(), UTC)):
            return
        await self._keep(event, request, error.status, {"client": client_id, "error": error.code, **fields})

    async def _keep(self, event: str, request: Request, status: int, fields: Mapping[str, Any]) -> None:
        if self._journal is None:
            return
        address = request.client.host if request.client else None
        at = datetime.fromtimestamp(self._now(), UTC)
        try:
            await self._journal.keep([Record(at=at, interaction=event, status=status, address=address, **fields)])
        except Exception as error:
            if not isinstance(error, FhirError):
                _LOGGER.exception("audit records cannot be kept")
            told = "The request could not be put on record, and is not answered without; send it again."
            raise OAuthError("temporarily_unavailable", told, _RETRY_AFTER_SECONDS) from error


def claimed_client(form: Mapping[str, str]) -> str | None:
    """Whom the sender of a form says to be; None where no client can have that id."""
    try:
        claimed = unverified(form.get("client_assertion", "")).claims.get("iss")
    except Refused:
        return None
    return claimed if is_id(claimed) else None
