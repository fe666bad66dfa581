import pytest

from tests.trust.bench import Bench, make_bench


@pytest.fixture(scope="session")
def bench() -> Bench:
    return make_bench()
