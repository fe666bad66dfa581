"""The list for the diary: forms in and decisions out, in order of time, and nobody's name or number."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from sigill.operations import spreadsheets as sheets
from sigill.operations.operators import ConsoleRole
from sigill.operations.spreadsheets import SheetWriter
from tests.console.test_hidden import OTHERS, protect_the_child
from tests.console.test_terminal import ACCOUNTS, ANNA, sigill
from tests.kit.console import ALL, MOTIVATION, START, World, furnish
from tests.kit.senders import ADULT, CHILD, FATHER, KEYS, MOTHER, UNIT
from tests.kit.testland import NATIONAL, TESTLAND


@pytest.fixture
def books(tmp_path: Path) -> dict[str, str]:
    """The environment in which a command knows the town's region."""
    folder = tmp_path / "books"
    folder.mkdir()
    for name, text in (("testland", TESTLAND), ("national", NATIONAL)):
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return {"SIGILL_RULEBOOKS": str(folder)}


async def test_each_form_in_and_each_decision_out_is_listed_without_names(
    fresh: World, books: dict[str, str]
) -> None:
    await furnish(fresh)
    day = START.date().isoformat()
    async with fresh.client() as client:
        page = (await client.get(f"/diary?day={day}")).text
        before = (await client.get("/diary?day=2025-03-09")).text
        file = await client.get(f"/diary.csv?first={day}&through={day}&region=testland")
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
    secrets = [ADULT, CHILD, MOTHER, FATHER, KEYS.of(ADULT), KEYS.of(CHILD), MOTIVATION]
    assert [secret for secret in secrets if secret in page + file.text] == []
    async with fresh.client(roles=[ConsoleRole.VIEWER]) as client:
        assert (await client.get("/diary")).status_code == 403
        assert (await client.get("/diary.csv")).status_code == 403

    asked = ("order", "diary", "--from", day, "--through", day, "--region")
    told = await sigill(fresh, *asked, "testland", **books)
    assert told.status == 0, told.err
    assert list(csv.DictReader(io.StringIO(told.out))) == rows
    wrong = await sigill(fresh, "order", "diary", "--from", day, "--through", "2025-03-01")
    assert (wrong.status, "before --from" in wrong.err) == (2, True)
    nowhere = await sigill(fresh, *asked, "nowhere", **books)
    assert (nowhere.status, "no region nowhere; there are: " in nowhere.err) == (2, True)


async def test_of_somebody_hidden_the_diary_lists_number_date_and_outcome_alone(
    fresh: World, tmp_path: Path, books: dict[str, str]
) -> None:
    child = await protect_the_child(fresh)
    day = START.date().isoformat()
    async with fresh.store.reading() as tx:
        about = await tx.fetch(
            "SELECT registration_number AS number FROM signed_order WHERE person_id = $1 OR payload::text LIKE $2",
            int(child),
            f"%{CHILD}%",
        )
    secret = {row["number"] for row in about}
    seen, pages = {}, {}
    for name, roles in (("others", OTHERS), ("role", tuple(ALL))):
        async with fresh.client(roles=roles) as client:
            pages[name] = (await client.get(f"/diary?day={day}")).text
            file = await client.get(f"/diary.csv?first={day}&through={day}")
        seen[name] = list(csv.DictReader(io.StringIO(file.text)))
    assert {row["number"] for row in seen["role"]} > secret > set()
    nothing = {"region": "", "form": "", "unit": ""}
    assert seen["others"] == [{**row, **nothing} if row["number"] in secret else row for row in seen["role"]]
    assert seen["others"] != seen["role"]
    for number in secret:
        for line in re.findall(rf"<tr>(?:(?!</tr>).)*{number}.*?</tr>", pages["others"], re.DOTALL):
            assert "Hidden: protected identity" in line
            assert [text for text in ("testland", UNIT, "lock", "eal") if text in line] == []
        assert number in pages["others"]
    operators = tmp_path / "may.json"
    operators.write_text(
        json.dumps({str(ACCOUNTS[ANNA]): {"hsa_id": ANNA, "roles": ["protected_identity"]}}), "utf-8"
    )
    asked = ("order", "diary", "--from", day, "--through", day)
    for name, more in (("others", {}), ("role", {"SIGILL_OPERATORS": str(operators)})):
        told = await sigill(fresh, *asked, **books, **more)
        assert list(csv.DictReader(io.StringIO(told.out))) == seen[name], told.err


async def test_a_region_that_nobody_has_is_refused_and_gets_into_no_files_name(furnished: World) -> None:
    async with furnished.client() as client:
        for odd in ("nowhere", "%CE%A9", "%0d%0aX-Odd: 1", "%22; filename=%22a.exe"):
            for path in ("/diary", "/diary.csv"):
                refused = await client.get(f"{path}?region={odd}")
                assert (refused.status_code, "does not cover" in refused.text) == (403, True), (path, odd)
            figures = await client.get(f"/statistics.csv?region={odd}")
            assert figures.headers["content-disposition"].startswith('attachment; filename="sigill-testland-')
            assert "x-odd" not in figures.headers
        named = await client.get("/diary.csv?region=testland")
        whole = await client.get("/diary.csv")
    assert named.headers["content-disposition"].startswith('attachment; filename="diary-testland-2')
    assert whole.headers["content-disposition"].startswith('attachment; filename="diary-all-2')


def test_no_cell_of_a_file_is_a_formula_whoever_wrote_it() -> None:
    """A region's series may begin with a hyphen, a reason with anything."""
    out = io.StringIO()
    odd = ["=1+1", "+1", "-cmd", "@SUM", "\t=1", "\r=1", "\n=1"]
    SheetWriter(out).lines([odd, ["-", "..", 5, -3, ""]])
    first, second = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert first == [f"'{cell}" for cell in odd]
    assert second == ["-", "..", "5", "-3", ""]
    workers = Path(sheets.__file__).parents[1]
    others = [path.name for path in workers.rglob("*.py") if "csv.writer(" in path.read_text("utf-8")]
    assert others == ["spreadsheets.py"]
