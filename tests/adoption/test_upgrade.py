"""The last release's store and messages under today's code, and today's messages before the last release's readers."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from jsonschema import Draft202012Validator
from pydantic import SecretStr

from sigill.processing.citations import PolicyContext
from sigill.runtime.clock import FixedClock
from sigill.runtime.settings import Settings
from sigill.store import audit_check
from sigill.store.migrate import MIGRATIONS
from sigill.store.session import Store
from sigill_contracts.examples import FOLDER as EXAMPLES
from sigill_contracts.json_schema import file_name, message_name
from sigill_contracts.topics import INCOMING, OUTGOING, TOPICS
from tests.adoption.release import BOOKS, RELEASES, answers, live_through
from tests.kit.senders import Senders
from tests.kit.services import Services, migrate
from tests.kit.worker_harness import START, WorkerHarness, receipts

ALL = sorted(RELEASES.iterdir())
MODELS = {spec.name: spec.model for spec in TOPICS if spec.model is not None}


@pytest.fixture(params=ALL, ids=lambda folder: folder.name)
def release(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


async def restored(services: Services, release: Path, name: str) -> str:
    """A database with the release's store in it, brought to today's schema as an upgrade does."""
    await services.template()  # makes the server's roles
    dsn = await services.postgres().create_database(name)
    connection = await asyncpg.connect(dsn)
    try:
        # the tables belong to their owner, as `sigill migrate` has made them
        await connection.execute(f'GRANT CREATE ON DATABASE "{name}" TO sigill_owner; SET ROLE sigill_owner')
        await connection.execute((release / "store.sql").read_text("utf-8"))
    finally:
        await connection.close()
    await migrate(dsn)
    return dsn


async def test_the_store_of_a_release_answers_under_todays_code_as_it_did(
    services: Services, release: Path
) -> None:
    name = f"upgrade_{release.name.replace('.', '_')}"
    dsn = await restored(services, release, name)
    store = await Store.open(Settings(database_url=SecretStr(dsn), database_pool_max=4))
    try:
        assert await answers(store) == json.loads((release / "answers.json").read_text())
        async with store.reading() as tx:
            assert await audit_check.verify(tx) == []

        # and the work goes on: an old measure is released, what falls due falls due
        harness = WorkerHarness(
            store,
            Senders(START),
            FixedClock(START + timedelta(days=1)),
            PolicyContext.of(BOOKS, "urn:sigill:test"),
        )
        await harness.assign()
        await harness.out()
        async with store.reading() as tx:
            dead = await tx.value("SELECT dead_letter_id FROM dead_letter")
        assert dead is not None
        await harness.hand_over(harness.senders.orders(harness.clock.now(), "release_journal_seal"))
        [receipt] = receipts(await harness.out())
        assert receipt.codes == ("awaiting_earlier_message",)  # the release's dead letter still holds it up
        harness.clock.set(START + timedelta(days=370))
        assert await harness.transitions().run_due(harness.clock.now()) > 0
        async with store.reading() as tx:
            assert await audit_check.verify(tx) == []
    finally:
        await store.close()
        await services.postgres().drop_database(name)


def test_todays_models_read_every_message_of_a_release(release: Path) -> None:
    events = json.loads((release / "events.json").read_text("utf-8"))
    assert {event["topic"] for event in events} == {spec.name for spec in OUTGOING if spec.model is not None}
    for event in events:
        MODELS[event["topic"]].model_validate_json(json.dumps(event["payload"]))


def test_todays_intake_takes_what_was_sent_to_a_release(release: Path) -> None:
    taken = 0
    for spec in INCOMING:
        for path in (release / "examples").glob(f"{message_name(spec)}.*.json"):
            if not path.name.endswith(".jose.json"):
                MODELS[spec.name].model_validate_json(path.read_text("utf-8"))
                taken += 1
    assert taken >= len(INCOMING)


async def test_the_readers_of_a_release_can_read_what_is_sent_today(database: str, release: Path) -> None:
    """Old and new run side by side during an upgrade: what the new ones send must fit the old schemas."""
    _, events = await live_through(database)
    schemas: dict[str, Any] = {}
    for spec in OUTGOING:
        if spec.model is not None:
            schemas[spec.name] = json.loads((release / "schemas" / file_name(spec)).read_text("utf-8"))
    assert {event["topic"] for event in events} == set(schemas)
    for event in events:
        if not is_new(event["payload"]):
            Draft202012Validator(schemas[event["topic"]]).validate(event["payload"])


def test_examples_of_outgoing_messages_fit_the_schemas_of_a_release(release: Path) -> None:
    for spec in OUTGOING:
        if spec.model is None:
            continue
        validator = Draft202012Validator(
            json.loads((release / "schemas" / file_name(spec)).read_text("utf-8"))
        )
        for path in EXAMPLES.glob(f"{message_name(spec)}.*.json"):
            message = json.loads(path.read_text("utf-8"))
            if not is_new(message):
                validator.validate(message)


def is_new(message: dict[str, Any]) -> bool:
    """
    Whether a message is of a kind that the release did not send at all: it says so in the changelog.

    `unreadable` answers a message that got no answer before; a reader of the release waits for none.
    """
    return message.get("outcome") == "unreadable" or message.get("recipient", {}).get("kind") == "unit"


_BREAKS_OLD_CODE = re.compile(
    r"\b(DROP\s+(TABLE|COLUMN|FUNCTION|SEQUENCE|VIEW)|RENAME\s+(TO|COLUMN)|ALTER\s+COLUMN\s+\w+\s+(SET\s+NOT\s+NULL|TYPE))\b"
    r"|ADD\s+COLUMN\s+(?:(?!DEFAULT)[^,;])*\bNOT\s+NULL\b(?![^,;]*DEFAULT)",
    re.IGNORECASE,
)


def breaks_old_code(statements: str) -> bool:
    """Whether a migration takes something away that code of the release before may use."""
    plain = re.sub(r"--[^\n]*|\$\$.*?\$\$", "", statements, flags=re.DOTALL)
    return _BREAKS_OLD_CODE.search(plain) is not None


def test_migrations_since_a_release_leave_its_code_working(release: Path) -> None:
    """They run while the old workers do; what takes something away waits for the release after."""
    since = json.loads((release / "release.json").read_text())["migration"]
    newer = [path for path in MIGRATIONS.glob("[0-9]*.sql") if path.name[:4] > since[:4]]
    breaking = [
        path.name for path in newer if "_pre_" in path.name and breaks_old_code(path.read_text("utf-8"))
    ]
    assert breaking == []


@pytest.mark.parametrize(
    ("statement", "breaks"),
    [
        ("CREATE TABLE a (b int NOT NULL)", False),
        ("ALTER TABLE a ADD COLUMN b int", False),
        ("ALTER TABLE a ADD COLUMN b int NOT NULL DEFAULT 0", False),
        ("ALTER TABLE a ADD COLUMN b int DEFAULT 0 NOT NULL", False),
        ("-- DROP TABLE a", False),
        ("ALTER TABLE a ADD COLUMN b int NOT NULL", True),
        ("ALTER TABLE a DROP COLUMN b", True),
        ("ALTER TABLE a RENAME COLUMN b TO c", True),
        ("ALTER TABLE a ALTER COLUMN b TYPE bigint", True),
        ("DROP TABLE a", True),
    ],
)
def test_what_breaks_old_code_is_told_apart(statement: str, breaks: bool) -> None:
    assert breaks_old_code(statement) is breaks
