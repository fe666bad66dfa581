"""Console, database, broker and browser for the console's tests."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from sigill.stream.connection import Connection
from sigill.stream.topics import apply_topics
from sigill_contracts.topics import TOPICS
from tests.console.world import World, furnish, world
from tests.kit.services import Services
from tests.workers.conftest import START
from tests.workers.town import Town

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def town() -> Town:
    return Town(START)


@asynccontextmanager
async def topics_for(connection: Connection) -> AsyncIterator[str]:
    """All topics under a prefix of their own."""
    prefix = f"c{uuid.uuid4().hex[:8]}."
    await apply_topics(connection, TOPICS, prefix=prefix)
    yield prefix


@pytest.fixture(scope="session")
async def furnished(
    services: Services, town: Town, connection: Connection, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A world with something of everything. Look, but do not touch: it is the whole run's."""
    async with (
        services.database() as dsn,
        topics_for(connection) as prefix,
        world(dsn, town, connection, tmp_path_factory.mktemp("keys"), prefix=prefix) as made,
    ):
        await furnish(made)
        yield made


@pytest.fixture
async def fresh(
    services: Services, town: Town, connection: Connection, tmp_path: Path, topic_prefix: str
) -> AsyncIterator[World]:
    """A world for one test, with its own topics, nothing in it but people and staff."""
    await apply_topics(connection, TOPICS, prefix=topic_prefix)
    async with (
        services.database() as dsn,
        world(dsn, town, connection, tmp_path / "keys", prefix=topic_prefix) as made,
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
