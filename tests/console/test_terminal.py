"""`sigill status`, `sigill dlq`, `sigill worklist`: data on stdout, nothing destroyed unasked."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from sigill.store import dead_letters, holds, proposals, tasks
from sigill.store.dead_letters import DISCARD
from sigill_contracts.dead_letter import DeadLetterReason
from tests.kit.console import World, furnish
from tests.kit.environment import without_settings


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str


ANNA, BO = "SE2321000099-ANNA", "SE2321000099-BO01"
ACCOUNTS = {ANNA: 61001, BO: 61002}
#: The kernel of another account: what `os.getuid` answers, and who is root, the tests' own account being neither.
AS_ACCOUNT = (
    "import os, sys; from sigill.operations import identity; identity.ROOT = os.getuid(); "
    "uid = int(sys.argv.pop(1)); os.getuid = lambda: uid; from sigill.cli import main; main()"
)


async def sigill(world: World, *words: str, user: str = ANNA, **more: str) -> Ended:
    """Run the command without a terminal, as another process of an account would."""
    operators = world.desk.settings.operator_keys.with_name("operators.json")
    operators.write_text(json.dumps({str(uid): name for name, uid in ACCOUNTS.items()}))
    settings = world.desk.settings
    environment = {
        **without_settings(),
        "SIGILL_DATABASE_URL": settings.database_url.get_secret_value(),
        "SIGILL_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "SIGILL_KAFKA_TOPIC_PREFIX": settings.kafka_topic_prefix,
        "SIGILL_OPERATORS": str(operators),
        # what somebody may write there as they like
        "LOGNAME": "bo",
        "USER": "bo",
        "SUDO_USER": "bo",
        "NO_COLOR": "1",
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        AS_ACCOUNT,
        str(ACCOUNTS.get(user, 61099)),
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return Ended(process.returncode or 0, out.decode(), err.decode())


async def test_status_tells_one_json_document(fresh: World) -> None:
    await furnish(fresh)
    told = await sigill(fresh, "status", "--json")
    assert told.status == 0, told.err
    document = json.loads(told.out)
    assert [queue["topic"].removeprefix(fresh.prefix) for queue in document["queues"]] == [
        "ehr.orders.v1",
        "population.persons.v1",
        "directory.staff.v1",
        "directory.units.v1",
        "elsewhere.measures.v1",
    ]
    assert sum(one["open"] for one in document["dead_letters"]) == 4
    assert document["broker"] is None
    assert {one["target"] for one in document["worklist"]} == {"admin_journalen"}


async def test_status_without_a_terminal_prints_once_and_says_when_something_is_down(fresh: World) -> None:
    told = await sigill(fresh, "status")
    assert told.status == 0, told.err
    assert "ehr.orders.v1" in told.out
    assert "\x1b" not in told.out
    down = await sigill(fresh, "status", "--json", SIGILL_KAFKA_BOOTSTRAP="localhost:1")
    assert down.status == 1
    assert json.loads(down.out)["broker"]


@pytest.mark.parametrize(
    "words",
    [("dlq", "replay", "1"), ("dlq", "discard", "1", "--reason", "r"), ("worklist", "tick", "1")],
)
async def test_what_changes_something_fails_at_once_without_a_terminal(
    fresh: World, words: Sequence[str]
) -> None:
    await fresh.lose()
    told = await sigill(fresh, *words)
    assert told.status == 2
    assert "--yes" in told.err
    async with fresh.store.reading() as tx:
        assert (await dead_letters.by_ids(tx, [1]))[1].action is None


async def test_letters_are_listed_shown_masked_and_replayed(fresh: World) -> None:
    ids = await fresh.lose(b"content 199001012384", count=2)
    listed = json.loads((await sigill(fresh, "dlq", "list", "--json")).out)
    assert listed["open"] == 2
    assert [letter["id"] for letter in listed["letters"]] == ids[::-1]
    masked = await sigill(fresh, "dlq", "show", str(ids[0]))
    assert "unreadable_signature" in masked.out
    assert "199001012384" not in masked.out + masked.err
    assert "199001012384" in (await sigill(fresh, "dlq", "show", str(ids[0]), "--reason", "fault")).out
    planned = await sigill(fresh, "dlq", "replay", str(ids[1]), "--dry-run")
    assert planned.status == 0
    assert f"#{ids[0]}, #{ids[1]}" in planned.err  # the older one of the sequence goes along
    done = await sigill(fresh, "dlq", "replay", str(ids[1]), "--yes")
    assert done.status == 0, done.err
    async with fresh.store.reading() as tx:
        letters = await dead_letters.by_ids(tx, ids)
    assert {letter.action for letter in letters.values()} == {"replayed"}
    assert {letter.operator for letter in letters.values()} == {ANNA}


async def test_a_discard_takes_two_people(fresh: World) -> None:
    (one,) = await fresh.lose()
    assert (await sigill(fresh, "dlq", "discard", str(one), "--reason", "test", "--yes")).status == 0
    own = await sigill(fresh, "dlq", "discard", str(one), "--approve", "--yes")
    assert own.status == 1
    assert "cannot approve" in own.err
    assert (await sigill(fresh, "dlq", "discard", str(one), "--approve", "--yes", user=BO)).status == 0
    async with fresh.store.reading() as tx:
        letter = (await dead_letters.by_ids(tx, [one]))[one]
    assert (letter.action, letter.operator, letter.approver) == ("discarded", ANNA, BO)


async def test_a_letter_that_was_replayed_is_not_discarded_after_all(fresh: World) -> None:
    (one,) = await fresh.lose()
    assert (await sigill(fresh, "dlq", "discard", str(one), "--reason", "test", "--yes")).status == 0
    assert (await sigill(fresh, "dlq", "replay", str(one), "--yes")).status == 0
    late = await sigill(fresh, "dlq", "discard", str(one), "--approve", "--yes", user=BO)
    assert (late.status, late.err.splitlines()[-1]) == (1, f"dead letter {one} is dealt with already")
    async with fresh.store.reading() as tx:
        assert (await dead_letters.by_ids(tx, [one]))[one].action == "replayed"
        assert [p.subject for p in await proposals.open_ones(tx, DISCARD)] == [str(one)], (
            "nothing was decided"
        )


@pytest.mark.parametrize("verdict", ["--approve", "--decline"])
async def test_a_discard_that_another_decides_at_the_same_moment_is_one_line(
    fresh: World, verdict: str
) -> None:
    (one,) = await fresh.lose()
    assert (await sigill(fresh, "dlq", "discard", str(one), "--reason", "test", "--yes")).status == 0
    async with fresh.store.transaction(fresh.clock.now()) as tx:
        [waiting] = await proposals.open_ones(tx, DISCARD)
        await proposals.decide(tx, waiting.proposal_id, ANNA, approved=False, action=DISCARD)
        second = asyncio.create_task(sigill(fresh, "dlq", "discard", str(one), verdict, "--yes", user=BO))
        async with asyncio.timeout(60):
            while not await tx.value(_WAITS_FOR_US):
                await asyncio.sleep(0.05)
    told = await second
    assert told.status == 1
    assert told.err.splitlines()[-1] == f"proposal {waiting.proposal_id} is not open"
    assert "Traceback" not in told.err


_WAITS_FOR_US = (
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
)


async def test_whom_the_file_does_not_name_does_nothing(fresh: World) -> None:
    (one,) = await fresh.lose()
    told = await sigill(fresh, "dlq", "discard", str(one), "--reason", "test", "--yes", user="somebody")
    assert told.status == 2
    assert "names no operator for user id 61099" in told.err
    assert "Traceback" not in told.err
    async with fresh.store.reading() as tx:
        assert not await proposals.open_ones(tx, DISCARD)


async def test_who_proposed_at_the_console_cannot_approve_in_a_terminal(fresh: World) -> None:
    (one,) = await fresh.lose()
    async with fresh.client(ANNA) as anna:
        await anna.post(f"/dead-letters/{one}/discard", "/dead-letters", reason="test")
    own = await sigill(fresh, "dlq", "discard", str(one), "--approve", "--yes")
    assert own.status == 1
    assert "cannot approve" in own.err


async def test_the_work_list_is_listed_and_ticked_off(fresh: World) -> None:
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now()))
    listed = json.loads((await sigill(fresh, "worklist", "list", "--json")).out)
    assert listed["open"] == 1
    (task,) = listed["tasks"]
    assert (task["target"], task["key_in"]) == ("admin_journalen", "seal")
    ticked = await sigill(fresh, "worklist", "tick", str(task["id"]), "--remark", "AJ-1", "--yes")
    assert ticked.status == 0, ticked.err
    assert (await sigill(fresh, "worklist", "tick", str(task["id"]), "--yes")).status == 1
    async with fresh.store.reading() as tx:
        assert (await tasks.by_ids(tx, [task["id"]]))[task["id"]].done_by == ANNA


async def test_a_held_source_is_listed_without_what_a_terminal_obeys_and_let_go_for_a_reason(
    fresh: World,
) -> None:
    async with fresh.harness.store.transaction(fresh.clock.now()) as tx:
        (one,) = await holds.hold(tx, {("ehr.orders.v1", "urn:\x1b[2J199001012384"): 20})
    listed = await sigill(fresh, "dlq", "holds")
    assert "\x1b" not in listed.out
    assert "199001012384" not in listed.out
    assert "1 held" in listed.err
    assert (await sigill(fresh, "dlq", "looked", str(one.hold_id), "--reason", "theirs")).status == 2
    assert (await sigill(fresh, "dlq", "looked", str(one.hold_id), "--reason", "theirs", "--yes")).status == 0
    assert (await sigill(fresh, "dlq", "looked", str(one.hold_id), "--reason", "theirs", "--yes")).status == 1
    async with fresh.store.reading() as tx:
        assert await holds.standing(tx) == []


async def test_what_the_register_sent_is_not_sent_again_from_here(fresh: World) -> None:
    """Whoever could write there could say who is whose guardian."""
    async with fresh.harness.store.transaction(fresh.clock.now()) as tx:
        record = dead_letters.DeadRecord(
            "population.persons.v1", 0, 7, "register", b"v1.a", b"x", (), DeadLetterReason.UNREADABLE_PAYLOAD
        )  # fmt: skip
        (one,) = await dead_letters.append(tx, [record])
    refused = await sigill(fresh, "dlq", "replay", str(one), "--yes")
    assert refused.status == 1
    assert "theirs to send again" in refused.err
    async with fresh.store.reading() as tx:
        assert (await dead_letters.by_ids(tx, [one]))[one].action is None
