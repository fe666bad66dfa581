"""What the pages say and what they keep to themselves, by HTTP."""

import re
from datetime import timedelta
from uuid import UUID

import pytest

from sigill.policy.facts import Measure
from sigill.store import measures, persons
from sigill.web.console.pages.person import MOST_STEPS, PAGE
from sigill_contracts.vocabulary import Initiative, MeasureId, MeasureKind, PersonId, RegionCode, Service
from tests.kit.console import MOTIVATION, World
from tests.kit.senders import ADULT, CHILD, FATHER, KEYS, MOTHER

PAGES = (
    "/", "/orders", "/person", "/waiting", "/waiting?list=follow_up", "/waiting?list=units", "/cases",
    "/waiting?list=protected", "/waiting?list=orders", "/waiting?list=other", "/worklist", "/dead-letters",
    "/transitions", "/transitions/2025-03-10", "/ahead", "/statistics", "/diary?day=2025-03-10", "/rulebook", "/audit", "/phone",
    "/workbench", "/workbench/testland",
    "/letters", "/choices", "/choices?region=testland&age=9&risk=one_guardian&sign=e_id_controlled",
)  # fmt: skip


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("path", PAGES)
async def test_every_page_opens_in_both_languages(furnished: World, path: str, language: str) -> None:
    async with furnished.client(language=language) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in answer.text
    for number in (ADULT, CHILD, MOTHER, FATHER):
        assert number not in answer.text
    assert MOTIVATION not in answer.text


ODD = (
    "0001-01-01",
    "9999-12-31",
    "0001-01-01T00:00",
    "9999-12-31T23:59",
    "%00",
    "a%00b",
    "%CE%A9",
    "%0d%0aX-Odd:%201",
    "%22",
    "1%00",
    "-",
    "9" * 400,
)
ASKED = (
    "/orders?since={}", "/orders?through={}", "/orders?region={}", "/orders?unit={}", "/orders?id={}", "/orders?state={}",
    "/orders?form={}", "/orders?patient={}", "/orders?below={}", "/orders/{}", "/person/{}", "/waiting?list={}", "/cases/{}", "/cases?from={}", "/cases/by-id/{}",
    "/waiting?from={}", "/worklist?target={}", "/worklist/{}", "/dead-letters/{}", "/transitions?first={}", "/ahead?region={}&from={}",
    "/statistics?period={}&region={}", "/diary?day={}&region={}&from={}", "/diary.csv?first={}&through={}", "/diary.csv?region={}", "/statistics.csv?region={}",
    "/transitions/{}", "/units?q={}", "/units?after={}&unit={}", "/units/{}", "/rulebook?on={}", "/rulebook?region={}",
    "/workbench/{}", "/workbench/drafts/{}", "/workbench/proposals/{}", "/workbench/releases/{}/file",
    "/choices?region=testland&age={}", "/letters?region={}&letter={}", "/choices?region={}&form={}", "/audit?actor={}", "/audit?first={}&last={}", "/?done={}", "/login?next={}&refused={}",
)  # fmt: skip


async def test_no_address_breaks_a_page(furnished: World) -> None:
    async with furnished.client() as client:
        for path in ASKED:
            for odd in ODD:
                answer = await client.get(path.replace("{}", odd))
                assert answer.status_code < 500, (path, odd)


async def test_the_ends_of_time_break_no_persons_picture(furnished: World) -> None:
    async with furnished.client() as client:
        await client.post(
            "/person/search", "/person", number=CHILD, id_type="personnummer", reason="support call"
        )
        page = "/person/" + str(await _person(furnished))
        await client.post(f"{page}/reason", page, reason="support call")
        for odd in ODD:
            for name in ("at", "known"):
                assert (await client.get(f"{page}?{name}={odd}")).status_code < 500, (name, odd)


async def test_a_long_history_is_shown_a_page_at_a_time(fresh: World) -> None:
    """What is in force first, then the newest; and the slider shows the steps around the moment that is looked at."""
    who, ended, hour = await _person(fresh), 2 * PAGE + 30, timedelta(hours=1)
    begun = [fresh.clock.now() - timedelta(days=number) for number in range(ended, -1, -1)]
    found = [
        Measure(
            measure_id=MeasureId(str(UUID(int=number + 1))),
            patient=PersonId(who),
            kind=MeasureKind.GUARDIAN_BLOCK,
            region=RegionCode("testland"),
            initiative=Initiative.CARE,
            orders=(),
            services=(Service.JOURNAL,),
            valid_from=begins,
            valid_to=begins + hour if number else None,
        )
        for number, begins in enumerate(begun)
    ]
    async with fresh.harness.store.transaction(fresh.clock.now()) as tx:
        await measures.append(tx, found)
    async with fresh.client() as client:
        await client.post(f"/person/{who}/reason", f"/person/{who}", reason="support call")
        here, shown = f"/person/{who}", []
        while here:
            page = (await client.get(here)).text
            table = page.split('id="measures"')[1].split("</table>")[0]
            shown.append(re.findall(r"<td>.*?<span class=\"badge[^>]*>(in force|not in force)", table))
            following = re.search(rf'href="(/person/{who}\?measures=[0-9a-f-]{{36}})"', page)
            here = following[1] if following else ""
        assert [len(one) for one in shown] == [PAGE, PAGE, 31]
        assert shown[0][:2] == ["in force", "in force"]  # the newest, and the very first
        assert {word for one in shown for word in one[len(one) - 30 :]} == {"not in force"}
        assert sum(one.count("in force") for one in shown) == 2
        first = (await client.get(f"/person/{who}")).text
        assert first.count("data-at=") == MOST_STEPS + 1
        earlier = re.search(r'href="(/person/[^"]*at=[^"]*)">Earlier steps', first)
        assert earlier is not None
        assert "Later steps" in (await client.get(earlier[1])).text


async def _person(here: World) -> str:
    async with here.store.reading() as tx:
        return str((await persons.resolve_keys(tx, [KEYS.of(CHILD)]))[KEYS.of(CHILD)])


@pytest.mark.parametrize(
    ("path", "page", "fields"),
    [
        ("/orders/search", "/orders", {"number": "1\0"}),
        ("/person/search", "/person", {"number": "19\0", "reason": "r"}),
        ("/person/search", "/person", {"number": CHILD, "reason": "r\0"}),
        ("/dead-letters/1/discard", "/dead-letters", {"reason": "\0"}),
        ("/tasks/1/done", "/waiting", {"remark": "a\0b"}),
        ("/audit/person", "/audit", {"number": "\0", "reason": "r"}),
        ("/phone", "/phone", {"motivation": "a\0b", "valid_through": "9999-12-31"}),
    ],
)
async def test_a_null_character_in_a_form_is_named_and_breaks_nothing(
    furnished: World, path: str, page: str, fields: dict[str, str]
) -> None:
    async with furnished.client() as client:
        assert (await client.post(path, page, **fields)).status_code == 400


async def test_a_regions_letter_is_shown_in_its_own_words_ready_to_print(furnished: World) -> None:
    async with furnished.client(language="en") as client:
        listed = await client.get("/letters")
        shown = await client.get("/letters?region=testland&letter=hello")
    assert "/letters?region=testland&amp;letter=hello" in listed.text
    assert "<h1>Hello from Testland</h1>" in shown.text
    assert "registered letter with personal delivery" in shown.text
