"""The workers' town, for tests that look at Sigill as somebody who takes it into use."""

from tests.workers.conftest import office, store, town

__all__ = ["office", "store", "town"]
