"""HL7's official examples, stored and read back. https://hl7.org/fhir/R4/json.html#decimal"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir import codec
from service.fhir.stamp import same_content
from tests.examples import Pack, official_examples
from tests.unit.validation.test_official_examples import BREAK_R4

if TYPE_CHECKING:
    import httpx

    from service.assembly import Standard

FHIR_JSON = {"Content-Type": "application/fhir+json"}


@pytest.mark.parametrize("pack", ["clinical", "definitions"])
async def test_every_official_example_comes_back_as_it_was_sent(
    client: httpx.AsyncClient, standard: Standard, pack: Pack
) -> None:
    """Equal but for what the server stamps into meta, decimals by their text; those that break R4 are refused."""
    stored, altered, refused = 0, [], set()
    for example in official_examples(pack):
        if example.type not in standard.definitions.resource_types:
            continue
        url = f"/{example.type}/{codec.decode(example.data)['id']}"
        response = await client.put(url, content=example.data, headers={**FHIR_JSON, "Prefer": "return=minimal"})
        if response.status_code == 400:
            refused.add(example.file)
            continue
        assert response.status_code in (200, 201), f"{example.file}: {response.text}"
        stored += 1
        read = await client.get(url)
        if not same_content(codec.decode(read.content), codec.decode(example.data)):
            altered.append(example.file)
    assert altered == []
    assert refused <= BREAK_R4.keys()
    assert stored > 500
