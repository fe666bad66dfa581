"""
The servers Sigill stands on, started with one call: for `sigill demo`, `sigill scenario run` and the tests.

    with EmbeddedPostgres() as postgres, EmbeddedKafka() as kafka:
        dsn = await postgres.create_database("demo")
        … kafka.bootstrap …

Both die with the process that started them, however it ends, and remove what they wrote.
"""

from sigill.embedded.broker import BrokerUnavailable, EmbeddedKafka
from sigill.embedded.postgres import EmbeddedPostgres, PostgresUnavailable

__all__ = ["BrokerUnavailable", "EmbeddedKafka", "EmbeddedPostgres", "PostgresUnavailable"]
