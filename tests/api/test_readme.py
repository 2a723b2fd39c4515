"""The README tells the truth: its example runs, its tables are complete."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from service.fhir.outcome import ERROR_CODES

if TYPE_CHECKING:
    from tests.benchmarks.serving import Serving

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
EXAMPLE = README[README.index("## The main job") :]
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", EXAMPLE, flags=re.DOTALL | re.MULTILINE)


async def test_the_example_does_what_the_readme_says(server: Serving) -> None:
    """Every bash block of the example, in one shell; a comment right below a command is what it prints."""
    script = "set -euo pipefail\n" + "".join(f"{block}\necho =====\n" for block in BLOCKS)
    environment = {"PATH": os.environ["PATH"], "FHIR": f"http://127.0.0.1:{server.port}/fhir"}
    ran = subprocess.run(  # noqa: ASYNC221 - nothing else runs in the meantime
        ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    printed = ran.stdout.split("=====\n")
    for block, output in zip(BLOCKS, printed, strict=False):
        expected = [line.removeprefix("#").strip() for line in block.splitlines() if line.startswith("#")]
        assert not expected or [line.strip() for line in output.splitlines()] == expected, f"{block}\nprinted\n{output}"


def test_the_example_has_an_expectation_for_every_step() -> None:
    """An example that prints nothing to compare could go wrong unseen."""
    assert sum("\n# " in f"\n{block}" for block in BLOCKS) >= 5


def test_every_error_code_is_in_the_readme_with_its_status() -> None:
    """Integrators look codes up there."""
    for row in ERROR_CODES.values():
        assert f"| `{row.code}` | {row.category.status} |" in README


def test_the_readme_lists_no_error_code_that_does_not_exist() -> None:
    """A code that was renamed leaves no ghost."""
    listed = re.findall(r"^\| `([a-z-]+)` \| [45]\d\d \|", README, flags=re.MULTILINE)
    assert sorted(listed) == sorted(ERROR_CODES)
