"""The workbench where rules come from the store: what it shows, and two owners who decide at the same time."""

from collections.abc import AsyncIterator
from datetime import date

import pytest

from sigill.operations.rulebook_drafts import import_rulebook
from sigill.policy.rulebook import digest_of
from sigill.processing.released_rules import ReleasedRules
from sigill.runtime.metrics import Metrics
from sigill.runtime.settings import Settings
from sigill.store import rulebooks
from sigill.stream.connection import Connection
from tests.console.test_workbench import ANNA, BO, approved, handed_over, owner
from tests.kit.console import World, field_of, world
from tests.kit.senders import Senders
from tests.kit.services import Services
from tests.kit.testland import NATIONAL, TESTLAND
from tests.kit.worker_harness import START
from tests.policy.test_drafts import LATER, NEW
from tests.workers.test_released_rules import released


@pytest.fixture
async def here(
    services: Services, senders: Senders, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A world whose rules were imported; no page of these asks the broker."""
    nobody = Connection.of(Settings(kafka_bootstrap="127.0.0.1:1"))
    keys = tmp_path_factory.mktemp("stored") / "keys"
    async with (
        services.database() as dsn,
        world(dsn, senders, nobody, keys, rulebook_source="store") as made,
    ):
        async with made.store.transaction(START) as tx:
            await import_rulebook(tx, "testland", TESTLAND, ANNA)
            await import_rulebook(tx, "national", NATIONAL, ANNA)
        made.desk.rules = ReleasedRules("urn:sigill:test", Metrics())
        yield made


async def test_nobody_releases_what_undoes_a_release_that_they_have_not_read_of(here: World) -> None:
    """
    The other release was made in another console, moments before: the rules that this one had read were older, and the
    version of April went though no page had said so.
    """
    async with owner(here, ANNA, "a") as anna, owner(here, BO, "b") as bo:
        start = (await anna.get("/workbench")).text
        assert "SIGILL_RULEBOOK_SOURCE: store" in start
        assert digest_of(TESTLAND)[:12] in start
        proposal = await handed_over(here, anna, TESTLAND + NEW.format(since="2025-06-01"))
        read = (await bo.get(proposal)).text
        assert "2025-04-01" not in read
        fields = {name: field_of(read, name) for name in ("csrf", "beside")}
        here.desk.rules.look_again()  # type: ignore[attr-defined]
        await bo.get("/workbench")
        other = await released(here.store, LATER)
        answer = await bo.http.post(proposal, data={**fields, "verdict": "approve"})
        assert (answer.status_code, "Read what it changes now" in answer.text) == (409, True)
        assert "The version from 2025-04-01 is removed." in answer.text
        async with here.store.reading() as tx:
            assert [one.release_id for one in await rulebooks.releases(tx)] == [other]
        assert "The release is made" in (await approved(bo, proposal)).text
        async with here.store.reading() as tx:
            newest, _ = await rulebooks.releases(tx)
        assert newest.begins_on == date(2025, 4, 1)
