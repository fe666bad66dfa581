"""Fixtures that all tests may ask for. Kafka and PostgreSQL are real; each test borrows its own topics and database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiokafka.errors import KafkaError

from sigill.embedded import EmbeddedKafka, EmbeddedPostgres
from sigill.stream.connection import Connection
from tests.kit.services import Services, borrowed_topics, topics_on

# a killed worker process cannot give its topics back
TOPICS_LEFT = 40

_services = Services()


def pytest_configure(config: pytest.Config) -> None:
    distributed = bool(getattr(config.option, "numprocesses", None))
    if distributed and not os.environ.get("PYTEST_XDIST_WORKER"):
        _services.share()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that leaves topics on its broker: thousands of them once used up the files it may open, and it ended."""
    if os.environ.get("PYTEST_XDIST_WORKER") or not _services.shared or not _services.kafka().real:
        return
    try:
        left = asyncio.run(topics_on(Connection(_services.kafka().bootstrap)))
    except KafkaError as error:
        print(f"\nthe run's broker is gone: {type(error).__name__}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return
    if len(left) > TOPICS_LEFT:
        listed = ", ".join(sorted(left)[:40])
        print(f"\n{len(left)} topics were left on the run's broker: {listed} …")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure() -> None:
    _services.stop()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what a test was given by chance, in a run that passes too: with it the run can be played again."""
    reports = (r for key in ("passed", "failed", "xfailed") for r in terminalreporter.getreports(key))
    drawn = {f"{name}={value}" for r in reports for name, value in r.user_properties if name.isupper()}
    for one in sorted(drawn):
        terminalreporter.write_line(one)


@pytest.fixture(scope="session")
async def services() -> AsyncIterator[Services]:
    yield _services
    await _services.close()


@pytest.fixture(scope="session")
def kafka(services: Services) -> EmbeddedKafka:
    """The broker of this run. Do not kill it: `own_kafka` is for that."""
    return services.kafka()


@pytest.fixture(scope="session")
def connection(kafka: EmbeddedKafka) -> Connection:
    """How to reach the broker of this run."""
    return Connection(kafka.bootstrap, client_id="test")


@pytest.fixture
def own_kafka() -> Iterator[EmbeddedKafka]:
    """A broker for one test, which may kill it and start it again on the same port and data."""
    broker = EmbeddedKafka(own=True)
    if not broker.real:
        pytest.skip("the mock cluster cannot be killed and started again")
    with broker:
        yield broker


@pytest.fixture(scope="session")
def postgres(services: Services) -> EmbeddedPostgres:
    """The PostgreSQL server of this run. Do not kill it: `own_postgres` is for that."""
    return services.postgres()


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A server for one test, which may kill it and start it again on the same port and data."""
    with EmbeddedPostgres(own=True) as server:
        yield server


@pytest.fixture
async def database(services: Services) -> AsyncIterator[str]:
    """Connection URL of a migrated database for one test, cloned from a template."""
    async with services.database() as dsn:
        yield dsn


@pytest.fixture
async def topic_prefix(connection: Connection) -> AsyncIterator[str]:
    """Put before every topic's name, so that tests on one broker do not meet; the topics go with the test."""
    async with borrowed_topics(connection) as prefix:
        yield prefix
