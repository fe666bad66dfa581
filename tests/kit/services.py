"""
The real servers that tests stand on, shared by all of a run.

With xdist the controlling process starts them and the workers find their addresses in the environment, so that two
cores carry one broker and one PostgreSQL. Without it each starts when the first test asks for it.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import IncompatibleBrokerVersion

from sigill.embedded import EmbeddedKafka, EmbeddedPostgres
from sigill.stream.connection import Connection
from sigill.stream.topics import delete_topics

KAFKA = "KAFKA_BOOTSTRAP_SERVERS"
POSTGRES = "SIGILL_TEST_DATABASE_URL"


class Services:
    """One broker and one PostgreSQL server, started when first asked for."""

    def __init__(self) -> None:
        self._kafka: EmbeddedKafka | None = None
        self._postgres: EmbeddedPostgres | None = None
        self._template: str | None = None
        self.shared = False

    def kafka(self) -> EmbeddedKafka:
        if self._kafka is None:
            self._kafka = EmbeddedKafka().start()
        return self._kafka

    def postgres(self) -> EmbeddedPostgres:
        if self._postgres is None:
            # the process is killed in some tests, never the machine: fsync would only cost time
            self._postgres = EmbeddedPostgres(durable=False).start()
        return self._postgres

    def share(self) -> None:
        """Start both and write their addresses where child processes look."""
        starting = [threading.Thread(target=self.kafka), threading.Thread(target=self.postgres)]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        self.shared = True
        os.environ[KAFKA] = self.kafka().bootstrap
        os.environ[POSTGRES] = self.postgres().dsn

    async def template(self) -> str:
        """Return the name of the migrated database that tests clone; made once a process."""
        if self._template is None:
            name = f"template_{uuid.uuid4().hex[:12]}"
            dsn = await self.postgres().create_database(name)
            await migrate(dsn)
            self._template = name
        return self._template

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """A migrated database of its own, gone afterwards. Yields its connection URL."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        dsn = await self.postgres().create_database(name, template=await self.template())
        try:
            yield dsn
        finally:
            await self.postgres().drop_database(name)

    async def close(self) -> None:
        if self._template is not None and self._postgres is not None:
            await self._postgres.drop_database(self._template)

    def stop(self) -> None:
        for service in (self._kafka, self._postgres):
            if service is not None:
                service.stop()
        self._kafka = self._postgres = None


@asynccontextmanager
async def borrowed_topics(connection: Connection) -> AsyncIterator[str]:
    """
    A prefix for the names of topics on the run's broker; every topic that begins with it is deleted at the end.

    A partition keeps three files open, and a broker whose process may open no more of them ends.
    """
    prefix = f"t{uuid.uuid4().hex[:10]}."
    yield prefix
    if made := [name for name in await topics_on(connection) if name.startswith(prefix)]:
        # the mock cluster deletes nothing, and keeps everything in memory
        with suppress(IncompatibleBrokerVersion):
            await delete_topics(connection, made)


async def topics_on(connection: Connection) -> list[str]:
    """The names of the topics that a broker has, but for its own."""
    admin = AIOKafkaAdminClient(**connection.options())
    try:
        await admin.start()
        return [name for name in await admin.list_topics() if not name.startswith("__")]
    finally:
        await admin.close()


async def migrate(dsn: str) -> None:
    """Bring a database to the newest schema, whether the migrations run in this loop or want their own."""
    run: Callable[[str], Any] = import_module("sigill.store.migrate").migrate
    if inspect.iscoroutinefunction(run):
        await run(dsn)
    else:
        await asyncio.to_thread(run, dsn)
