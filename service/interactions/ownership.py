"""What belongs to the service itself: resources below its canonical root, which clients read and do not write.

They come with the service (`shipped`). Which ones they are needs no list: it is in their canonical URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.outcome import CANONICAL, Issue, failure

if TYPE_CHECKING:
    from service.fhir.outcome import FhirError
    from service.interactions.writing import Target

_ROOT: Final = f"{CANONICAL}/"
_ROOT_BYTES: Final = _ROOT.encode()
_CODE: Final = "service-owned"
_STORED: Final = (
    "The resource comes with the service, which alone changes it. Store a resource of your own, under a canonical URL "
    "of your own."
)
_SENT: Final = f"Canonical URLs below {_ROOT} are the service's own; use one of your own."


def is_owned(content: Any) -> bool:
    """Whether the content of a resource says that it is the service's own."""
    url = content.get("url")
    return type(url) is str and url.startswith(_ROOT)


def refuse_owned(target: Target, content: Any = None) -> None:
    """FhirError service-owned where a client changes or deletes what is the service's own, or makes another of it."""
    stored = target.content
    if stored is not None and _ROOT_BYTES in stored and is_owned(target.before):
        raise _refusal(target, _STORED)
    if content is not None and is_owned(content):
        raise _refusal(target, _SENT)


def issues_of(content: Any) -> list[Issue]:
    """Why a client could not store the content, as far as it is about whose it is."""
    if not is_owned(content):
        return []
    return [Issue(code=_CODE, diagnostics=_SENT, expression=(f"{content['resourceType']}.url",))]


def _refusal(target: Target, told: str) -> FhirError:
    return failure(_CODE, told, f"{target.type}.url")
