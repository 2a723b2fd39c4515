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
        for step in (*reversed(folder.resolve().parents), folder.resolve()):
            status = step.stat()
            if not status.st_mode & stat.S_IXOTH and status.st_uid != self.uid:
                _LOG.warning("made a folder passable for the account of the embedded PostgreSQL: %s", step)
                step.chmod(status.st_mode | stat.S_IXOTH)

    def make_readable(self, installation: Path) -> None:
        """Let the account read the installed programs, which a strict umask keeps from it."""
        if not self.switched or (installation / "bin" / "postgres").stat().st_mode & stat.S_IROTH:
            return
        for path in (installation, *installation.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
