"""The protocols that come with the service."""

from __future__ import annotations

from typing import Any, Final

from service.massage import protocol

Json = dict[str, Any]

PROTOCOLS: Final = protocol.load()

ROWS: Final = list(PROTOCOLS.rows.values())
