"""The README tells the truth: its example runs, its tables are complete."""

from __future__ import annotations

import html
import os
import re
import subprocess
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from service.fhir.definitions import load
from service.fhir.outcome import ERROR_CODES
from service.fhir.search.result_parameters import UNSUPPORTED_RESULT_PARAMETERS
from service.fhir.search.types import SEARCH_TYPES
from service.fhir.search.unsupported import UNSUPPORTED_PARAMETERS

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


async def test_the_first_steps_on_the_landing_page_can_be_pasted(server: Serving) -> None:
    """As they stand, on the default port."""
    page = (ROOT / "service/pages/templates/landing.html").read_text()
    (steps,) = re.findall(r"<pre><code>(.*?)</code></pre>", page, flags=re.DOTALL)
    script = html.unescape(re.sub(r"<[^>]*>", "", Template(steps).substitute()))
    assert script.startswith("FHIR=http://127.0.0.1:8000/fhir\n")
    ran = subprocess.run(  # noqa: ASYNC221 - nothing else runs in the meantime
        ["bash", "-euc", script.replace(":8000", f":{server.port}")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    stored, found = re.findall(r'"family":"Example"', ran.stdout)
    assert stored == found


def test_the_readme_counts_the_types() -> None:
    assert f"each of {len(load().resource_types)} types" in README


def test_every_modifier_that_works_is_in_the_readme() -> None:
    modifiers = {each for kind in SEARCH_TYPES.values() for each in kind.modifiers} - {"[type]"}
    assert [each for each in modifiers | {"missing", "Type"} if f"`:{each}`" not in README] == []


def test_every_parameter_that_is_not_supported_is_in_the_readme() -> None:
    listed = README[README.index("**What is not supported**") : README.index("## Settings")]
    unsupported = {**UNSUPPORTED_PARAMETERS, **UNSUPPORTED_RESULT_PARAMETERS}
    assert [code for code in unsupported if f"`{code}`" not in listed] == []


def test_every_error_code_is_in_the_readme_with_its_status() -> None:
    """Integrators look codes up there."""
    for row in ERROR_CODES.values():
        assert f"| `{row.code}` | {row.category.status} |" in README


def test_the_readme_lists_no_error_code_that_does_not_exist() -> None:
    """A code that was renamed leaves no ghost."""
    listed = re.findall(r"^\| `([a-z-]+)` \| [45]\d\d \|", README, flags=re.MULTILINE)
    assert sorted(listed) == sorted(ERROR_CODES)
