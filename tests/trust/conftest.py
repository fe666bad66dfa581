import pytest

from tests.kit.signed_forms import Bench, make_bench


@pytest.fixture(scope="session")
def bench() -> Bench:
    return make_bench()
