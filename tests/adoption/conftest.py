"""The workers' town, for tests that look at Sigill as somebody who takes it into use."""

from tests.workers.conftest import harness, senders, store

__all__ = ["harness", "senders", "store"]
