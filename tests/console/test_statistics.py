"""Figures for the owner, from real orders: what is counted, what is left out, as page, file and command."""

import csv
import io
import json
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from sigill.operations.statistics import (
    counted_regions,
    months_before,
    newest_over,
    owner_statistics,
    period_of,
)
from sigill.policy.calendar import swedish_date
from sigill.runtime.clock import write_clock
from sigill.store import tasks
from sigill_contracts.vocabulary import RegionCode
from tests.console.test_terminal import sigill
from tests.kit.console import BOOKS, START, World
from tests.kit.senders import ADULT, CHILD, OPERATOR, REGION, UNIT, person
from tests.kit.testland import write_rulebooks


async def a_month(here: World) -> None:
    """Two seals, one of them by phone and confirmed two hours later, a block, a refused order, and one task ticked off."""
    now, senders = here.clock.now(), here.senders
    call = senders.form(now, patient=person(CHILD), channel="phone", urgent=True)
    await here.harness.hand_over(
        senders.orders(now),
        senders.signs(call, now, by=OPERATOR),
        senders.orders(now, "block_guardians", patient=person(CHILD)),
        senders.orders(now, "appoint_representative", patient=person(ADULT)),
    )
    here.clock.set(now + timedelta(hours=2))
    form = senders.form(here.clock.now(), patient=person(CHILD), follows_up=call["order_id"], urgent=True)
    await here.harness.hand_over(senders.signs(form, here.clock.now()))
    async with here.harness.store.transaction(here.clock.now()) as tx:
        first = (await tasks.page(tx, target="admin_journalen"))[0]
        assert await tasks.tick_off(tx, first.task_id, OPERATOR)


async def test_what_happened_is_counted_and_small_counts_are_left_out(fresh: World, tmp_path: Path) -> None:
    await a_month(fresh)
    asked = {"months": 3, "region": RegionCode(REGION), "threshold": 1}
    found = await owner_statistics(fresh.store, BOOKS, period=swedish_date(START), **asked)
    assert (found.first, found.last) == (date(2025, 1, 1), date(2025, 3, 1))
    by = {one.table.name: one for one in found.measures}
    assert by["unit"].shown("journal_seal", UNIT) == 2
    assert by["initiative"].shown("guardian_block", "care") == 1
    assert by["month"].shown("", "2025-03") == 3
    # born in 2018 and in 1970: the groups begin where the rulebook's ages do
    assert (by["age"].shown("journal_seal", "0–12"), by["age"].shown("journal_seal", "18–")) == (1, 1)
    assert (found.call_to_form.over, found.call_to_form.open) == (1, 0)
    assert [(one.label, one.over) for one in found.to_keyed_in] == [("admin_journalen", 1)]
    assert {one.label for one in found.refusals} >= {"form_not_offered"}
    before = await owner_statistics(fresh.store, BOOKS, period=date(2024, 12, 31), **asked)
    assert before.measures[0].table.rows == ()

    async with fresh.client() as client:
        early = (await client.get("/statistics?period=2025-03")).text
    assert (
        "2024-10 – 2024-12" in early
    )  # a period that is not over tells of each new measure: it is not shown
    fresh.clock.set(START + timedelta(days=31))
    for language, says in (("sv", "Nya åtgärder per vårdenhet"), ("en", "New measures by unit")):
        async with fresh.client(language=language) as client:
            page = (await client.get("/statistics?period=2025-02")).text
            file = await client.get("/statistics.csv?period=2025-02")
        assert says in page
        assert ">..</span>" in page
        assert 'role="img"' in page
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert {row["value"] for row in rows if row["row"] == "journal_seal" and row["column"] == UNIT} == {".."}
    assert "attachment" in file.headers["content-disposition"]

    clock = tmp_path / "clock"
    write_clock(clock, START + timedelta(days=31))
    clocked = {"SIGILL_CLOCK_FILE": str(clock), "SIGILL_RULEBOOKS": str(write_rulebooks(tmp_path / "rules"))}
    told = await sigill(fresh, "statistics", "--format", "json", **clocked)
    assert told.status == 0, told.err
    document = json.loads(told.out)
    assert (document["from"], document["through"], document["region"]) == ("2025-01", "2025-03", REGION)
    assert document["measures"]["month"]["total"] == {
        "2025-01": 0,
        "2025-02": 0,
        "2025-03": None,
        "total": None,
    }
    late = await sigill(fresh, "statistics", "--period", "2025-04", **clocked)
    assert (late.status, "2025-01" in late.err) == (2, True)
    several = await sigill(fresh, "statistics", SIGILL_CLOCK_FILE=str(clock))
    assert (several.status, "--region" in several.err) == (2, True)


def test_periods_cut_each_year_and_never_overlap() -> None:
    """Two that overlapped told a count below the threshold by subtraction; so did a region beside all of them."""
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(800)]
    for months in (3, 4, 6, 12):
        begun = sorted({period_of(day, months) for day in days})
        for one in begun:
            assert (one.day, (one.month - 1) % months) == (1, 0)
        assert all(months_before(later, months) == one for one, later in pairwise(begun))
        assert newest_over(date(2025, 3, 31), months) < period_of(date(2025, 3, 31), months)
    assert counted_regions(BOOKS) == [REGION, "national"]
    assert counted_regions(BOOKS, {"national"}) == ["national"]


async def test_whatever_period_is_asked_for_two_answers_are_the_same_or_of_different_days(
    furnished: World,
) -> None:
    furnished.clock.set(START + timedelta(days=400))
    shown = set()
    async with furnished.client() as client:
        for asked in ("2025-01", "2025-02", "2025-03", "2024-12&first=2025-03", "2025-04", "2025-01&region="):
            shown.add((await client.get(f"/statistics.csv?period={asked}")).headers["content-disposition"])
    assert len(shown) == 3
