"""The service serves https itself, where it has a certificate."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.connection import BoundedHead
from service.serve import ServeError, _check_certificate, _configuration
from service.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def certified(folder: Path, *, passphrase: bytes | None = None) -> dict[str, Path]:
    """Settings with a certificate for 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    hidden = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    files = {"tls_certificate": folder / "certificate.pem", "tls_key": folder / "key.pem"}
    files["tls_certificate"].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files["tls_key"].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
    )
    return files


def settings_with(files: dict[str, Path]) -> Settings:
    return Settings.model_validate(files)


async def spoken(context: ssl.SSLContext, server_files: dict[str, Path]) -> tuple[str | None, bytes]:
    """The protocol that is agreed on, and the answer to a head that is too large, by the service's own connection."""
    config = _configuration(settings_with(server_files))
    config.app, config.factory = _nothing, False
    config.lifespan = "off"
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: BoundedHead(config=config, server_state=_state(), app_state={}, _loop=loop),
        "127.0.0.1",
        0,
        ssl=config.ssl,
    )
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        tls = writer.get_extra_info("ssl_object").version()
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000)
        answered = await reader.readline()
        writer.close()
        return tls, answered


async def _nothing(_scope: object, _receive: object, _send: object) -> None:
    """Nobody comes so far."""


def _state() -> object:
    from uvicorn.server import ServerState

    return ServerState()


async def test_https_is_served_with_the_bounds_of_every_connection(tmp_path: Path) -> None:
    files = certified(tmp_path)
    context = ssl.create_default_context(cafile=str(files["tls_certificate"]))
    version, answered = await spoken(context, files)
    assert version == "TLSv1.3"
    assert answered.startswith(b"HTTP/1.1 431")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_old_versions_of_tls_are_not_spoken(tmp_path: Path) -> None:
    files = certified(tmp_path)
    context = ssl.create_default_context(cafile=str(files["tls_certificate"]))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await spoken(context, files)


@pytest.mark.parametrize("fault", ["another key", "a passphrase", "no certificate"])
def test_what_cannot_serve_tls_ends_the_start_with_a_sentence(tmp_path: Path, fault: str) -> None:
    """And asks nobody for a passphrase at a terminal."""
    files = certified(tmp_path, passphrase=b"secret" if fault == "a passphrase" else None)
    if fault == "another key":
        (tmp_path / "other").mkdir()
        files["tls_key"] = certified(tmp_path / "other")["tls_key"]
    if fault == "no certificate":
        files["tls_certificate"].write_text("x")
    with pytest.raises(ServeError, match="TLS_CERTIFICATE and TLS_KEY must be"):
        _check_certificate(settings_with(files))
