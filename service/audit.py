"""``massage-fhir audit``: what is on record, on the command line. Heavy imports happen in the command."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from service.logs import set_up_logs
from service.settings import SettingsError, read_settings

if TYPE_CHECKING:
    from service.fhir.audit.record import Head
    from service.settings import Settings
    from service.store.audit.verification import Verified

commands: Final = typer.Typer(help="What is on record of interactions.", no_args_is_help=True)

_BAD_SETTINGS: Final = 2
_MOST_SHOWN: Final = 100

Heads = Annotated[
    Path | None,
    typer.Option(
        help="A file that an earlier verification wrote: its heads must still be there. Then it gets those of now."
    ),
]


@commands.command("verify")
def verify_records(*, heads: Heads = None) -> None:
    """Find records that were changed, deleted or cut off; exit code 1 when there are any."""
    try:
        settings = read_settings()
    except SettingsError as error:
        typer.echo(f"massage-fhir: these settings cannot be used:\n{error}", err=True)
        sys.exit(_BAD_SETTINGS)
    set_up_logs(settings.log_level, settings.log_format)
    from service import serve as running  # noqa: PLC0415
    from service.fhir.outcome import FhirError  # noqa: PLC0415
    from service.store.embedded import EmbeddedError  # noqa: PLC0415
    from service.store.migration import MigrationError  # noqa: PLC0415

    noted = [] if heads is None else _read(heads)
    try:
        with running.database(settings) as settled:
            verified = asyncio.run(_verified(settled, noted))
    except (EmbeddedError, MigrationError, FhirError) as error:
        typer.echo(f"massage-fhir: {error}", err=True)
        sys.exit(1)
    for problem in verified.problems[:_MOST_SHOWN]:
        typer.echo(problem)
    if verified.problems:
        typer.echo(f"{len(verified.problems)} problems in {verified.records} records", err=True)
        sys.exit(1)
    if heads is not None:
        heads.write_text("".join(f"{head.chain} {head.number} {head.hash}\n" for head in verified.heads))
    typer.echo(f"{verified.records} records in {len(verified.heads)} chains, all as they were kept")


async def _verified(settings: Settings, noted: list[Head]) -> Verified:
    from service.assembly import command_pool  # noqa: PLC0415
    from service.progress import progress  # noqa: PLC0415
    from service.serve import prepare  # noqa: PLC0415
    from service.store.audit.verification import count_records, verify  # noqa: PLC0415

    await prepare(settings)
    async with command_pool(settings) as pool, pool.acquire() as connection:
        with progress("verifying", await count_records(connection)) as bar:

            def on_page(done: int) -> None:
                bar.move(done)
                bar.say(done, "records")

            return await verify(connection, noted, on_page=on_page)


def _read(path: Path) -> list[Head]:
    """The heads of a file; none where it is not there yet. Exit code 2 when it is another kind of file."""
    from service.fhir.audit.record import Head  # noqa: PLC0415

    if not path.exists():
        return []
    try:
        rows = [line.split() for line in path.read_text("utf-8").splitlines()]
        return [Head(int(chain), int(number), hash_) for chain, number, hash_ in rows]
    except ValueError:
        typer.echo("massage-fhir: the file of heads has lines that are not: chain, number, hash", err=True)
        sys.exit(_BAD_SETTINGS)
