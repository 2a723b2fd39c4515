"""``massage-fhir client``: the registry on the command line, and a developer's first token."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import re
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import httpx

from service.auth.client_authentication import ASSERTION_TYPE
from service.fhir.audit.event import audit_event
from service.fhir.audit.record import opened
from service.fhir.definitions import load
from service.fhir.validation import Validator
from tests.api.auth.signing import Signer, claims_of, key_set
from tests.benchmarks.serving import environment_with, the_service
from tests.process.test_command_line import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir.audit.record import Event
    from tests.benchmarks.serving import Serving

ROOT = Path(__file__).parents[2]
REFERRAL = ROOT / "openapi/examples/referral.json"
README = (ROOT / "README.md").read_text("utf-8")


def connecting() -> list[str]:
    """The commands of the README's *Connect your EHR*, its first block."""
    section = README[README.index("## Connect your EHR") :]
    block = re.search(r"^```sh\n(.*?)^```$", section, flags=re.DOTALL | re.MULTILINE)
    assert block is not None
    return block[1].strip().splitlines()


async def shell(script: str, **settings: object) -> str:
    """What a script prints; its commands run in a checkout, with `massage-fhir` where the README has it."""
    ran = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-c", f"set -euo pipefail\n{script}"],
        cwd=ROOT,
        env=environment_with(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


async def test_who_follows_the_readme_has_an_authorised_referral_in_at_most_five_commands(tmp_path: Path) -> None:
    """With two workers; the first command starts the service, which the test does by itself."""
    commands = connecting()
    assert len(commands) <= 5
    assert commands[0] == "AUTH_MODE=smart make run &"
    async with the_service(tmp_path, auth_mode="smart", workers=2) as service:
        assert (await service.get("/fhir/Patient")).status == 401
        script = "\n".join(commands[1:]).replace(".venv/bin/massage-fhir", f"{sys.executable} -m service")
        printed = await shell(
            script.replace(":8000", f":{service.port}"),
            auth_mode="smart",
            port=service.port,
            data_dir=tmp_path / "data",
        )
        assert re.findall(r'"status":"201', printed) == ['"status":"201'] * 7, printed
        (key,) = (tmp_path / "data/keys").iterdir()
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        again = f"{sys.executable} -m service client token --role referrer --organisation Organization/practice"
        token = await shell(again, auth_mode="smart", port=service.port, data_dir=tmp_path / "data")
        found = await service.send("GET", "/fhir/Task", headers={"Authorization": f"Bearer {token.strip()}"})
        assert found.json()["total"] == 1
        listed = await shell(f"{sys.executable} -m service client list", data_dir=tmp_path / "data")
        assert json.loads(listed)["id"] == "developer-referrer-practice"
        private = json.loads(key.read_text())["d"]
        assert private not in listed + service.log
        assert token.strip() not in service.log


async def test_each_token_acts_for_the_role_and_organisation_that_it_was_asked_for(tmp_path: Path) -> None:
    """Also on the machine where others were made before; an id that acts for somebody else is refused."""
    async with the_service(tmp_path, auth_mode="smart") as service:
        settings = {"auth_mode": "smart", "port": service.port, "data_dir": tmp_path / "data"}

        async def token(*options: str) -> subprocess.CompletedProcess[str]:
            return await asyncio.to_thread(run, "client", "token", *options, **settings)

        clinic = ("developer-clinic-clinic", "Organization/clinic")
        for options, acts in (
            (("--role", "referrer", "--organisation", "Organization/practice"),
             ("developer-referrer-practice", "Organization/practice")),
            (("--role", "clinic", "--organisation", "Organization/clinic"), clinic),
            ((), ("developer-referrer-sandbox", "Organization/sandbox")),
            (named := ("--id", clinic[0]), clinic),
        ):  # fmt: skip
            assert await whose(service, (await token(*options)).stdout.strip()) == acts
        refused = await token(*named, "--organisation", "Organization/other")
        assert refused.returncode == 1
        assert "acts as clinic for Organization/clinic" in refused.stderr


def test_a_key_that_cannot_be_kept_is_told_without_a_traceback(tmp_path: Path) -> None:
    """As in the image, whose user has no folder of its own."""
    (tmp_path / "file").touch()
    refused = run("client", "token", data_dir=tmp_path / "file")
    assert refused.returncode == 1
    assert "set DATA_DIR to a folder" in refused.stderr
    assert "Traceback" not in refused.stderr


async def whose(service: Serving, token: str) -> tuple[str, str]:
    """The id and the organisation of the client of a token, as the service tells it."""
    place, headers = f"http://127.0.0.1:{service.port}/auth/introspect", {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(timeout=60) as connection:
        told = (await connection.post(place, data={"token": token}, headers=headers)).json()
    return told["client_id"], told["organisation"]


async def test_a_jti_is_spent_once_among_worker_processes(tmp_path: Path) -> None:
    """The same assertion on sixteen connections at once, to two processes: one token."""
    signer = Signer("k")
    (keys,) = keys_in(tmp_path, signer)
    async with the_service(tmp_path, auth_mode="smart", workers=2) as service:
        data = tmp_path / "data"
        arguments = f"--name x --id x --role clinic --organisation Organization/x --jwks {keys}"
        await shell(f"{sys.executable} -m service client add {arguments}", data_dir=data)
        audience = f"http://127.0.0.1:{service.port}/auth/token"
        form = {
            "grant_type": "client_credentials",
            "scope": "system/Task.rs",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": signer.sign(claims_of("x", now=time.time(), aud=audience)),
        }

        async def ask() -> int:
            async with httpx.AsyncClient(timeout=60) as connection:
                return (await connection.post(audience, data=form)).status_code

        assert sorted(await asyncio.gather(*(ask() for _ in range(16)))) == [200] + [401] * 15


def keys_in(folder: Path, *signers: Signer) -> Iterator[Path]:
    for signer in signers:
        file = folder / f"{signer.key_id}.json"
        file.write_text(json.dumps(key_set(signer)))
        yield file


def test_clients_are_added_listed_rotated_changed_and_disabled(database_url: str, tmp_path: Path) -> None:
    first, second = keys_in(tmp_path, Signer("first"), Signer("second"))
    added = run(
        *("client", "add", "--name", "Example EHR", "--role", "referrer", "--organisation", "Organization/practice"),
        *("--jwks", str(first), "--scope", "system/Task.read", "--scope", "system/Patient.rs", "--id", "ehr"),
        database_url=database_url,
    )
    assert (added.returncode, added.stdout) == (0, "ehr\n"), added.stderr
    listed = json.loads(run("client", "list", database_url=database_url).stdout)
    assert listed["scope"] == "system/Task.rs system/Patient.rs"
    assert run("client", "rotate", "ehr", "--jwks", str(second), database_url=database_url).returncode == 0
    change = ("client", "change", "ehr", "--name", "Changed", "--scope", "system/Task.rs", "--requests-per-minute", "9")
    assert run(*change, database_url=database_url).stdout == "ehr\n"
    assert run("client", "change", "ehr", database_url=database_url).returncode == 1
    assert run("client", "disable", "ehr", database_url=database_url).stdout == "ehr\n"
    listed = json.loads(run("client", "list", database_url=database_url).stdout)
    assert (listed["name"], listed["scope"], listed["requests_per_minute"]) == ("Changed", "system/Task.rs", 9)
    assert "disabled_at" in listed
    again = run("client", "add", "--name", "x", "--role", "clinic", "--organisation", "Organization/x",
                "--jwks", str(first), "--id", "ehr", database_url=database_url)  # fmt: skip
    assert again.returncode == 1
    assert again.stderr == "massage-fhir: a client with the id ehr is registered already\n"
    assert run("client", "enable", "ehr", database_url=database_url, audit="off").returncode == 0
    check_records(asyncio.run(on_record(database_url)))


def check_records(events: list[Event]) -> None:
    """What `test_clients_are_added_listed_rotated_changed_and_disabled` did is on record, with the account that did it.

    Refused changes and lists are not: they change nothing.
    """
    shown = [audit_event(each, "https://here.example.org/fhir") for each in events]
    told = [(each["entity"][0]["detail"][0]["valueString"], each["outcome"]) for each in shown]
    assert told == [("add", "0"), ("keys", "0"), ("change", "0"), ("disable", "0")]
    validator = Validator(load())
    for each in shown:
        assert each["subtype"][0]["code"] == "110137"
        assert each["entity"][0]["what"]["identifier"]["value"] == "ehr"
        account = pwd.getpwuid(os.getuid()).pw_name
        assert each["agent"][0]["who"] == {"display": f"the account {account}, on the service's command line"}
        assert validator.issues(each, "AuditEvent") == []


async def on_record(database_url: str) -> list[Event]:
    """What is on record, the oldest first."""
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("SELECT content FROM audit_link ORDER BY chain, number")
    await connection.close()
    links = [link for row in rows if (link := opened(row[0])) is not None]
    return [event for link in links for event in reversed(link.events)]


def test_what_cannot_be_registered_ends_with_a_sentence(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("{")
    given = ("client", "add", "--name", "x", "--role", "clinic", "--organisation", "Organization/x")
    for arguments, told in (
        ((), "A client is registered by exactly one of --jwks, --jwks-url and --issuer."),
        (("--jwks", str(tmp_path / "no.json")), "is not JSON"),
        (("--jwks", str(tmp_path / "missing.json")), "cannot be read"),
        (("--jwks-url", "http://ehr.example.org/jwks"), "--jwks-url: The URL must begin with https://"),
        (("--jwks-url", "https://x.example/jwks", "--scope", "Task.read"), "A scope is system, user or patient"),
    ):
        ended = run(*given, *arguments, database_url=database_url)
        assert ended.returncode == 1, arguments
        assert told in ended.stderr
        assert len(ended.stderr.splitlines()) == 1


def test_a_token_needs_a_running_service(database_url: str, tmp_path: Path) -> None:
    ended = run("client", "token", database_url=database_url, data_dir=tmp_path, port=1)
    assert ended.returncode == 1
    assert "no authorisation server answers at http://127.0.0.1:1/auth/token" in ended.stderr


def test_keys_are_kept_below_the_data_and_not_below_whatever_an_id_names(database_url: str, tmp_path: Path) -> None:
    ended = run("client", "token", "--id", "../x", database_url=database_url, data_dir=tmp_path)
    assert ended.returncode == 1
    assert not os.listdir(tmp_path)  # noqa: PTH208 - a list to look at
