"""The organisations of the stories, on one service with access control."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.code_systems import UCUM
from tests.api.auth.conftest import workers_on
from tests.api.auth.organisations import enrolled
from tests.builders.resources import observation
from tests.loop.side import Side
from tests.loop.story import Network, Story, begin, day

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.assembly import Standard
    from tests.api.auth.conftest import Workers
    from tests.conftest import Cluster


@pytest.fixture(scope="package")
async def workers(cluster: Cluster, standard: Standard) -> AsyncIterator[Workers]:
    """A service with access control on a database that all stories share: each has a patient of its own."""
    # the clock of the tokens stands still, so nobody's share is filled again
    settings = {"client_requests_per_minute": 1_000_000, "referral_rules": "on"}
    async with workers_on(cluster, standard, settings) as opened:
        yield opened


@pytest.fixture(scope="package")
async def network(workers: Workers) -> Network:
    """Everybody's clients."""
    headers = await enrolled(workers)
    return Network(**{name: Side(workers.one, each, f"Organization/{name}") for name, each in headers.items()})


@pytest.fixture
def story(network: Network) -> Story:
    """A story that has not begun."""
    return begin(network)


@pytest.fixture
def second(network: Network) -> Story:
    """Another one."""
    return begin(network)


@pytest.fixture(scope="module")
async def measured(network: Network) -> Story:
    """A referral with a pain of 7."""
    story = begin(network)
    patient = {"birthDate": "1980-02-29", "name": [{"family": "Sample"}]}
    await (await story.refer(patient=patient, order=story.order(authoredOn=day(0)))).accept()
    score = {"value": 7, "unit": "{score}", "system": UCUM, "code": "{score}"}
    rating = {"effectiveDateTime": day(7), "valueQuantity": score}
    await story.clinic.post(observation(story.patient, basedOn=story.based_on) | rating)
    return story
