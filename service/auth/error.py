"""How OAuth refuses: an error code, a sentence, a status. https://www.rfc-editor.org/rfc/rfc6749#section-5.2"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal

from starlette.responses import Response

from service.fhir import codec

if TYPE_CHECKING:
    from service.fhir.outcome import FhirError

Code = Literal[
    "invalid_request",
    "invalid_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_token",
    "insufficient_scope",
    "not_found",
    "already_exists",
    "slow_down",
    "temporarily_unavailable",
]

_STATUS: Final[dict[str, HTTPStatus]] = {
    "invalid_client": HTTPStatus.UNAUTHORIZED,
    "invalid_token": HTTPStatus.UNAUTHORIZED,
    "insufficient_scope": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "already_exists": HTTPStatus.CONFLICT,
    "slow_down": HTTPStatus.TOO_MANY_REQUESTS,
    "temporarily_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}
_CODES: Final[dict[str, Code]] = {
    "unauthenticated": "invalid_token",
    "forbidden": "insufficient_scope",
    "throttled": "slow_down",
}
"""What the gate's refusals are called outside of FHIR; all else is that the service cannot right now."""

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}


@dataclass(slots=True)
class OAuthError(Exception):
    """A refusal; the description is for the integrator and quotes nothing that was sent.

    `cause` is for the log alone: what the sender is not to learn.
    """

    code: Code
    description: str
    retry_after_seconds: int | None = None
    cause: str | None = None

    @property
    def status(self) -> HTTPStatus:
        """The status of the answer."""
        return _STATUS.get(self.code, HTTPStatus.BAD_REQUEST)

    def response(self) -> Response:
        """The refusal as an answer."""
        headers = {**NO_STORE}
        if self.retry_after_seconds is not None:
            headers["Retry-After"] = str(self.retry_after_seconds)
        status = self.status
        if status is HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="massage-fhir"'
        body = {"error": self.code, "error_description": self.description}
        return answer(body, status=status, headers=headers)


def translated(error: FhirError) -> OAuthError:
    """A refusal of the gate or the database in OAuth's words."""
    code = _CODES.get(error.code, "temporarily_unavailable")
    return OAuthError(code, error.issues[0].diagnostics, error.retry_after_seconds)


def answer(content: object, *, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    """JSON that is not to be stored, unless `headers` say otherwise."""
    return Response(codec.encode(content), status, NO_STORE if headers is None else headers, "application/json")
