"""With 100,000 orders and 1,000 things that wait: every page is bounded, by the plans and by the rows, not by a watch."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest

from sigill.store import console
from sigill.store.console import MOST, OrderSearch
from sigill.store.queries import queries
from sigill.stream.connection import Connection
from sigill_contracts.vocabulary import Outcome, RegionCode, UnitId
from tests.console.conftest import topics_for
from tests.kit.console import START, World, world
from tests.kit.senders import Senders
from tests.kit.services import Services

ORDERS, WAITING = 100_000, 1_000
_SQL = queries("console") | queries("dead_letters")

SEED = f"""
INSERT INTO signed_order (registration, order_id, proven, person_id, region, form, unit, urgent, source, event_id,
                          content_type, digest, original, payload, trust_report, received_at, topic, partition,
                          record_offset, known_from)
SELECT n, gen_random_uuid(), true, 1 + n % 4, CASE n % 3 WHEN 0 THEN 'testland' ELSE 'otherland' END, 'seal_journal',
       'SE2321000099-U' || n % 200, false, 'urn:seed', n::text, 'application/jose', sha256(n::text::bytea), '\\x00',
       '{{}}', '{{}}', $1::timestamptz - make_interval(mins => ({ORDERS} - n)::integer), 'ehr.orders.v1', 0, n, $1
  FROM generate_series(1, {ORDERS}) AS n;
"""
OUTCOMES = f"""
INSERT INTO order_outcome (registration, version, outcome, codes, measures, receipt, judged_at, known_from)
SELECT n, 1, CASE WHEN n % 100 = 0 THEN 'pending' WHEN n % 50 = 1 THEN 'refused' ELSE 'executed' END,
       CASE WHEN n % 100 = 0 THEN ARRAY['awaiting_signed_form'] ELSE ARRAY[]::text[] END, ARRAY[]::uuid[], '{{}}', $1, $1
  FROM generate_series(1, {ORDERS}) AS n;
"""
PENDING = f"""
INSERT INTO pending_order (registration, person_id, region, codes, until)
SELECT n * 100, 1, 'testland', ARRAY['awaiting_signed_form'], $1::timestamptz + make_interval(mins => n::integer - 500)
  FROM generate_series(1, {WAITING}) AS n;
"""
TASKS = f"""
INSERT INTO task (kind, subject, region, person_id, text_sv, text_en, rules, due_at, target, key_in, opened_at)
SELECT CASE WHEN n % 2 = 0 THEN 'worklist' ELSE 'follow_up_decision' END, n::text, 'testland', 1, 'Text', 'Text',
       ARRAY[]::text[], $1, CASE WHEN n % 2 = 0 THEN 'admin_journalen' END, CASE WHEN n % 2 = 0 THEN 'seal' END, $1
  FROM generate_series(1, {2 * WAITING}) AS n;
"""
DONE = f"""
INSERT INTO task (kind, subject, region, person_id, text_sv, text_en, rules, target, key_in, opened_at, state, ended_at, done_by)
SELECT 'worklist', 'done:' || n, 'testland', 1, 'Text', 'Text', ARRAY[]::text[], 'admin_journalen', 'seal', $1, 'done', $1, 'x'
  FROM generate_series(1, {50 * WAITING}) AS n;
"""
LETTERS = f"""
INSERT INTO dead_letter (topic, partition, record_offset, consumer_group, key, value, headers, reason, known_from)
SELECT 'ehr.orders.v1', 0, n, 'sigill.intake', ('key' || n % 300)::bytea, 'x', '[]', 'unreadable_signature', $1
  FROM generate_series(1, {WAITING}) AS n;
"""
TIMERS = f"""
INSERT INTO timer (person_id, due_at, kind, region)
SELECT 1, $1::timestamptz + make_interval(mins => n), 'review_due', 'testland' FROM generate_series(1, {10 * WAITING}) AS n;
"""


@pytest.fixture(scope="module")
async def crowded(
    services: Services, senders: Senders, connection: Connection, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A hundred thousand orders, a thousand of which wait, and a thousand of everything else that waits."""
    async with (
        services.database() as dsn,
        topics_for(connection) as prefix,
        world(dsn, senders, connection, tmp_path_factory.mktemp("keys"), prefix=prefix) as made,
    ):
        store = made.harness.store
        async with store.transaction(START) as tx:
            for statement in (SEED, OUTCOMES, PENDING, TASKS, DONE, LETTERS, TIMERS):
                await tx.run(statement, START)
        async with store.transaction(START) as tx:
            await tx.run("ANALYZE")
        await made.desk.watch.look()
        yield made


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def rows_read(world: World, name: str, *arguments: object) -> int:
    """The rows that a statement's scans really touched, with those that they threw away."""
    async with world.harness.store.reading() as tx:
        await tx.fresh_plans()
        asked = max(map(int, re.findall(r"\$(\d+)", _SQL[name])))
        arguments = (*arguments, *[None] * (asked - len(arguments)))  # bound to no region or unit
        told = await tx.value(f"EXPLAIN (ANALYZE, FORMAT JSON) {_SQL[name]}", *arguments)
    plan = json.loads(told)[0]["Plan"]
    return int(
        sum(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            for node in nodes(plan)
            if "Scan" in node["Node Type"]
        )
    )


NOTHING = [None] * 7
FREE = [None, None]
"""Bound to no region and no unit."""


@pytest.mark.parametrize(
    ("name", "arguments", "most"),
    [
        ("orders", [*NOTHING, None, 101, *FREE], 500),
        ("orders", [*NOTHING, 50_000, 101, *FREE], 500),
        ("orders", [*NOTHING, None, 101, ["testland"], None], 1_500),
        ("orders", [None, "testland", *[None] * 5, None, 101, *FREE], 1_500),
        ("orders", [None, None, "SE2321000099-U7", *[None] * 4, None, 101, *FREE], 500),
        ("orders", [[1], *[None] * 6, None, 101, *FREE], 1_500),
        ("orders_of_outcome", [*NOTHING, None, 101, "refused", *FREE], 1_500),
        ("orders_of_outcome", [*NOTHING, None, 101, "executed", *FREE], 1_500),
        ("count_orders", [*NOTHING, MOST + 1, *FREE], MOST + 1),
        ("count_orders_of_outcome", [*NOTHING, MOST + 1, "executed", *FREE], 4 * MOST),
        ("pending_page", ["awaiting_signed_form", None, 50, 0, *FREE], 300),
        ("worklist_page", [None, None, 50, 0, *FREE], 2 * WAITING),
        ("worklist_page", [None, None, 50, 0, ["testland"], None], 2 * WAITING),
        ("tasks_page", [["follow_up_decision"], None, 50, 0, *FREE], 2 * WAITING),
        ("timers_of_day", [START, START + timedelta(days=1), 50, 0, None], 300),
        ("letter_sequences", [50, 0, None, None, None], 3_000),
    ],
)
async def test_a_list_touches_a_bounded_number_of_rows(
    crowded: World, name: str, arguments: list[object], most: int
) -> None:
    assert await rows_read(crowded, name, *arguments) <= most


async def test_a_part_is_never_told_as_the_whole(crowded: World) -> None:
    async with crowded.store.reading() as tx:
        everything = await console.count_orders(tx, OrderSearch())
        refused = await console.count_orders(tx, OrderSearch(outcome=Outcome.REFUSED))
        unit = await console.count_orders(
            tx, OrderSearch(unit=UnitId("SE2321000099-U7"), region=RegionCode("testland"))
        )
    assert (everything.number, everything.more) == (MOST, True)
    assert (refused.number, refused.more) == (2_000, False)
    assert not unit.more
    async with crowded.client() as client:
        assert "First 100 of more than 10,000" in (await client.get("/orders")).text
        page = (await client.get("/orders?state=refused")).text
        assert "First 100 of 2,000" in page
        following = re.search(r'href="(/orders\?[^"]*below=[^"]*)" rel="next"', page)
        assert following is not None
        assert "101–200 of 2,000" in (await client.get(following[1].replace("&amp;", "&"))).text


async def test_paging_goes_through_all_of_them_once(crowded: World) -> None:
    seen: list[int] = []
    below = None
    async with crowded.store.reading() as tx:
        while found := await console.find_orders(
            tx, OrderSearch(outcome=Outcome.REFUSED), below=below, limit=700
        ):
            seen += [one.registration for one in found]
            below = seen[-1]
    assert len(seen) == len(set(seen)) == 2_000
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    ("path", "told", "most"),
    [
        ("/orders", "more than 10,000", 100),
        ("/waiting?list=form", "1–50 of 1,000", 50),
        ("/waiting?list=form&from=950", "951–1,000 of 1,000", 50),
        ("/waiting?list=follow_up", "1–50 of 1,000", 50),
        ("/worklist", "1–200 of 1,000", 200),
        ("/dead-letters", "1–50 of 300", 50),
        ("/transitions/2025-03-11", "1–50 of 1,440", 50),
    ],
)
async def test_a_page_shows_its_part_and_says_how_much_there_is(
    crowded: World, path: str, told: str, most: int
) -> None:
    async with crowded.client() as client:
        text = (await client.get(path)).text
    flat = re.sub(r"\s+", " ", text)
    assert told in flat
    rows = text.count('<fieldset class="card sequence">') or text.split("<tbody>", 1)[1].split("</tbody>")[
        0
    ].count("<tr>")
    assert rows == most
    assert len(text) < 200_000
