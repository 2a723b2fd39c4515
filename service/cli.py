"""The console script `massage-fhir`. Heavy imports happen in the command that needs them."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from service import audit, clients
from service.logs import set_up_logs
from service.settings import Settings, SettingsError, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# pretty tracebacks print the values of local variables, and with them patients' data and secrets
cli: Final = typer.Typer(
    help="A FHIR R4 service for medical massage. Settings are environment variables: see `massage-fhir settings`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
definitions: Final = typer.Typer(help="What HL7 publishes about R4, as the service keeps it.", no_args_is_help=True)
cli.add_typer(definitions, name="definitions")
diagnoses: Final = typer.Typer(help="ICD-10-CM, as the service keeps it.", no_args_is_help=True)
cli.add_typer(diagnoses, name="diagnoses")
cli.add_typer(clients.commands, name="client")
cli.add_typer(audit.commands, name="audit")

_BAD_SETTINGS: Final = 2

BaseUrl = Annotated[
    str | None,
    typer.Option(
        help="The FHIR base URL as clients see it; absent: BASE_URL. Without it the command stops at the first "
        "resource with an absolute reference that could be local."
    ),
]


@cli.command()
def serve() -> None:
    """Serve FHIR over HTTP, on an embedded PostgreSQL unless DATABASE_URL names another one."""
    settings = _settings()
    from service import serve as running  # noqa: PLC0415

    with _readable_failures():
        running.serve(settings)


@cli.command()
def migrate() -> None:
    """Bring the database to the schema of this release; `serve` does so by itself."""
    settings = _settings()
    from service import serve as running  # noqa: PLC0415

    with _readable_failures(), running.database(settings) as settled:
        asyncio.run(running.prepare(settled))


@cli.command()
def load(
    files: Annotated[
        list[Path], typer.Argument(help="NDJSON, or JSON with a Bundle; also gzipped. - is standard input.")
    ],
    *,
    skip_invalid: Annotated[bool, typer.Option("--skip-invalid", help="List what is not valid, and go on.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Begin anew with files that were loaded before.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, max=64, help="Processes; absent: one more than cores.")] = None,
    organisation: Annotated[
        str | None, typer.Option(help="Whom new resources belong to, such as Organization/clinic; absent: nobody.")
    ] = None,
    base_url: BaseUrl = None,
) -> None:
    """Store the resources of files, validated and indexed as the service does; goes on where it was interrupted."""
    settings = _settings(base_url)
    from service import serve as running  # noqa: PLC0415
    from service.access.refusal import Refused  # noqa: PLC0415
    from service.access.registration import checked_organisation  # noqa: PLC0415
    from service.load.loading import Plan  # noqa: PLC0415
    from service.load.report import load_files  # noqa: PLC0415
    from service.load.source import source_of  # noqa: PLC0415

    try:
        owner = organisation and checked_organisation(organisation, "clinic")
    except Refused as refusal:
        raise typer.BadParameter(str(refusal)) from None
    with _readable_failures(), running.database(settings) as settled:
        asyncio.run(running.prepare(settled))
        plan = Plan(
            sources=[source_of(path) for path in files],
            jobs=jobs or (os.cpu_count() or 1) + 1,
            skip_invalid=skip_invalid,
            again=again,
            organisation=owner,
        )
        load_files(settled, plan)


@cli.command()
def demo(
    *,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same network.")] = 1,
    patients: Annotated[int, typer.Option(min=1, max=100_000, help="How many; more of them may follow later.")] = 40,
    jobs: Annotated[int | None, typer.Option(min=1, max=64, help="Processes; absent: as many as cores.")] = None,
) -> None:
    """Fill an empty database with a synthetic network: referrers, clinics, referrals in every state, outcomes."""
    settings = _settings()
    from service import serve as running  # noqa: PLC0415
    from service.demo.filling import Plan  # noqa: PLC0415
    from service.demo.report import fill_demo, next_steps  # noqa: PLC0415

    with _readable_failures(), running.database(settings) as settled:
        asyncio.run(running.prepare(settled))
        asyncio.run(running.publish(settled))
        plan = Plan(seed=seed, patients=patients, today=datetime.now(UTC).date(), jobs=jobs or os.cpu_count() or 1)
        fill_demo(settled, plan)
        typer.echo(next_steps(settled, plan.today, _called()))


@cli.command()
def reindex(
    *,
    types: Annotated[list[str] | None, typer.Option("--type", help="Of this type; may be repeated.")] = None,
    parameters: Annotated[
        list[str] | None, typer.Option("--parameter", help="Of the types with this search parameter; may be repeated.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="From the beginning, not where it was interrupted.")] = False,
    base_url: BaseUrl = None,
) -> None:
    """Make the index rows of stored resources anew where they differ, while the service runs."""
    settings = _settings(base_url)
    from service import serve as running  # noqa: PLC0415
    from service.reindex.report import rebuild_index  # noqa: PLC0415

    with _readable_failures(), running.database(settings) as settled:
        asyncio.run(running.prepare(settled))
        rebuild_index(settled, types=types or (), parameters=parameters or (), again=again)


@cli.command()
def openapi(folder: Annotated[Path, typer.Option(help="Where to write.")] = Path("openapi")) -> None:
    """Write the OpenAPI document and its examples, computed from the service's own registries."""
    from service.rest.openapi import write_files  # noqa: PLC0415

    write_files(folder, version=importlib.metadata.version("massage-fhir"))


@definitions.command("compile")
def compile_definitions(
    package: Annotated[Path, typer.Argument(help="The unpacked package hl7.fhir.r4.examples 4.0.1.", exists=True)],
    target: Annotated[Path | None, typer.Option(help="Where to write; absent: into the package itself.")] = None,
) -> None:
    """Compile HL7's published definitions of the served types into compact facts."""
    from service.fhir import definitions as packaged  # noqa: PLC0415
    from service.fhir.definitions.compiler import compile_package  # noqa: PLC0415

    compile_package(package, target or Path(packaged.__path__[0]) / "facts")


@diagnoses.command("compile")
def compile_diagnoses(
    target: Annotated[Path | None, typer.Option(help="Where to write; absent: into the package itself.")] = None,
) -> None:
    """Compile the edition of ICD-10-CM that the installed simple-icd-10-cm has into compact facts."""
    from service.massage import diagnosis  # noqa: PLC0415
    from service.massage.diagnosis.compiler import compile_library  # noqa: PLC0415

    try:
        compile_library(target or diagnosis.FOLDER)
    except ModuleNotFoundError as error:
        typer.echo(f"massage-fhir: {error.name} is not installed; it comes with `make test`.", err=True)
        sys.exit(1)


@cli.command()
def settings() -> None:
    """Print every setting with its value in this environment; secrets are hidden."""
    shown = _settings().shown()
    descriptions = {name.upper(): field.description or "" for name, field in Settings.model_fields.items()}
    for name, value in shown.items():
        typer.echo(f"{name}={value}\n    {descriptions[name]}")


@cli.command()
def version() -> None:
    """Print the version."""
    typer.echo(importlib.metadata.version("massage-fhir"))


def _called() -> str:
    """How the command was called, for commands that a person may copy."""
    return sys.argv[0] if Path(sys.argv[0]).name == "massage-fhir" else "massage-fhir"


def _settings(base_url: str | None = None) -> Settings:
    """The settings, with logs set up as they say; exit code 2 with one line per bad variable."""
    try:
        settings = read_settings() if base_url is None else read_settings(base_url=base_url)
    except SettingsError as error:
        typer.echo(f"massage-fhir: these settings cannot be used:\n{error}", err=True)
        sys.exit(_BAD_SETTINGS)
    set_up_logs(settings.log_level, settings.log_format)
    return settings


@contextmanager
def _readable_failures() -> Iterator[None]:
    """A start that fails says why in a sentence; anything else keeps its traceback."""
    from service.demo.error import DemoError  # noqa: PLC0415
    from service.fhir.outcome import FhirError  # noqa: PLC0415
    from service.jobs.rebuild import ReindexError  # noqa: PLC0415
    from service.load.source import LoadError  # noqa: PLC0415
    from service.serve import ServeError  # noqa: PLC0415
    from service.store.embedded import EmbeddedError  # noqa: PLC0415
    from service.store.migration import MigrationError  # noqa: PLC0415

    try:
        yield
    except (ServeError, EmbeddedError, MigrationError, LoadError, ReindexError, DemoError, FhirError) as error:
        typer.echo(f"massage-fhir: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(0)
