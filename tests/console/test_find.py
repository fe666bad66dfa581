"""One search for all that has a number, and dead letters by cause and source."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from sigill.operations.operators import ConsoleRole
from sigill.store import dead_letters, orders
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.topics import PERSONS
from tests.console.test_acts import acts, looks, number, registrations
from tests.kit.console import ADULT, KEYS, OPERATOR, SECOND, World
from tests.kit.testland import OWN_SERIES
from tests.workers.test_settled_requests import with_books


async def test_an_order_is_found_from_every_page_by_either_of_its_numbers(fresh: World) -> None:
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now()))
    (one,) = await registrations(fresh)
    async with fresh.store.reading() as tx:
        (found,) = await orders.by_registration(tx, [one])
    async with fresh.client() as client:
        for asked in (str(found.order_id), str(found.order_id).upper(), await number(fresh)):
            there = await client.post("/find", "/statistics", q=f" {asked} ")
            assert there.url.path == f"/orders/{one}", asked
    assert [shown for _, _, shown in await looks(fresh)] == [f"order {await number(fresh)}, masked"] * 3


async def test_an_order_is_found_by_a_number_of_its_regions_own_series(fresh: World) -> None:
    with_books(fresh.harness, OWN_SERIES)
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now()))
    (one,) = await registrations(fresh)
    async with fresh.store.reading() as tx:
        (found,) = await orders.by_registration(tx, [one])
    assert found.registration_number.startswith("TL ")
    async with fresh.client() as client:
        there = await client.post("/find", "/", q=found.registration_number.lower())
    assert there.url.path == f"/orders/{one}"


async def test_a_pseudonym_leads_to_the_page_that_asks_why_and_a_number_stands_in_no_address(
    fresh: World,
) -> None:
    async with fresh.client() as client:
        by_key = await client.post("/find", "/", q=KEYS.of(ADULT))
        assert re.fullmatch("/person/[0-9]+", by_key.url.path)
        assert "Why do you look at this person?" in by_key.text
        by_name = await client.post("/find", "/", q=by_key.url.path.replace("/person/", "P-"))
        assert by_name.url == by_key.url
        typed = await client.post("/find", "/", q=f"{ADULT[:8]}-{ADULT[8:]}")
        assert typed.url.path == "/find"
        assert typed.url.query == b""
        assert f'value="{ADULT[:8]}-{ADULT[8:]}"' in typed.text, (
            "the number is carried to the page that asks why"
        )
        assert "Who sees what?" in typed.text
    assert await looks(fresh) == [], "nobody has been looked at yet"


@pytest.mark.parametrize(
    "asked",
    ["SIGILL-20250310-AAAAAAAAAA", str(UUID(int=7)), "#999", "v1." + "A" * 43, "hello", "' OR 1=1", "P-"],
)
async def test_what_nothing_has_is_answered_with_what_can_be_asked_for(furnished: World, asked: str) -> None:
    async with furnished.client() as client:
        answer = await client.post("/find", "/", q=asked)
    assert answer.status_code == 404
    assert "Nothing found" in answer.text


async def test_a_viewer_finds_nothing(furnished: World) -> None:
    async with furnished.client(roles=[ConsoleRole.VIEWER]) as viewer:
        assert "search everywhere" not in (await viewer.get("/")).text.lower()
        assert (await viewer.post("/find", "/", q="P-1")).status_code == 403


async def test_letters_are_listed_by_cause_and_source_and_chosen_by_them(fresh: World) -> None:
    await fresh.lose(count=2, source="urn:ehr:cosmic")
    (other,) = await fresh.lose(number="199001012385", source=f"urn:ehr:{ADULT}")
    await fresh.lose(
        number="199001012393",
        reason=DeadLetterReason.GOES_BACKWARD,
        topic=PERSONS.name,
        source="urn:register",
    )
    async with fresh.client() as client:
        everything = (await client.get("/dead-letters")).text
        assert ADULT not in everything
        causes = everything.split('id="causes"')[1].split("</section>")[0]
        assert causes.count('<th scope="row">') == 3
        assert "only they can send it again" in causes
        assert everything.count('type="checkbox" name="letter"') == 3, (
            "the register's is theirs to send again"
        )
        query = re.findall(r'href="(/dead-letters\?[^"]+)"', causes)[0].replace("&amp;", "&")
        chosen = (await client.get(query)).text
        assert "2 messages" in chosen
        assert f'href="/dead-letters/{other}"' not in chosen
        assert 'aria-current="true"' in chosen
        assert (await client.get("/dead-letters?topic=x&reason=y&source=ADULT")).status_code == 200


async def test_a_letter_is_taken_by_one_and_taken_over_by_another(fresh: World) -> None:
    (one,) = await fresh.lose()
    page = f"/dead-letters/{one}"
    async with fresh.client() as first, fresh.client(SECOND) as second:
        assert (
            "You have taken it"
            in (
                await first.post("/dead-letters/claim", page, letter=str(one), what="take", back="letter")
            ).text
        )
        late = await second.post("/dead-letters/claim", page, letter=str(one), what="take", back="letter")
        assert "Somebody else has taken it" in late.text
        assert OPERATOR in (await second.get("/dead-letters")).text.split("Taken by")[1][:60]
        await second.post("/dead-letters/claim", page, letter=str(one), what="take_over")
        async with fresh.store.reading() as tx:
            assert await dead_letters.claims(tx, [one]) == {one: SECOND}
        assert (
            b"done=given_back"
            in (await second.post("/dead-letters/claim", page, letter=str(one), what="release")).url.query
        )
    async with fresh.store.reading() as tx:
        assert await dead_letters.claims(tx, [one]) == {}
    assert [one for one in await acts(fresh.store) if "dead_letters" in one] == [
        "dead_letters_taken", "dead_letters_taken", "dead_letters_given_back",
    ]  # fmt: skip
