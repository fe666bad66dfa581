"""The queue sweep's nine scenarios: the rate comes back by itself, and nothing is lost on the way."""

import pytest

from tests.faults.chaos import Chaos
from tests.faults.sweep import SCENARIOS, play

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("name", SCENARIOS)
async def test_the_rate_is_back_within_thirty_seconds_and_nothing_is_lost(chaos: Chaos, name: str) -> None:
    recovery = await play(name, chaos)
    assert recovery.seconds is not None, recovery
    verdict = await chaos.check()
    assert verdict.faults == []
