"""The embedded server's cache: what the machine or its container has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.store.memory import cache_megabytes, memory_bytes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("gigabytes,megabytes", [(0.125, 64), (1, 256), (4, 1024), (8, 2048), (64, 3072)])
def test_a_quarter_of_the_memory_is_cache(gigabytes: float, megabytes: int) -> None:
    """Never so little that nothing fits, never more than helps."""
    assert cache_megabytes(int(gigabytes * (1 << 30))) == megabytes


def test_a_container_has_no_more_than_its_limit(tmp_path: Path) -> None:
    """However much the machine has; a group without a limit says so by a word."""
    limited, unlimited = tmp_path / "memory.max", tmp_path / "unlimited"
    limited.write_text("1048576\n")
    unlimited.write_text("max\n")
    assert memory_bytes([limited]) == 1 << 20
    assert memory_bytes([unlimited, tmp_path / "absent"]) == memory_bytes([])
