"""What a long command shows where nobody watches a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service import progress as module
from service.progress import progress

if TYPE_CHECKING:
    import pytest


def test_a_line_now_and_then_tells_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every ten seconds, whoever asks how often; the rate counts what was done since the bar began."""
    seconds = iter([0.0, 0.0, 5.0, 5.0, 20.0, 20.0, 20.0])
    monkeypatch.setattr(module, "monotonic", lambda: next(seconds))
    with progress("file", 200, done=1000) as bar:
        bar.move(50)
        bar.say(2000, "resources")
        assert capsys.readouterr().err == ""
        bar.move(100)
        bar.say(5000, "resources")
    assert capsys.readouterr().err == "file: 50%, 5,000 resources, 200/s\n"


def test_nothing_is_said_of_a_share_where_the_whole_is_unknown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([0.0, 0.0, 10.0, 10.0, 10.0])
    monkeypatch.setattr(module, "monotonic", lambda: next(seconds))
    with progress("standard input", 0) as bar:
        bar.move(0)
        bar.say(500, "resources")
    assert capsys.readouterr().err == "standard input: 500 resources, 50/s\n"
