"""Who the embedded PostgreSQL runs as.

PostgreSQL refuses to run as root. Root's server therefore runs as `nobody`, and the folders on the way to its programs
and its data are made passable (not listable) for others where they are not. A warning names each folder.
"""

from __future__ import annotations

import logging
import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The system account of the server: this process's own, or `nobody` for root."""

    uid: int
    gid: int
    switched: bool

    @classmethod
    def of_this_process(cls) -> Account:
        """The account that a server started by this process runs under."""
        if os.geteuid() != 0:
            return cls(uid=os.geteuid(), gid=os.getegid(), switched=False)
        nobody = pwd.getpwnam("nobody")
        return cls(uid=nobody.pw_uid, gid=nobody.pw_gid, switched=True)

    @property
    def identity(self) -> dict[str, Any]:
        """The arguments of `subprocess` that switch to the account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switched else {}

    def own(self, folder: Path) -> None:
        """Give a folder of the server's own to the account."""
        if self.switched:
            os.chown(folder, self.uid, self.gid)

    def make_passable(self, folder: Path) -> None:
        """Let the account pass through every folder on the way to `folder`, and through it."""
        if not self.switched:
            return
        closed = [step for step in (*reversed(folder.resolve().parents), folder.resolve()) if self._is_closed(step)]
        for step in closed:
            step.chmod(step.stat().st_mode | stat.S_IXOTH)
        if closed:
            names = ", ".join(map(str, closed))
            _LOG.warning("made folders passable for the account of the embedded PostgreSQL: %s", names)

    def make_readable(self, folder: Path) -> None:
        """Let the account read all of `folder`, which a strict umask keeps from it."""
        if not self.switched or not folder.is_dir() or folder.stat().st_mode & stat.S_IROTH:
            return
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))

    def _is_closed(self, folder: Path) -> bool:
        status = folder.stat()
        return not status.st_mode & stat.S_IXOTH and status.st_uid != self.uid
