"""Figures for the owner, from real orders: what is counted, what is left out, as page, file and command."""

import csv
import io
import json
from datetime import date, timedelta
from pathlib import Path

from sigill.operations.statistics import owner_statistics
from sigill.policy.calendar import swedish_date
from sigill.runtime.clock import write_clock
from sigill.store import tasks
from tests.console.test_terminal import sigill
from tests.console.world import BOOKS, START, World
from tests.workers.town import ADULT, CHILD, OPERATOR, UNIT, person


async def a_month(here: World) -> None:
    """Two seals, one of them by phone and confirmed two hours later, a block, a refused order, and one task ticked off."""
    now, town = here.clock.now(), here.town
    call = town.form(now, patient=person(CHILD), channel="phone", urgent=True)
    await here.office.hand_over(
        town.orders(now),
        town.signs(call, now, by=OPERATOR),
        town.orders(now, "block_guardians", patient=person(CHILD)),
        town.orders(now, "appoint_representative", patient=person(ADULT)),
    )
    here.clock.set(now + timedelta(hours=2))
    form = town.form(here.clock.now(), patient=person(CHILD), follows_up=call["order_id"], urgent=True)
    await here.office.hand_over(town.signs(form, here.clock.now()))
    async with here.office.store.transaction(here.clock.now()) as tx:
        first = (await tasks.page(tx, target="admin_journalen"))[0]
        assert await tasks.tick_off(tx, first.task_id, OPERATOR)


async def test_what_happened_is_counted_and_small_counts_are_left_out(fresh: World, tmp_path: Path) -> None:
    await a_month(fresh)
    month = swedish_date(START).replace(day=1)
    found = await owner_statistics(fresh.store, BOOKS, first=month, last=month, region=None, threshold=1)
    by = {one.table.name: one for one in found.measures}
    assert by["unit"].shown("journal_seal", UNIT) == 2
    assert by["initiative"].shown("guardian_block", "care") == 1
    assert by["month"].shown("", "2025-03") == 3
    # born in 2018 and in 1970: the groups begin where the rulebook's ages do
    assert (by["age"].shown("journal_seal", "0–12"), by["age"].shown("journal_seal", "18–")) == (1, 1)
    assert (found.call_to_form.over, found.call_to_form.open) == (1, 0)
    assert [(one.label, one.over) for one in found.to_keyed_in] == [("admin_journalen", 1)]
    assert {one.label for one in found.refusals} >= {"form_not_offered"}
    before = await owner_statistics(
        fresh.store, BOOKS, first=date(2025, 2, 1), last=date(2025, 2, 1), region=None, threshold=1
    )
    assert before.measures[0].table.rows == ()

    async with fresh.client() as client:
        early = (await client.get("/statistics?first=2025-03&through=2025-03")).text
    assert "2025-02 – 2025-02" in early  # a month that is not over tells of each new measure: it is not shown
    fresh.clock.set(START + timedelta(days=31))
    for language, says in (("sv", "Nya åtgärder per vårdenhet"), ("en", "New measures by unit")):
        async with fresh.client(language=language) as client:
            page = (await client.get("/statistics?first=2025-03&through=2025-03")).text
            file = await client.get("/statistics.csv?first=2025-03&through=2025-03")
        assert says in page
        assert ">..</span>" in page
        assert 'role="img"' in page
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert {row["value"] for row in rows if row["row"] == "journal_seal" and row["column"] == UNIT} == {".."}
    assert "attachment" in file.headers["content-disposition"]

    clock = tmp_path / "clock"
    write_clock(clock, START + timedelta(days=31))
    told = await sigill(fresh, "statistics", "--format", "json", SIGILL_CLOCK_FILE=str(clock))
    assert told.status == 0, told.err
    document = json.loads(told.out)
    assert (document["from"], document["through"]) == ("2024-04", "2025-03")
    assert document["measures"]["month"]["total"] == {
        **dict.fromkeys(document["measures"]["month"]["total"], 0)
    } | {
        "2025-03": None,
        "total": None,
    }
    late = await sigill(fresh, "statistics", "--through", "2025-04", SIGILL_CLOCK_FILE=str(clock))
    assert (late.status, "2025-03" in late.err) == (2, True)
    wrong = await sigill(fresh, "statistics", "--from", "2025-03", "--through", "2025-01")
    assert wrong.status == 2
