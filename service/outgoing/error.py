"""Why something was not fetched, as a sentence for whoever gave the URL."""

from __future__ import annotations


class OutgoingError(Exception):
    """The URL may not be fetched, or was not answered as it should be; the text quotes neither."""
