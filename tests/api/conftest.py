from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.kit.decision_api import Issuer, StoredPopulation, open_api, open_store


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def population(database: str) -> AsyncIterator[StoredPopulation]:
    async with open_store(database) as store:
        yield StoredPopulation(store)


@pytest.fixture
async def api(population: StoredPopulation, issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(population.store, population.clock, issuer) as client:
        yield client
