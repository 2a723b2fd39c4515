"""For statements of a session that have a module of their own: what they run on, and whose sight they keep within."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

    from service.fhir.sight import Sight
    from service.store.session import Session


def connection_of(session: Session) -> Any:
    """The connection, which nobody but the store knows."""
    return session._connection  # noqa: SLF001


def sight_of(session: Session) -> Sight | None:
    """What the session sees; None: everything, and who sees what is not kept."""
    return session._sight  # noqa: SLF001


def organisations_of(session: Session) -> list[UUID] | None:
    """Those within whose sight the session is; None: it sees everything."""
    return session._by  # noqa: SLF001
