"""A town whose messages are handed to the real handlers, on a real database."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import SecretStr

from sigill.policy.rulebook import Rulebooks
from sigill.processing.citations import PolicyContext
from sigill.runtime.clock import FixedClock
from sigill.runtime.settings import Settings
from sigill.store.session import Store
from tests.kit.senders import Senders
from tests.kit.testland import NATIONAL, TESTLAND
from tests.kit.worker_harness import START, WorkerHarness


@pytest.fixture(scope="session")
def senders() -> Senders:
    return Senders(START)


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    settings = Settings(database_url=SecretStr(database), database_schema="sigill", database_pool_max=4)
    opened = await Store.open(settings)
    yield opened
    await opened.close()


@pytest.fixture
async def harness(store: Store, senders: Senders) -> WorkerHarness:
    """The town's people and staff are known already."""
    made = WorkerHarness(
        store,
        senders,
        FixedClock(START),
        PolicyContext.of(Rulebooks.of(TESTLAND, NATIONAL), "urn:sigill:test"),
    )
    await made.assign()
    await made.hand_over(*senders.staff(START - timedelta(days=30)))
    await made.hand_over(*senders.people(START - timedelta(days=30)))
    await made.out()
    return made
