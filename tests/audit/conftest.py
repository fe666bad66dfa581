"""A migrated database for each test, and stores open on it, each as one role."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from sigill.store.session import Store
from tests.kit.rows import store_on


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    opened = await store_on(database)
    yield opened
    await opened.close()


@pytest.fixture
async def ops(database: str) -> AsyncIterator[Store]:
    opened = await store_on(database, "sigill_ops")
    yield opened
    await opened.close()


@pytest.fixture
async def auditors(database: str) -> AsyncIterator[Store]:
    opened = await store_on(database, "sigill_auditor")
    yield opened
    await opened.close()


@pytest.fixture
async def admin(database: str) -> AsyncIterator[asyncpg.Connection]:
    """The database's administrator: may do anything, and is whom the chain is for."""
    conn = await asyncpg.connect(database, server_settings={"search_path": "sigill"})
    yield conn
    await conn.close()
