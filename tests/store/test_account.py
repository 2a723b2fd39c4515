"""Root's embedded server runs as nobody, who is let through to its programs and data and no further."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from service.store.account import Account

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NOBODY = Account(uid=65534, gid=65534, switched=True)
SELF = Account(uid=os.geteuid(), gid=os.getegid(), switched=False)


def modes(*paths: Path) -> list[int]:
    return [path.stat().st_mode & 0o777 for path in paths]


def closed_folders(root: Path) -> tuple[Path, Path]:
    inner = root / "outer" / "inner"
    inner.mkdir(parents=True)
    for folder in (inner, inner.parent):
        folder.chmod(0o700)
    return inner.parent, inner


def test_an_ordinary_account_runs_the_server_itself() -> None:
    account = Account.of_this_process()
    assert account.switched == (os.geteuid() == 0)
    assert account.uid != 0
    assert bool(account.identity) == account.switched


def test_folders_on_the_way_are_made_passable_but_not_listable(tmp_path: Path) -> None:
    outer, inner = closed_folders(tmp_path)
    NOBODY.make_passable(inner)
    assert modes(outer, inner) == [0o701, 0o701]


def test_each_folder_that_was_changed_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    outer, inner = closed_folders(tmp_path)
    NOBODY.make_passable(inner)
    assert f"{outer}, {inner}" in caplog.text


def test_an_ordinary_account_changes_nothing(tmp_path: Path) -> None:
    outer, inner = closed_folders(tmp_path)
    SELF.make_passable(inner)
    SELF.make_readable(inner)
    assert modes(outer, inner) == [0o700, 0o700]


def test_programs_under_a_strict_umask_are_made_readable_and_stay_what_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "programs"
    folder.mkdir(mode=0o700)
    program, library = folder / "postgres", folder / "library"
    program.touch(0o700)
    library.touch(0o600)
    NOBODY.make_readable(folder)
    assert modes(folder, program, library) == [0o705, 0o705, 0o604]


def test_programs_that_are_readable_are_left_alone(tmp_path: Path) -> None:
    program = tmp_path / "postgres"
    program.touch(0o700)
    tmp_path.chmod(0o705)
    NOBODY.make_readable(tmp_path)
    assert modes(program) == [0o700]
