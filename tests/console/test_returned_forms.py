"""Whatever form of the console is sent wrongly comes back with everything that was typed, and leads to what to mend."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from asyncpg.exceptions import ConnectionDoesNotExistError

from sigill.store import console, persons
from sigill.web.app import ROUTES
from sigill.web.console.sessions import Sessions
from tests.console.test_cases import OFFICE, WORDS, asked
from tests.console.test_units import close_unit
from tests.kit.console import Client, World, field_of
from tests.kit.senders import ADULT, KEYS, OPERATOR, UNIT

WRONG_NUMBER = "8001012395"
NOTHING_TYPED = {
    "/tasks/claim", "/dead-letters/claim", "/dead-letters/proposals/{proposal}", "/units/proposals/{proposal}",
    "/workbench/proposals/{proposal}", "/workbench/drafts/{draft}/stories", "/workbench/drafts/{draft}/impact",
    "/person/{person}/orders", "/audit/verify", "/logout", "/preferences", "/login/ended",
}  # fmt: skip
"""Forms of buttons alone, and what no person fills in."""
TRIED_BY_THEIR_OWN = {
    "/phone", "/phone/check", "/phone/look", "/phone/change",  # test_phone, test_acts
    "/workbench/{region}/draft", "/workbench/{region}/faults",  # test_workbench
    "/workbench/drafts/{draft}/propose", "/workbench/drafts/{draft}/story",
    "/cases/{registration}/{act}", "/cases/{registration}/letters/{letter}", "/cases/{registration}/begin", "/find",
}  # fmt: skip


class Tries:
    """Sends forms and looks at what comes back."""

    def __init__(self, client: Client, routes: Sequence[str]) -> None:
        self.client = client
        self.routes = {route: re.compile(re.sub(r"{[^}]+}", "[^/]+", route)) for route in routes}
        self.tried: set[str] = set()

    async def wrong(
        self,
        path: str,
        page: str,
        fields: dict[str, str],
        *leads_to: str,
        status: int = 422,
        hidden: dict[str, str] | None = None,
        boxes: dict[str, str] | None = None,
    ) -> str:
        """Send a form; what was typed stands in its own field again, and the summary leads to what is wrong."""
        self.tried |= {route for route, shape in self.routes.items() if shape.fullmatch(path)}
        answer = await self.client.post(path, page, **fields, **(hidden or {}), **(boxes or {}))
        assert answer.status_code == status, (path, answer.status_code)
        assert answer.url.query == b"", "what was typed stands in no address"
        assert 'class="errors" role="alert"' in answer.text, path
        assert "<title>Error: " in answer.text, path
        own = fields.get("form_id") or path.rsplit("/", 1)[1]
        for name, value in fields.items():
            if name == "form_id":
                continue
            found = re.search(rf'<(?:input|select) id="{own}-{name}".*?>', answer.text)
            assert found, (path, name)
            if found[0].startswith("<select"):
                assert f'<option value="{value}" selected>' in answer.text, (path, name)
            else:
                assert f'value="{value}"' in found[0], (path, name)
            assert ('aria-invalid="true"' in found[0]) == (name in leads_to), (path, name)
        for name in leads_to:
            assert f'<a href="#{own}-{name}">' in answer.text, (path, name)
            assert f'id="{own}-{name}-fault"' in answer.text, (path, name)
        return answer.text


async def test_every_form_comes_back_with_what_was_typed(fresh: World) -> None:
    posts = [one.path for one in ROUTES if "POST" in (one.methods or ())]
    now = fresh.clock.now()
    by_phone = fresh.senders.form(now, channel="phone", urgent=False)
    await fresh.harness.hand_over(fresh.senders.orders(now), fresh.senders.signs(by_phone, now, by=OPERATOR))
    (letter,) = await fresh.lose()
    async with fresh.store.reading() as tx:
        executed, refused = sorted(
            one.registration for one in await console.find_orders(tx, console.OrderSearch())
        )
        task = (await console.worklist_page(tx))[0].task_id
        key = KEYS.of(ADULT)
        adult = (await persons.resolve_keys(tx, [key]))[key]
    async with fresh.client() as client:
        tries = Tries(client, posts)
        wrong = tries.wrong
        search = {"number": ADULT, "caller": "", "reason": "Ringer"}
        await wrong("/person/search", "/person", search | {"caller": WRONG_NUMBER}, "caller")
        await wrong("/person/search", "/person", search | {"number": "8001"}, "number")
        await wrong("/person/search", "/person", search | {"reason": ""}, "reason")
        page = f"/person/{adult}"
        await wrong(f"{page}/reason", page, {"reason": ""}, "reason")
        await client.post(f"{page}/reason", page, reason="Ringer")
        await wrong(f"{page}/unmask", page, {"reason": ""}, "reason")
        await wrong("/orders/search", "/orders", {"number": WRONG_NUMBER, "reason": "Ringer"}, "number")
        for act in ("unmask", "bytes"):
            await wrong(f"/orders/{executed}/{act}", f"/orders/{executed}", {"reason": ""}, "reason")
        await wrong(f"/orders/{refused}/correct", f"/orders/{refused}", {"reason": ""}, "reason")
        page = f"/dead-letters/{letter}"
        for act in ("open", "bytes", "discard"):
            await wrong(f"{page}/{act}", page, {"reason": ""}, "reason")
        await wrong("/dead-letters/replay", "/dead-letters", {})
        await wrong("/audit/person", "/audit", {"number": "8001", "reason": "Granskning"}, "number")
        await client.post("/audit/person", "/audit", number=ADULT, reason="Granskning")
        await wrong(f"/audit/person/{adult}/paper", "/audit", {"harm_test": ""}, "harm_test")
        asked_for = {
            "since": "2025-03-31",
            "through": "2025-03-01",
            "actor": "op-8",
            "days": "7",
            "reason": "Prov",
        }
        text = await wrong(
            "/audit/review", "/audit/review", asked_for, "through", boxes={"everything": "yes"}
        )
        assert re.search(r'name="everything" value="yes" checked', text)
        await wrong(
            "/audit/review", "/audit/review", asked_for | {"since": "", "reason": ""}, "since", "reason"
        )
        page = f"/worklist/{task}"
        await wrong(f"{page}/numbers", page, {"reason": ""}, "reason")
        await client.post(f"/tasks/{task}/done", page, list="worklist")
        await wrong(f"/tasks/{task}/undo", page, {"reason": ""}, "reason")
        # the form is not offered any more: what was typed is there to be copied
        again = await client.post(f"/tasks/{task}/done", page, list="worklist", remark="Där: 4711")
        assert (again.status_code, "You wrote: <q>Där: 4711</q>" in again.text) == (409, True)
        await close_unit(fresh)
        page = f"/units/{UNIT}"
        successor = {"successor": "SE2321000099-NOBODY", "reason": "Slagits ihop"}
        await wrong(f"{page}/successor", page, successor, "successor", status=409)
        await wrong(f"{page}/successor", page, successor | {"successor": ""}, "successor")
    left = set(posts) - tries.tried - NOTHING_TYPED - TRIED_BY_THEIR_OWN
    assert left == {"/tasks/{task}/done"}, "a new form: send it wrongly here"


async def test_the_forms_of_a_case_are_told_apart(fresh: World) -> None:
    """The page has one form of a kind for each entry and asker; one alone comes back filled in."""
    page = await asked(fresh)
    async with fresh.client() as client:
        wrong = Tries(client, []).wrong
        asks = {"form_id": "asked", "code": "police", "name": OFFICE, "day": "2025-03-10", "remark": WORDS}
        await wrong(f"{page}/asked", page, asks | {"name": ""}, "name")
        await wrong(f"{page}/asked", page, asks | {"day": "2025-03-11"}, "day")
        for name in (OFFICE, "Andra kontoret"):
            await client.post(f"{page}/asked", page, **asks | {"name": name})
        answered = {
            "form_id": "answered-2",
            "code": "cannot_say",
            "reference": "",
            "day": "2025-03-10",
            "remark": WORDS,
        }
        text = await wrong(f"{page}/answered", page, answered, "reference", hidden={"about": "2"})
        assert text.count(f'value="{WORDS}"') == 1
        taken_back = await wrong(
            f"{page}/withdrawn",
            page,
            {"form_id": "withdrawn-1", "remark": ""},
            "remark",
            hidden={"about": "1"},
        )
        assert "<details open>" in taken_back


async def test_a_form_is_sent_again_after_the_database_was_away(
    fresh: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it went before the login was looked up, or in the middle: the page holds all of it, and one button."""
    fields = {"number": ADULT, "caller": "", "reason": "Mamman ringer"}
    async with fresh.client() as client:
        token = field_of((await client.get("/person")).text, "csrf")
        sent = {"csrf": token, **fields}
        for place in ("find", "open"):
            with monkeypatch.context() as broken:
                broken.setattr(Sessions, place, _away)
                answer = await client.http.post("/person/search", data=sent)
            assert answer.status_code == 503, place
            again = dict(
                re.findall(
                    r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text.split("<main", 1)[1]
                )
            )
            assert {"caller": "", **again} == sent, place
            assert 'action="/person/search"' in answer.text
            shown = await client.http.post("/person/search", data=again)
            assert shown.url.path.startswith("/person/"), place


async def _away(*_: object, **__: object) -> None:
    raise ConnectionDoesNotExistError("gone")
