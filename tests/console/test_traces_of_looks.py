"""No look without a trace: a line with a reason, or nothing personal shown."""

import json
import re
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from sigill.operations.operators import ConsoleRole
from sigill.store import access_log, dead_letters, orders, persons
from sigill.store.access_log import LoggedAccess
from sigill.store.dead_letters import DeadRecord
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.topics import ORDERS
from tests.console.test_terminal import ANNA, sigill
from tests.kit.console import World
from tests.kit.senders import ADULT, KEYS, OPERATOR, UNIT

LISTS = (
    "/orders", "/waiting?list=form", "/waiting?list=follow_up", "/waiting?list=units", "/waiting?list=protected",
    "/waiting?list=orders", "/waiting?list=other", "/worklist", "/dead-letters",
)  # fmt: skip
NUMBER = "199001012384"


async def noted(here: World, action: str) -> list[dict[str, Any]]:
    async with here.harness.store.reading() as tx:
        rows = await tx.fetch(
            "SELECT actor, body FROM audit_entry WHERE action = $1 ORDER BY position", action
        )
    return [{"actor": row["actor"], **json.loads(row["body"])} for row in rows]


async def looks_at(here: World, number: str) -> list[LoggedAccess]:
    async with here.harness.store.reading() as tx:
        who = (await persons.resolve_keys(tx, [KEYS.of(number)]))[KEYS.of(number)]
        return await access_log.of_person(tx, who)


async def test_a_viewer_sees_how_many_and_not_which(furnished: World) -> None:
    async with furnished.client(roles=[ConsoleRole.VIEWER]) as viewer:
        for path in LISTS:
            page = await viewer.get(path)
            assert page.status_code == 200
            assert "how many, not which" in page.text, path
            for found in ("SIGILL-", UNIT, "P-", "/person/", "/orders/", "/dead-letters/"):
                assert found not in page.text, (path, found)
        # nor by asking for a unit, a form or an order one at a time
        assert (await viewer.get(f"/orders?unit={UNIT}&form=seal_journal")).text == (
            await viewer.get("/orders")
        ).text
        for path in (
            "/orders/1",
            f"/orders/by-id/{uuid4()}",
            "/worklist/1",
            "/dead-letters/1",
            "/tasks/1/person",
        ):
            assert (await viewer.get(path)).status_code == 403


async def test_a_list_names_no_patient_and_the_way_there_asks_for_a_reason(furnished: World) -> None:
    async with furnished.client() as operator:
        for path in (*LISTS, "/transitions", "/transitions/2025-03-16"):
            text = (await operator.get(path)).text
            assert not re.search(r"P-\d|/person/\d", text), path
        task = re.search(r'href="(/tasks/\d+/person)"', (await operator.get("/waiting?list=follow_up")).text)
        assert task is not None
        assert "reason" in (await operator.get(task[1])).text


async def test_what_to_key_in_is_a_line_in_the_access_log_masked_too(fresh: World) -> None:
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now()))
    async with fresh.client() as operator:
        (task,) = set(re.findall(r'href="(/worklist/\d+)"', (await operator.get("/worklist")).text))
        await operator.get(task)
    look = (await looks_at(fresh, ADULT))[-1].look
    assert (look.actor, look.reason) == (OPERATOR, "work-list")
    assert look.shown.endswith("masked")


async def test_an_auditors_own_readings_and_a_logout_are_audited(fresh: World) -> None:
    async with fresh.client() as auditor:
        assert (await auditor.get(f"/audit?actor={NUMBER}&since=2025-01-01")).status_code == 200
        await auditor.post("/logout")
    (read,) = await noted(fresh, "access_log_read")
    assert (read["actor"], read["since"]) == (OPERATOR, "2025-01-01")
    assert NUMBER not in json.dumps(read)
    (out,) = await noted(fresh, "console_logout")
    assert out["actor"] == OPERATOR


async def hostile(here: World, key: bytes) -> int:
    """A letter whose sender put a number and what a terminal obeys into names and values of its headers."""
    record = DeadRecord(
        ORDERS.name, 0, 5000, "sigill.intake", key, b"\x1b[2J" + NUMBER.encode(),
        ((f"x-{NUMBER}", b"\x1b]0;owned\x07" + NUMBER.encode()), ("\x1b[31mred\u202e", b"plain")),
        DeadLetterReason.UNREADABLE_SIGNATURE, here.clock.now(),
    )  # fmt: skip
    async with here.harness.store.transaction(here.clock.now()) as tx:
        (one,) = await dead_letters.append(tx, [record])
    return one


@pytest.mark.parametrize("more", [(), ("--reason", "fault at the sender")])
async def test_a_terminal_obeys_no_dead_letter_and_shows_no_number_unasked(
    fresh: World, more: Sequence[str]
) -> None:
    one = await hostile(fresh, KEYS.of(ADULT).encode())
    told = await sigill(fresh, "dlq", "show", str(one), *more)
    assert told.status == 0, told.err
    assert not any(sign in told.out for sign in ("\x1b", "\x07", "\u202e"))
    assert (NUMBER in told.out) == bool(more)
    seen = [one for one in await looks_at(fresh, ADULT) if one.look.shown.startswith("dead_letter_opened")]
    assert [(one.look.actor, one.look.reason) for one in seen] == ([(ANNA, more[1])] if more else [])


async def test_a_reason_is_kept_also_where_nobody_is_known(fresh: World) -> None:
    one = await hostile(fresh, b"nobody's key")
    assert (await sigill(fresh, "dlq", "show", str(one), "--reason", f"fault, {NUMBER}")).status == 0
    async with fresh.client() as operator:
        masked = (await operator.get(f"/dead-letters/{one}")).text
        assert NUMBER not in masked
        await operator.post(f"/dead-letters/{one}/open", f"/dead-letters/{one}", reason="sender asks")
        opened = (await operator.get(f"/dead-letters/{one}")).text
    assert not any(sign in masked + opened for sign in ("\x1b", "\x07", "\u202e"))
    reasons = [entry["reason"] for entry in await noted(fresh, "dead_letter_opened")]
    assert reasons[1] == "sender asks"
    assert reasons[0].startswith("fault, ")
    assert NUMBER not in reasons[0]


async def test_a_whole_receipt_in_a_terminal_needs_a_reason_and_leaves_a_line(fresh: World) -> None:
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now()))
    async with fresh.harness.store.reading() as tx:
        (filed,) = await orders.by_registration(tx, [1])
    order_id = str(filed.order_id)
    assert (await sigill(fresh, "order", "show", order_id)).status == 0
    assert (await sigill(fresh, "order", "show", order_id, "--json")).status == 2
    before = len(await looks_at(fresh, ADULT))
    told = await sigill(fresh, "order", "show", order_id, "--json", "--reason", "the EHR asks")
    assert told.status == 0, told.err
    assert json.loads(told.out)["outcome"] == "executed"
    looks = await looks_at(fresh, ADULT)
    assert [(one.look.actor, one.look.reason) for one in looks[before:]] == [(ANNA, "the EHR asks")]
