"""``massage-fhir client``: the registry of clients on the command line. Heavy imports happen in the command."""

from __future__ import annotations

import json
import secrets
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from service.logs import set_up_logs
from service.settings import SettingsError, fhir_url, read_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from service.settings import Settings
    from service.store.clients import Clients, Registration

_Result = TypeVar("_Result")

commands: Final = typer.Typer(help="Who may use the service when AUTH_MODE is smart or oidc.", no_args_is_help=True)

_BAD_SETTINGS: Final = 2
_OWNER_ONLY: Final = 0o600

Id = Annotated[str, typer.Argument(help="The client's id.")]
Name = Annotated[str, typer.Option(help="Who it is, for people.")]
Role = Annotated[str, typer.Option(help="referrer, clinic, administrator or researcher.")]
Organisation = Annotated[
    str | None, typer.Option(help="The organisation that it acts for, such as Organization/clinic.")
]
Scope = Annotated[
    list[str] | None, typer.Option(help="A scope such as system/Task.rs; may be repeated. Absent: those of its role.")
]
Jwks = Annotated[
    Path | None, typer.Option(help="A file with its public keys, a JSON Web Key Set; - is standard input.")
]
JwksUrl = Annotated[str | None, typer.Option(help="The https:// URL of its public keys.")]


@commands.command("add")
def add(  # noqa: PLR0913 - one option for each thing that a client is registered with
    *,
    name: Name,
    role: Role,
    organisation: Organisation = None,
    client_id: Annotated[str | None, typer.Option("--id", help="Absent: one is made.")] = None,
    scope: Scope = None,
    jwks: Jwks = None,
    jwks_url: JwksUrl = None,
    issuer: Annotated[str | None, typer.Option(help="One of OIDC_ISSUERS, which knows the client by --id.")] = None,
    requests_per_minute: Annotated[int | None, typer.Option(help="Absent: CLIENT_REQUESTS_PER_MINUTE.")] = None,
) -> None:
    """Register a client by its public keys, their URL, or an issuer that vouches for it; prints its id."""
    from service.auth.registering import NewClient  # noqa: PLC0415

    with _readable_failures():
        new = NewClient(
            id=client_id,
            name=name,
            role=role,
            organisation=organisation,
            scope=" ".join(scope) if scope else None,
            jwks=None if jwks is None else _read_json(jwks),
            jwks_url=jwks_url,
            issuer=issuer,
            requests_per_minute=requests_per_minute,
        )
        _require(_change("add", lambda settings, registry: _add(settings, registry, new)), name)


@commands.command("list")
def list_all() -> None:
    """Print the clients, one line of JSON each."""
    from service.auth.registering import shown  # noqa: PLC0415

    with _readable_failures():
        for each in _look(lambda _, registry: registry.every()):
            typer.echo(json.dumps({name: value for name, value in shown(each).items() if name != "jwks"}))


@commands.command("disable")
def disable(client_id: Id) -> None:
    """Refuse a client from now on, with the tokens that it has."""
    _switch(client_id, disabled_at=datetime.now(UTC))


@commands.command("enable")
def enable(client_id: Id) -> None:
    """Let a disabled client in again."""
    _switch(client_id, disabled_at=None)


@commands.command("change")
def change(
    client_id: Id,
    *,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="A scope such as system/Task.rs, in the place of all; may be repeated.")
    ] = None,
    role_scopes: Annotated[bool, typer.Option("--role-scopes", help="The scopes of its role.")] = False,
    requests_per_minute: Annotated[int | None, typer.Option(help="Most requests in a minute.")] = None,
    usual_rate: Annotated[bool, typer.Option("--usual-rate", help="As many as CLIENT_REQUESTS_PER_MINUTE.")] = False,
) -> None:
    """Change what a client is called, may ask for, and how often; holds for the tokens that it has, within a second."""
    from service.auth.registering import Changes, changed  # noqa: PLC0415

    with _readable_failures():
        if (scope and role_scopes) or (requests_per_minute is not None and usual_rate):
            raise _refusal("give either --scope or --role-scopes, and either --requests-per-minute or --usual-rate")
        asked: dict[str, Any] = {} if name is None else {"name": name}
        if scope or role_scopes:
            asked["scope"] = " ".join(scope) if scope else None
        if requests_per_minute is not None or usual_rate:
            asked["requests_per_minute"] = requests_per_minute

        async def perform(_: Settings, registry: Clients) -> Registration | None:
            registered = await registry.find(client_id)
            if registered is None:
                return None
            new_name, new_scope, limit = changed(registered, Changes(**asked), _option)
            return await registry.change(client_id, name=new_name, scope=new_scope, requests_per_minute=limit)

        _require(_change("change", perform), client_id)


@commands.command("rotate")
def rotate(
    client_id: Id,
    *,
    jwks: Jwks = None,
    jwks_url: JwksUrl = None,
    replace: Annotated[bool, typer.Option("--replace", help="Forget the keys that are registered.")] = False,
) -> None:
    """Register further keys of a client, so that it can change from one to the other; then --replace the old ones."""
    with _readable_failures():
        if (jwks is None) == (jwks_url is None):
            raise _refusal("give either --jwks or --jwks-url")
        document = None if jwks is None else _read_json(jwks)

        async def change(settings: Settings, registry: Clients) -> Registration | None:
            from service.auth.registering import checked_jwks, checked_jwks_url, joined  # noqa: PLC0415
            from service.outgoing.fetch import Fetch  # noqa: PLC0415

            if jwks_url is not None:
                url = checked_jwks_url(jwks_url, Fetch(allowed=settings.private_networks).check, _option)
                return await registry.set_keys(client_id, jwks_url=url)
            registered = None if replace else await registry.find(client_id)
            kept = joined(registered.jwks if registered else None, document)
            return await registry.set_keys(client_id, jwks=checked_jwks(kept))

        _require(_change("keys", change), client_id)


@commands.command("token")
def token(
    *,
    client_id: Annotated[
        str | None,
        typer.Option("--id", help="Absent: one for the role and organisation. Registered with a new key if new."),
    ] = None,
    role: Annotated[str | None, typer.Option(help="As for add; absent: that of --id, else referrer.")] = None,
    organisation: Annotated[
        str | None, typer.Option(help="As for add; absent: that of --id, else Organization/sandbox.")
    ] = None,
    scope: Scope = None,
    token_url: Annotated[str | None, typer.Option(help="Absent: that of the service as the settings have it.")] = None,
) -> None:
    """For trying things out: make a key pair, register it, and print an access token of the running service.

    The private key stays in DATA_DIR/keys; asking again for the same role and organisation, or --id, uses it again.
    """
    from service.access.registration import ROLE_SCOPES, checked_id, checked_organisation, checked_role  # noqa: PLC0415
    from service.auth.endpoints import endpoints_of  # noqa: PLC0415
    from service.auth.minting import ask_for_token, signed_assertion  # noqa: PLC0415

    with _readable_failures():
        settings = _settings()
        as_role = checked_role(role or "referrer")
        for_whom = organisation or "Organization/sandbox"
        checked_organisation(for_whom, as_role)
        name = checked_id(client_id or f"developer-{as_role}-{for_whom.removeprefix('Organization/')}")
        file = settings.data_dir / "keys" / f"{name}.json"
        asked = " ".join(scope) if scope else ROLE_SCOPES[as_role]
        if not file.exists():
            _register_with_a_new_key(file, name, as_role, for_whom, asked)
        elif client_id is not None:
            registered = _registered_as(client_id, role, organisation)
            asked = " ".join(scope) if scope else registered.scope
        audience = token_url or endpoints_of(fhir_url(settings)).token
        private, token_id = json.loads(file.read_text()), secrets.token_urlsafe(16)
        signed = signed_assertion(name, private, audience=audience, now=time.time(), token_id=token_id)
        typer.echo(ask_for_token(audience, signed, asked))


def _registered_as(client_id: str, role: str | None, organisation: str | None) -> Registration:
    """The client of that id; refused where it is another's than asked for, because its tokens would be, too."""
    found = _look(lambda _, registry: registry.find(client_id))
    if found is None:
        raise _refusal(f"no client with the id {client_id} is registered here, though there is a key of it")
    if role not in (None, found.role) or organisation not in (None, found.organisation):
        acts = f"as {found.role} for {found.organisation or 'no organisation'}"
        raise _refusal(f"the client {client_id} acts {acts}; name another --id, or none for one that acts as asked")
    return found


def _register_with_a_new_key(file: Path, client_id: str, role: str, organisation: str | None, scope: str) -> None:
    from service.auth.minting import new_key, public_keys  # noqa: PLC0415
    from service.auth.registering import NewClient  # noqa: PLC0415

    private = new_key(secrets.token_hex(8))
    new = NewClient(
        id=client_id, name=client_id, role=role, organisation=organisation, scope=scope, jwks=public_keys(private)
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=_OWNER_ONLY)
        file.write_text(json.dumps(private))
    except OSError as error:
        told = f"the key cannot be kept in {file.parent}: {error.strerror}; set DATA_DIR to a folder that is yours"
        raise _refusal(told) from error
    try:
        _change("add", lambda settings, registry: _add(settings, registry, new))
    except BaseException:
        # a key that nobody knows opens nothing, and would be used again
        file.unlink()
        raise


async def _add(settings: Settings, registry: Clients, new: Any) -> Registration:
    from service.auth.registering import registration  # noqa: PLC0415
    from service.auth.server import new_client_id  # noqa: PLC0415
    from service.outgoing.fetch import Fetch  # noqa: PLC0415

    checked = registration(
        new,
        created_at=datetime.now(UTC),
        new_id=new_client_id,
        check_url=Fetch(allowed=settings.private_networks).check,
        issuers=settings.oidc_issuers,
        called=_option,
    )
    if not await registry.add(checked):
        raise _refusal(f"a client with the id {checked.id} is registered already")
    return checked


def _switch(client_id: str, *, disabled_at: datetime | None) -> None:
    operation = "disable" if disabled_at else "enable"
    with _readable_failures():
        switched = _change(operation, lambda _, registry: registry.switch(client_id, disabled_at=disabled_at))
        _require(switched, client_id)


def _require(registered: Registration | None, client_id: str) -> None:
    if registered is None:
        raise _refusal(f"no client with the id {client_id} is registered, or it has no keys of its own")
    typer.echo(registered.id)


def _look(work: Callable[[Settings, Clients], Awaitable[_Result]]) -> _Result:
    from service.registry import look  # noqa: PLC0415

    return look(_settings(), work)


def _change(operation: str, work: Callable[[Settings, Clients], Awaitable[Registration | None]]) -> Registration | None:
    from service.registry import change as change_registry  # noqa: PLC0415

    return change_registry(_settings(), operation, work)


def _read_json(file: Path) -> Any:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
        return json.loads(text)
    except OSError as error:
        raise _refusal(f"{file} cannot be read: {error.strerror}") from None
    except ValueError:
        raise _refusal(f"{file} is not JSON") from None


def _settings() -> Settings:
    try:
        settings = read_settings()
    except SettingsError as error:
        typer.echo(f"massage-fhir: these settings cannot be used:\n{error}", err=True)
        sys.exit(_BAD_SETTINGS)
    set_up_logs("warning", settings.log_format)
    return settings


def _option(field: str) -> str:
    """What a field of a registration is called here."""
    return f"--{field.replace('_', '-')}"


def _refusal(text: str) -> Exception:
    from service.access.refusal import Refused  # noqa: PLC0415

    return Refused(text)


@contextmanager
def _readable_failures() -> Iterator[None]:
    from service.access.refusal import Refused  # noqa: PLC0415
    from service.fhir.outcome import FhirError  # noqa: PLC0415
    from service.store.embedded import EmbeddedError  # noqa: PLC0415
    from service.store.migration import MigrationError  # noqa: PLC0415

    try:
        yield
    except (Refused, EmbeddedError, MigrationError, FhirError) as error:
        typer.echo(f"massage-fhir: {error}", err=True)
        sys.exit(1)
