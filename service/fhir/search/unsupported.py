"""What of R4's searches the service knowingly does not answer, with the reasons."""

from __future__ import annotations

from typing import Final

UNSUPPORTED_KINDS: Final = {"special": "the service has no geometry to answer it with"}
"""R4's search parameter types that the service does not answer, with the reason."""

UNSUPPORTED_PARAMETERS: Final = {
    "_content": "the service keeps no full-text index",
    "_text": "the service keeps no full-text index",
    "_query": "the service defines no named queries",
    "_filter": "the service does not read filter expressions",
    "_in": "searches through a Group are not answered; _list searches through a List",
}
"""R4's parameters that the service does not answer whatever their type, with the reason."""
