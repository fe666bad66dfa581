"""What becomes of a form that is sent twice, and of one that is sent when its session is over."""

import asyncio
from datetime import timedelta

import pytest
from starlette.responses import RedirectResponse, Response

from sigill.operations.operators import ConsoleRole, Operator
from sigill.store import console_sessions
from sigill.web.console.sessions import KEPT_FOR
from tests.console.test_cases import OFFICE, WORDS, asked
from tests.kit.console import Client, World, field_of
from tests.kit.senders import ADULT, OPERATOR, UNIT


async def entries(here: World) -> int:
    async with here.store.reading() as tx:
        return int(await tx.value("SELECT count(*) FROM case_entry"))


async def end_session(here: World, client: Client) -> None:
    """The session is over, and the browser does not know."""
    session = await here.desk.sessions.find(client.http.cookies[here.desk.cookie])
    assert session is not None
    await here.desk.sessions.end(session)


async def enter(here: World, client: Client, name: str = OPERATOR) -> str:
    """Log in with a link; return the page that the browser is led to."""
    assert here.desk.links is not None
    link = here.desk.links.draw(Operator(name, frozenset(ConsoleRole), name, UNIT))
    came = await client.get(f"/login/once?link={link}")
    assert came.status_code == 200
    return came.text


async def test_a_second_click_writes_nothing_and_leads_to_the_same_page(fresh: World) -> None:
    page = await asked(fresh)
    today = fresh.clock.now().date().isoformat()
    async with fresh.client() as client:
        shown = (await client.get(page)).text
        tokens = {name: field_of(shown, name) for name in ("csrf", "once")}
        form = {**tokens, "code": "police", "name": OFFICE, "day": today, "remark": WORDS}
        both = await asyncio.gather(*(client.http.post(f"{page}/asked", data=form) for _ in range(3)))
        assert [(one.status_code, one.url.path) for one in both] == [(200, page)] * 3
        assert await entries(fresh) == 1
        again = await client.http.post(f"{page}/asked", data=form)
        assert (again.url.path, "Written down in the case" in again.text) == (page, True)
        assert await entries(fresh) == 1

        other = await client.http.post(f"{page}/asked", data={**form, "remark": "another one"})
        assert other.status_code == 200
        assert await entries(fresh) == 2, "the same page filled in otherwise is another form"
        await client.post(
            f"{page}/asked", page, once=tokens["once"], **{k: form[k] for k in ("code", "name")}
        )
        fault = await client.http.post(f"{page}/asked", data={**form, "day": "soon"})
        mended = await client.http.post(f"{page}/asked", data={**form, "day": "soon"})
        assert (fault.status_code, mended.status_code) == (422, 422), (
            "what was not carried out is tried again"
        )
        forged = {**form, "once": tokens["once"][:-2] + "xx"}
        await client.http.post(f"{page}/asked", data=forged)
        assert await entries(fresh) == 3, "a key that is not ours is none"
    async with fresh.client() as client:
        shown = (await client.get(page)).text
        await client.http.post(f"{page}/asked", data={**form, "csrf": field_of(shown, "csrf")})
        assert await entries(fresh) == 4, "another session's form is another form"


async def test_a_form_sent_when_the_session_is_over_is_there_after_the_next_login(fresh: World) -> None:
    page = await asked(fresh)
    today = fresh.clock.now().date().isoformat()
    async with fresh.client() as client:
        shown = (await client.get(page)).text
        form = {
            **{name: field_of(shown, name) for name in ("csrf", "once")},
            "code": "police",
            "name": OFFICE,
            "day": today,
            "remark": f"{WORDS} {ADULT}",
            "form_id": "asked",
        }
        await end_session(fresh, client)
        sent = await client.http.post(f"{page}/asked", data=form)
        assert sent.url.path == "/login"
        assert "kept for half an hour" in sent.text
        assert [text for text in (ADULT, "Rödhaken") if text in str(sent.url) + sent.text] == []
        async with fresh.store.reading() as tx:
            rows = await tx.fetch("SELECT to_jsonb(k)::text AS row, sealed FROM console_kept_form k")
        assert len(rows) == 1
        assert [
            text for text in (ADULT, OFFICE) if text in rows[0]["row"] or text.encode() in rows[0]["sealed"]
        ] == []

        back = await enter(fresh, client)
        assert "Your session was over when you sent it" in back
        assert f'value="{OFFICE}"' in back
        assert f'value="{WORDS} {ADULT}"' in back
        assert await entries(fresh) == 0
        again = {**form, "csrf": field_of(back, "csrf"), "once": field_of(back, "once")}
        done = await client.http.post(f"{page}/asked", data=again)
        assert (done.url.path, await entries(fresh)) == (page, 1)
        assert (await client.get("/kept")).url.path == "/", "it has been sent"


async def test_a_kept_form_is_for_whom_it_was_shown_to_and_ends(fresh: World) -> None:
    page = await asked(fresh)
    async with fresh.client() as client:
        shown = (await client.get(page)).text
        form = {name: field_of(shown, name) for name in ("csrf", "once")} | {"name": OFFICE, "code": "police"}
        await end_session(fresh, client)
        await client.http.post(f"{page}/asked", data=form)
        kept = dict(client.http.cookies)
        other = await enter(fresh, client, "SE2321000099-OTHR")
        assert OFFICE not in other
        assert not [name for name in client.http.cookies if "kept" in name]
        client.http.cookies.update({name: value for name, value in kept.items() if "kept" in name})
        fresh.clock.advance(KEPT_FOR)
        assert OFFICE not in await enter(fresh, client)
        async with fresh.store.reading() as tx:
            assert await tx.value("SELECT count(*) FROM console_kept_form") == 0, "a login lets go of it"
    async with fresh.client() as client:
        nobody = {"csrf": "x", "once": "x.y.z", "name": OFFICE}
        await end_session(fresh, client)
        await client.http.post(f"{page}/asked", data=nobody)
        async with fresh.store.reading() as tx:
            assert (
                await tx.value("SELECT count(*) FROM console_kept_form WHERE ends_at > $1", fresh.clock.now())
                == 0
            )


async def test_kept_forms_fill_no_disk(fresh: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_sessions, "MOST_KEPT_FORMS", 3)
    operator = Operator(OPERATOR, frozenset(ConsoleRole), OPERATOR, UNIT)
    tokens = []
    for number in range(5):
        fresh.clock.advance(timedelta(seconds=1))
        fields = [("once", fresh.desk.sessions.form_key(operator)), ("remark", str(number))]
        tokens.append(await fresh.desk.sessions.keep_form("/phone", fields))
    there = [await fresh.desk.sessions.kept_form(token, operator) for token in tokens]
    assert [None if kept is None else kept[1][1][1] for kept in there] == [None, None, "2", "3", "4"]


async def test_a_form_without_a_page_of_its_own_can_be_sent_again_as_it_was(fresh: World) -> None:
    async with fresh.client() as client:
        shown = (await client.get("/phone?region=testland&form=seal_journal")).text
        form = {name: field_of(shown, name) for name in ("csrf", "once")} | {
            "region": "testland",
            "form": "seal_journal",
        }
        await end_session(fresh, client)
        await client.http.post("/phone/check", data={**form, "patient": ADULT})
        back = await enter(fresh, client)
        assert 'action="/phone/check"' in back
        assert f'name="patient" value="{ADULT}"' in back
        assert field_of(back, "csrf") != form["csrf"]


async def test_a_kept_form_stays_while_something_else_is_done_and_goes_when_it_is_sent(fresh: World) -> None:
    page = await asked(fresh)
    kept = "SELECT count(*) FROM console_kept_form"
    async with fresh.client() as client:
        shown = (await client.get(page)).text
        form = {name: field_of(shown, name) for name in ("csrf", "once")} | {
            "code": "police",
            "name": OFFICE,
            "day": fresh.clock.now().date().isoformat(),
        }
        await end_session(fresh, client)
        await client.http.post(f"{page}/asked", data=form)
        back = await enter(fresh, client)
        tokens = {name: field_of(back, name) for name in ("csrf", "once")}
        looked_up = await client.http.post("/person/search", data={**tokens, "number": ADULT, "reason": "r"})
        assert [one.status_code for one in looked_up.history] == [303]
        assert OFFICE in (await client.get("/kept")).text, "who looks somebody up has not sent it yet"

        await client.http.post(f"{page}/asked", data={**form, **tokens})
        assert (await client.get("/kept")).url.path == "/"
        async with fresh.store.reading() as tx:
            assert await tx.value(kept) == 0, "it has been sent"

    async with fresh.client() as client:
        shown = (await client.get(page)).text
        await end_session(fresh, client)
        await client.http.post(f"{page}/asked", data={**form, "once": field_of(shown, "once")})
        async with fresh.store.reading() as tx:
            assert await tx.value(kept) == 1
    fresh.clock.advance(KEPT_FOR)
    async with fresh.client(), fresh.store.reading() as tx:
        assert await tx.value(kept) == 0, "nobody can open it any more"


async def test_a_second_click_carries_nothing_out_when_the_session_ended_after_the_first(
    fresh: World,
) -> None:
    carried_out = []
    async with fresh.client() as client:
        session = await fresh.desk.sessions.find(client.http.cookies[fresh.desk.cookie])
        assert session is not None

        async def act() -> Response:
            carried_out.append(fresh.clock.now())
            await fresh.desk.sessions.end(session)
            return RedirectResponse("/cases", 303)

        both = await asyncio.gather(
            *(fresh.desk.sessions.carry_out_once(session, b"form", act) for _ in range(2))
        )
        assert sorted(one.headers["location"] for one in both if one is not None) == ["/cases", "/login"]
        assert len(carried_out) == 1
