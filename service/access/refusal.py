"""Why something is not accepted, as a sentence for the integrator; whoever faces HTTP gives it a status."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 - it is a decision, not a fault
    """A decision against; its text says what would be accepted, and quotes nothing that was sent."""

    @property
    def reason(self) -> str:
        """The sentence."""
        return str(self)
