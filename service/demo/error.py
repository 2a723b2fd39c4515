"""Why a demo cannot be made."""

from __future__ import annotations


class DemoError(Exception):
    """The demo cannot be made, or not to its end; the message says why."""
