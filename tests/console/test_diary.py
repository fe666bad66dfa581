"""The list for the diary: forms in and decisions out, in order of time, and nobody's name or number."""

import csv
import io

from sigill.operations.operators import ConsoleRole
from tests.console.test_terminal import sigill
from tests.console.world import MOTIVATION, START, World, furnish
from tests.workers.town import ADULT, CHILD, FATHER, KEYS, MOTHER, UNIT


async def test_each_form_in_and_each_decision_out_is_listed_without_names(fresh: World) -> None:
    await furnish(fresh)
    day = START.date().isoformat()
    async with fresh.client() as client:
        page = (await client.get(f"/diary?day={day}")).text
        before = (await client.get("/diary?day=2025-03-09")).text
        file = await client.get(f"/diary.csv?first={day}&through={day}&region=testland")
        elsewhere = (await client.get(f"/diary?day={day}&region=nowhere")).text
    rows = list(csv.DictReader(io.StringIO(file.text)))
    by_number: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        assert (row["date"], row["region"], row["unit"]) == (day, "testland", UNIT)
        by_number.setdefault(row["number"], []).append((row["way"], row["outcome"]))
    assert all(number.startswith("SIGILL-") and number in page for number in by_number)
    assert [("in", ""), ("out", "executed")] in by_number.values()
    assert [("in", ""), ("out", "pending")] in by_number.values()
    assert [("in", ""), ("out", "refused")] in by_number.values()  # a forged one is registered too
    assert "Nothing." in before
    assert "Nothing." in elsewhere
    secrets = [ADULT, CHILD, MOTHER, FATHER, KEYS.of(ADULT), KEYS.of(CHILD), MOTIVATION]
    assert [secret for secret in secrets if secret in page + file.text] == []
    async with fresh.client(roles=[ConsoleRole.VIEWER]) as client:
        assert (await client.get("/diary")).status_code == 403
        assert (await client.get("/diary.csv")).status_code == 403

    told = await sigill(fresh, "order", "diary", "--from", day, "--through", day, "--region", "testland")
    assert told.status == 0, told.err
    assert list(csv.DictReader(io.StringIO(told.out))) == rows
    wrong = await sigill(fresh, "order", "diary", "--from", day, "--through", "2025-03-01")
    assert (wrong.status, "before --from" in wrong.err) == (2, True)
