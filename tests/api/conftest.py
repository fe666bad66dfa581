from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.town import Issuer, Town, open_api, open_store


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def town(database: str) -> AsyncIterator[Town]:
    async with open_store(database) as store:
        yield Town(store)


@pytest.fixture
async def api(town: Town, issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(town.store, town.clock, issuer) as client:
        yield client
