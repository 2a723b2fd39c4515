"""The hosts that requests may name."""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir.outcome import FhirError
from service.rest.hosts import Hosts
from tests.api.outcome import assert_outcome
from tests.unit.rest.recording import RecordingEngine, application, exchange


def judged(hosts: Hosts, *sent: str, version: str = "1.1") -> str | None:
    """The code of the refusal; None where the host is known."""
    scope: dict[str, Any] = {"http_version": version, "headers": [(b"host", each.encode("latin-1")) for each in sent]}
    try:
        hosts.check(scope)
    except FhirError as refused:
        return refused.code
    return None


KNOWN = [
    *("fhir.example.org", "FHIR.example.org", "fhir.example.org:8443", "fhir.example.org.", "10.1.2.3:8000"),
    *("127.0.0.1", "127.0.0.1:8000", "localhost:9000", "[::1]:8000", "127.9.9.9", "app.localhost"),
]
UNKNOWN = [
    *("evil.example", "fhir.example.org.evil.example", "evil.fhir.example.org", "xfhir.example.org"),
    *("10.1.2.4", "localhost.evil.example", "127.0.0.1.evil.example", "[2001:db8::1]", "0.0.0.0"),  # noqa: S104
]
MALFORMED = [
    "",
    "a b",
    "fhir.example.org/x",
    "evil@fhir.example.org",
    "fhir.example.org:8a",
    "[::1",
    "fhir.example.org:1:2",
]


@pytest.mark.parametrize("host", KNOWN)
def test_a_host_is_known_by_its_name_on_any_port_and_loopback_always(host: str) -> None:
    assert judged(Hosts(["fhir.example.org", "10.1.2.3"]), host) is None


@pytest.mark.parametrize("host", UNKNOWN)
def test_any_other_host_is_refused_each_time(host: str) -> None:
    hosts = Hosts(["fhir.example.org", "10.1.2.3"])
    assert [judged(hosts, host), judged(hosts, host)] == ["host-unknown", "host-unknown"]


@pytest.mark.parametrize("host", MALFORMED)
def test_what_is_no_host_is_refused_as_malformed(host: str) -> None:
    assert judged(Hosts(["fhir.example.org"]), host) == "header-invalid"


def test_of_several_hosts_each_must_be_known() -> None:
    """A proxy may have looked at the other one."""
    assert judged(Hosts(["fhir.example.org"]), "fhir.example.org", "evil.example") == "host-unknown"


def test_http_1_1_needs_a_host_and_1_0_does_not() -> None:
    hosts = Hosts(["fhir.example.org"])
    assert (judged(hosts), judged(hosts, version="1.0")) == ("header-invalid", None)


def test_an_asterisk_is_any_host() -> None:
    assert judged(Hosts(["*"]), "evil.example") is None


def test_what_is_remembered_of_hosts_is_bounded() -> None:
    hosts = Hosts(["fhir.example.org"])
    for port in range(1000):
        assert judged(hosts, f"fhir.example.org:{port}") is None
    assert len(hosts._known) <= 256


async def test_an_unknown_host_gets_an_outcome_that_does_not_name_it_and_nothing_is_performed() -> None:
    engine = RecordingEngine()
    served = application(engine, hosts=Hosts(["fhir.example.org"]))
    refused = await exchange(served, "GET", "/Patient/a", (("Host", "evil.example"),))
    assert_outcome(refused, 421, "host-unknown", "http.Host")
    assert "evil" not in refused.text
    assert "ALLOWED_HOSTS" in refused.text
    assert engine.asked == []
    assert (await exchange(served, "GET", "/Patient/a", (("Host", "fhir.example.org"),))).status_code == 200
