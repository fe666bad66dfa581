"""Console, database, broker and browser for the console's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from sigill.stream.connection import Connection
from sigill.stream.topics import apply_topics
from sigill_contracts.topics import TOPICS
from tests.kit.browser import CHROMIUM
from tests.kit.console import World, furnish, world
from tests.kit.senders import Senders
from tests.kit.services import Services, borrowed_topics
from tests.kit.testland import write_rulebooks
from tests.kit.worker_harness import START


@pytest.fixture(scope="session")
def senders() -> Senders:
    return Senders(START)


@asynccontextmanager
async def topics_for(connection: Connection) -> AsyncIterator[str]:
    """All topics under a prefix of their own."""
    async with borrowed_topics(connection) as prefix:
        await apply_topics(connection, TOPICS, prefix=prefix)
        yield prefix


@pytest.fixture(scope="session")
async def furnished(
    services: Services, senders: Senders, connection: Connection, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A world with something of everything. Look, but do not touch: it is the whole run's."""
    folder = tmp_path_factory.mktemp("furnished")
    books = write_rulebooks(folder / "books")
    async with (
        services.database() as dsn,
        topics_for(connection) as prefix,
        world(dsn, senders, connection, folder / "keys", prefix=prefix, rulebooks=books) as made,
    ):
        await furnish(made)
        yield made


@pytest.fixture
async def fresh(
    services: Services, senders: Senders, connection: Connection, tmp_path: Path, topic_prefix: str
) -> AsyncIterator[World]:
    """A world for one test, with its own topics, nothing in it but people and staff."""
    await apply_topics(connection, TOPICS, prefix=topic_prefix)
    async with (
        services.database() as dsn,
        world(dsn, senders, connection, tmp_path / "keys", prefix=topic_prefix) as made,
    ):
        yield made


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        await browser.close()
