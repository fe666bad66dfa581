"""A program of several processes on servers of its own, which may be killed."""

import logging
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from sigill.bootstrap import load_rulebooks
from sigill.devtools.authority import DevAuthority
from tests.faults.chaos import FIRST, LAST, START, Chaos
from tests.faults.ground import ground
from tests.faults.outside import Outside

SEED = 8


@pytest.fixture(scope="module")
async def chaos() -> AsyncIterator[Chaos]:
    """A run without a schedule: what goes wrong is the tests' own."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    books = load_rulebooks()
    authority = DevAuthority.create(FIRST, not_before=FIRST, not_after=LAST)
    outside = Outside(books, authority, random.Random(SEED), START)
    outside.people(24)
    async with ground(authority, FIRST + timedelta(days=1), START, choice=random.Random(SEED)) as here:
        made = Chaos(SEED, [], outside, here, books)
        try:
            await here.open()
            await made.begin()
            yield made
        finally:
            await here.close()
