"""The safe day, as a page and as a command: what opens by itself, whom it concerns, and what prevents it."""

import json
import re
from datetime import timedelta
from pathlib import Path

import httpx

from sigill.operations.operators import ConsoleRole, Operator
from sigill.operations.week_ahead import week_ahead
from sigill.runtime.clock import write_clock
from sigill.store import access_log, persons
from sigill.store.console import Binding
from sigill_contracts.vocabulary import RegionCode
from tests.console.test_terminal import ACCOUNTS, ANNA, sigill
from tests.kit.console import BOOKS, START, World
from tests.kit.senders import ADULT, CHILD, FATHER, KEYS, MOTHER, OPERATOR, UNIT, person


async def ending(here: World) -> None:
    """A seal that ends on Friday, one that nobody has to think of yet, and a block that ends on the fortieth day."""
    now = here.clock.now()

    def day(after: int) -> str:
        return (now + timedelta(days=after)).date().isoformat()

    await here.harness.hand_over(
        here.senders.orders(now, valid_through=day(3)),
        here.senders.orders(now, "block_guardians", patient=person(CHILD), valid_through=day(40)),
    )


SAYS = {
    "sv": ("Skyddade som inte är stängda: 0", "Upphör: försegling av journalen.", "öppnas", "Hindras av"),
    "en": ("Protected and not shut: 0", "Ends: seal of the journal.", "opens", "Prevented by"),
}


async def test_the_page_says_what_opens_this_week_and_who_ought_to_be_shut(fresh: World) -> None:
    await ending(fresh)
    async with fresh.store.reading() as tx:
        adult = (await persons.resolve_keys(tx, [KEYS.of(ADULT)]))[KEYS.of(ADULT)]
        child = (await persons.resolve_keys(tx, [KEYS.of(CHILD)]))[KEYS.of(CHILD)]
    for language, says in SAYS.items():
        async with fresh.client(language=language) as client:
            page = (await client.get("/ahead")).text
        assert [text for text in says if text not in page] == []
        assert "2025-03-14" in page
        assert f"/person/{adult}" in page
        assert f"/person/{child}" not in page
        assert [number for number in (ADULT, CHILD, MOTHER, FATHER) if number in page] == []
    async with fresh.client() as client:
        assert f"/person/{adult}" in (await client.get("/ahead?region=testland")).text
        assert "2025-03-14 00:00</time> <a" not in (await client.get("/ahead?from=50")).text
    async with fresh.client(roles=[ConsoleRole.VIEWER]) as client:
        assert (await client.get("/ahead")).status_code == 403
        assert 'href="/ahead"' not in (await client.get("/")).text
    # marked behind the worker's back: as by a fault of ours, which is what the figure is for
    async with fresh.harness.store.transaction(fresh.clock.now()) as tx:
        await tx.run(
            "INSERT INTO person_version SELECT person_id, sequence + 1, valid_from, $1, birth_earliest, birth_latest,"
            " died_on, emigrated_on, id_type, true, has_e_id, identity_uncertain, number, '99'"
            " FROM person_version WHERE number = $2",
            fresh.clock.now(),
            CHILD,
        )
    async with fresh.client() as client:
        page = (await client.get("/ahead")).text
    assert "Protected and not shut: 1" in page
    assert "sigill protected mend" in page
    assert f"/person/{child}" in page
    async with fresh.client(roles=[ConsoleRole.OPERATOR]) as client:
        others = (await client.get("/ahead")).text
    assert "<li>hidden, protected identity</li>" in others
    assert f"/person/{child}" not in others
    async with fresh.harness.store.reading() as tx:
        looks = [(one.look.reason, one.look.shown) for one in await access_log.of_person(tx, adult)]
    assert set(looks) == {("week ahead", "what changes by itself this week")}
    elsewhere = Operator(OPERATOR, frozenset(ConsoleRole), OPERATOR, bound=Binding(frozenset({"nowhere"})))
    cookie = await fresh.desk.sessions.begin(elsewhere)
    async with httpx.AsyncClient(base_url=fresh.base, cookies={fresh.desk.cookie: cookie}) as http:
        assert (await http.get("/ahead")).status_code == 403


async def hide_the_adult(here: World) -> None:
    """The register marks the adult whose seal ends on Friday."""
    await ending(here)
    now = here.clock.now()
    await here.harness.hand_over(here.senders.registers(now, ADULT, 2, secrecy_mark=True))


async def test_of_somebody_hidden_the_page_shows_the_time_and_nothing_else(fresh: World) -> None:
    await hide_the_adult(fresh)
    shown = {}
    for roles in ([ConsoleRole.OPERATOR], list(ConsoleRole)):
        async with fresh.client(roles=roles) as client:
            page = (await client.get("/ahead")).text
        shown[len(roles)] = re.sub(r"<form.*?</form>", "", page.split("<main", 1)[1], flags=re.DOTALL)
    others, one = shown.values()
    for text in (UNIT, "testland", "Testland", "eal of the journal", ">opens<", "Prevented by", "/person/"):
        assert text not in others, text
    assert others.count("hidden, protected identity") == 2
    assert others.count("2025-03-14 00:00") == one.count("2025-03-14 00:00") == 2
    assert "Testland" in one
    assert "hidden, protected identity" not in one


async def test_a_region_is_shown_nothing_of_another_region_about_the_same_person(fresh: World) -> None:
    await ending(fresh)
    async with fresh.harness.store.transaction(fresh.clock.now()) as tx:
        await tx.run(
            "INSERT INTO timer (kind, due_at, person_id, region)"
            " SELECT kind, due_at, person_id, 'elsewhere' FROM timer WHERE kind = 'measure_ends'"
        )
    looked = {
        region: await week_ahead(
            fresh.store, BOOKS, fresh.clock.now(), days=7, within=30, region=RegionCode(region), limit=10
        )
        for region in ("testland", "elsewhere")
    }
    assert [(found.people, found.unanswered_people) for found in looked.values()] == [(1, 1)] * 2
    assert [len(found.turns) for found in looked.values()] == [1, 0]
    assert [len(found.unanswered) for found in looked.values()] == [1, 0]


async def test_of_somebody_hidden_the_command_tells_the_time_and_nothing_else(
    fresh: World, tmp_path: Path
) -> None:
    await hide_the_adult(fresh)
    clock, operators = tmp_path / "clock", tmp_path / "may.json"
    write_clock(clock, START)
    operators.write_text(
        json.dumps({str(ACCOUNTS[ANNA]): {"hsa_id": ANNA, "roles": ["protected_identity"]}}), "utf-8"
    )
    asked = ("transitions", "ahead")
    listed = await sigill(fresh, *asked, "--json", SIGILL_CLOCK_FILE=str(clock))
    assert listed.status == 0, listed.err
    document = json.loads(listed.out)
    at = "2025-03-13T23:00:00Z"
    nothing: dict[str, object] = {"at": at, "patient": "(protected)", "region": None}
    assert document["changes"] == [{**nothing, "why": [], "accesses": [], "told": [], "prevented_by": []}]
    assert document["unanswered"] == [
        {
            "ends_at": at,
            "patient": "(protected)",
            "kind": None,
            "region": None,
            "unit": None,
            "goes_on_by": [],
        }
    ]
    text = await sigill(fresh, *asked, SIGILL_CLOCK_FILE=str(clock))
    assert text.out.splitlines() == ["2025-03-13T23:00Z\t(protected)"] * 2
    may = await sigill(fresh, *asked, "--json", SIGILL_CLOCK_FILE=str(clock), SIGILL_OPERATORS=str(operators))
    assert [one["patient"] for one in json.loads(may.out)["changes"]] == [KEYS.of(ADULT)]


async def test_the_command_lists_the_same_by_pseudonymous_key(fresh: World, tmp_path: Path) -> None:
    await ending(fresh)
    clock = tmp_path / "clock"
    write_clock(clock, START)
    asked = ("transitions", "ahead")
    listed = await sigill(fresh, *asked, "--json", SIGILL_CLOCK_FILE=str(clock))
    assert listed.status == 0, listed.err
    document = json.loads(listed.out)
    [change] = document["changes"]
    assert change["patient"] == KEYS.of(ADULT)
    assert [(a["viewer"], a["service"], a["opens"]) for a in change["accesses"]] == [
        ("patient", "journal", True)
    ]
    assert [one["patient"] for one in document["unanswered"]] == [KEYS.of(ADULT)]
    assert document["not_shut"] == []
    later = await sigill(fresh, *asked, "--within", "60", "--days", "60", SIGILL_CLOCK_FILE=str(clock))
    assert "2 measures end with nobody answering" in later.err
    assert ADULT not in later.out + later.err
    wrong = await sigill(fresh, *asked, "--region", "nowhere")
    assert (wrong.status, "no region nowhere" in wrong.err) == (2, True)
