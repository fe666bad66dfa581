"""The workbench, as two rule owners use it by HTTP: from a draft to a release that nobody made alone; and attacks on it."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import httpx
import pytest

from sigill.operations.operators import ConsoleRole, Operator
from sigill.operations.rulebook_drafts import ImpactCount
from sigill.policy.rulebook import Rulebooks, digest_of
from sigill.rulebook_docs.drafts import MOST_CHARACTERS
from sigill.runtime.settings import Settings
from sigill.store import audit_check, proposals, rulebooks
from sigill.store.console import Binding
from sigill.store.rulebooks import RELEASE
from sigill.stream.connection import Connection
from sigill.web.http.security import Attempts
from tests.kit.console import Client, World, field_of, world
from tests.kit.senders import Senders
from tests.kit.services import Services
from tests.kit.testland import TESTLAND, neighbour, write_rulebooks
from tests.policy.test_drafts import BOMB, LATER, NEW, STORY

ANNA, BO = "SE2321000099-ANNA", "SE2321000099-BO"
OWNER = [ConsoleRole.RULE_OWNER]


@pytest.fixture(scope="module")
async def here(
    services: Services, senders: Senders, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A world whose rules stand in a folder of its own, with two stories; no page of these asks the broker."""
    nobody = Connection.of(Settings(kafka_bootstrap="127.0.0.1:1"))
    folder = tmp_path_factory.mktemp("workbench")
    books, stories = write_rulebooks(folder / "books"), folder / "stories"
    stories.mkdir()
    (stories / "one.yaml").write_text(STORY.format(start="2025-03-11T10:00"), "utf-8")
    (stories / "two.yaml").write_text(STORY.format(start="2025-04-02T10:00").replace("W-1", "W-2"), "utf-8")
    async with (
        services.database() as dsn,
        world(dsn, senders, nobody, folder / "keys", rulebooks=books, stories=stories) as made,
    ):
        made.desk.impact = _counts
        yield made


async def _counts(before: Rulebooks, after: Rulebooks, on: date) -> list[ImpactCount]:
    """Stands in for the count over the register, which tests/population holds: what came of the draft is told by it."""
    assert before.version("testland", on) != after.version("testland", on)
    return [
        ImpactCount("closes", "guardian journal", {11: 40, 14: 2}),
        ImpactCount("measure", "guardian_block", {12: 3}),
    ]


@contextlib.asynccontextmanager
async def owner(here: World, name: str, subject: str, bound: Binding | None = None) -> AsyncIterator[Client]:
    operator = Operator(name, frozenset(OWNER), name, issuer="https://issuer.example", subject=subject)
    if bound is not None:
        operator = Operator(name, frozenset(OWNER), name, bound=bound)
    cookie = await here.desk.sessions.begin(operator)
    async with httpx.AsyncClient(
        base_url=here.base,
        cookies={here.desk.cookie: cookie, "sigill_language": "en"},
        follow_redirects=True,
        timeout=60,
    ) as http:
        yield Client(http)


async def saved(client: Client, text: str) -> str:
    """Save a draft of Testland; return the path of its page."""
    answer = await client.post("/workbench/testland/draft", "/workbench", text=text.replace("\n", "\r\n"))
    assert answer.status_code == 200
    return answer.url.path


async def handed_over(here: World, client: Client, text: str) -> str:
    """Save a draft and hand it to a second owner; return the path of the proposal."""
    page = await saved(client, text)
    answer = await client.post(f"{page}/propose", "/workbench", reason="the routine of 2025")
    assert answer.url.path == "/workbench"
    return "/workbench/proposals/" + answer.text.split('href="/workbench/proposals/')[1].split('"')[0]


async def approved(client: Client, proposal: str) -> httpx.Response:
    """Read a proposal, and release it as its page's form does."""
    beside = field_of((await client.get(proposal)).text, "beside")
    return await client.post(proposal, "/workbench", verdict="approve", beside=beside)


async def command(here: World, *words: str) -> tuple[int, str, str]:
    """Run `sigill rulebook …` as the operations do; its status, and what it says."""
    url = here.desk.settings.database_url.get_secret_value()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sigill.cli",
        "rulebook",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "SIGILL_DATABASE_URL": url, "NO_COLOR": "1"},
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_two_owners_bring_a_draft_to_a_release(here: World, tmp_path: Path) -> None:
    async with owner(here, ANNA, "a") as anna, owner(here, BO, "b") as bo:
        start = (await anna.get("/workbench")).text
        assert "SIGILL_RULEBOOKS" in start
        assert digest_of(TESTLAND)[:12] in start
        editor = (await anna.get("/workbench/testland")).text
        assert "id: block, cites: [TL-02]" in editor
        assert "Which roles may decide" in editor
        typed = await anna.post(
            "/workbench/testland/faults",
            "/workbench/testland",
            text=LATER.replace("head_of_unit", "head_of_unitt"),
        )
        line = LATER[: LATER.index("head_of_unit")].count("\n") + 1
        assert f'data-line="{line}"' in typed.text
        assert "head_of_unitt" in typed.text

        page = await saved(anna, LATER)
        told = (await anna.get(page)).text
        assert "No faults." in told
        assert "<strong>2025-04-01</strong>" in told
        assert "head of unit" in told.lower()
        assert "The letters, with invented data" in told
        assert "<h1>Hej från Testland</h1>" in told
        played = (await anna.post(f"{page}/stories", "/workbench")).text
        assert "1 of 2" in played
        assert "W-2" in played
        counted = (await anna.post(f"{page}/impact", "/workbench")).text
        assert "guardians&#39; access is shut" in counted
        # few, and with the total shown the other count would tell of them; what is shown is rounded
        assert ">40<" in counted
        for hidden in (">2<", ">3<", ">42<"):
            assert hidden not in counted
        async with here.desk.counting:
            busy = (await anna.post(f"{page}/impact", "/workbench")).text
        assert "Another count is running" in busy
        here.desk.counts = Attempts(burst=0, each_minute=0.001)
        often = await anna.post(f"{page}/impact", "/workbench")
        assert (often.status_code, "guardians&#39; access" in often.text) == (429, False)
        no_why = await anna.post(f"{page}/propose", "/workbench", reason="")
        assert (no_why.status_code, '<a href="#propose-reason">' in no_why.text) == (422, True)
        waiting = (await anna.post(f"{page}/propose", "/workbench", reason="the routine of 2025")).text
        proposal = "/workbench/proposals/" + waiting.split('href="/workbench/proposals/')[1].split('"')[0]

        read = (await bo.get(proposal)).text
        assert "<h1>Hello from Testland</h1>" in read
        assert "the routine of 2025" in read
        assert "Release it" in read
        unread = await bo.post(proposal, "/workbench", verdict="approve")
        assert (unread.status_code, "Read what it changes now" in unread.text) == (409, True)
        released = await approved(bo, proposal)
        assert "The release is made, by two owners" in released.text
        file = "/workbench/releases/" + released.text.split('href="/workbench/releases/')[1].split('"')[0]
        exported = await bo.get(file)
        assert exported.text == LATER
        assert 'filename="testland.yaml"' in exported.headers["content-disposition"]
        # the next draft begins with what is on its way, and not with the file that it will take the place of
        assert "head_of_unit" in (await bo.get("/workbench/testland")).text
        # a draft that was begun from the file would undo it, and says so to whoever writes and to whoever approves
        takes_its_place = "A release that two owners have made already has a version from 2025-04-01"
        assert takes_its_place not in (await anna.get(page)).text
        other = await handed_over(here, anna, TESTLAND + NEW.format(since="2025-05-01"))
        assert takes_its_place in (await bo.get(other)).text
        assert "declined" in (await bo.post(other, "/workbench", verdict="decline")).text
        again = await anna.post(f"{page}/propose", "/workbench", reason="once more")
        assert again.status_code == 409

    async with here.store.reading() as tx:
        (release,) = await rulebooks.releases(tx)
    assert (release.begins_on, release.first_owner, release.second_owner) == (date(2025, 4, 1), ANNA, BO)
    assert release.digest == digest_of(LATER)
    assert release.sources == ("T1: Testlands rutin",)
    assert {one.story: one.failure is None for one in release.stories} == {"W-1": True, "W-2": False}
    status, listed, _ = await command(here, "releases", "testland")
    assert (status, listed.split("\t")[1:4]) == (0, ["testland", "2025-04-01", release.digest])
    status, _, said = await command(here, "export", str(release.release_id), "--to", str(tmp_path))
    assert status == 0
    # the command's clock is that of the machine, long after the day on which the release begins
    assert f"release {release.release_id} has begun" in said
    assert (tmp_path / "testland.yaml").read_text("utf-8") == LATER
    status, _, said = await command(here, "export", "999", "--to", str(tmp_path))
    assert (status, said) == (1, "there is no release 999\n")
    assert here.desk.auditors is not None
    async with here.desk.auditors.reading() as tx:
        assert await audit_check.verify(tx) == []
        assert await audit_check.verify_rows(tx) == []


async def test_one_person_is_never_two_owners(here: World) -> None:
    async with owner(here, ANNA, "a") as anna:
        proposal = await handed_over(here, anna, LATER + "        units: required\n")
        assert "Release it" not in (await anna.get(proposal)).text
        assert "cannot approve as well" in (await anna.post(proposal, "/workbench", verdict="approve")).text
        # her other name at the issuer, and her own with other letters
        for name, subject in ((BO, "a"), (ANNA.lower(), "c")):
            async with owner(here, name, subject) as again:
                answer = await again.post(proposal, "/workbench", verdict="approve")
                assert "cannot approve as well" in answer.text
    async with owner(here, BO, "b") as bo:
        assert "declined" in (await bo.post(proposal, "/workbench", verdict="decline")).text


@pytest.mark.parametrize("role", [role for role in ConsoleRole if role is not ConsoleRole.RULE_OWNER])
async def test_nobody_else_gets_in(here: World, role: ConsoleRole) -> None:
    async with here.client(roles=[role]) as client:
        for path in (
            "/workbench",
            "/workbench/testland",
            "/workbench/drafts/1",
            "/workbench/releases/1/file",
        ):
            assert (await client.get(path)).status_code == 403
        for path in ("/workbench/testland/draft", "/workbench/testland/faults", "/workbench/proposals/1"):
            assert (await client.post(path, text=LATER, verdict="approve")).status_code == 403


async def test_what_may_not_be_is_not_handed_over(here: World) -> None:
    """A day that is over, a broken floor, a text that grows without end: kept as a draft, and no more."""
    async with owner(here, ANNA, "a") as anna:
        for text in (
            TESTLAND + NEW.format(since="2025-03-09"),
            LATER.replace("deciders: [head_of_unit]", "protected_identity: shown"),
            BOMB,
            TESTLAND,
        ):
            page = await saved(anna, text)
            answer = await anna.post(f"{page}/propose", "/workbench", reason="why")
            assert answer.status_code == 409
            assert "The draft cannot go on" in answer.text or "could not be read" in answer.text


async def test_what_another_has_decided_meanwhile_is_said_to_be_gone(here: World) -> None:
    """The page of a second owner who declines at the same moment was an error of the server."""
    async with owner(here, ANNA, "a") as anna, owner(here, BO, "b") as bo:
        proposal = await handed_over(here, anna, LATER + "        units: forbidden\n")
        csrf = field_of((await bo.get("/workbench")).text, "csrf")
        async with here.store.transaction(here.clock.now()) as tx:
            number = int(proposal.rpartition("/")[2])
            await proposals.decide(tx, number, ANNA, approved=False, action=RELEASE)
            second = asyncio.create_task(bo.http.post(proposal, data={"csrf": csrf, "verdict": "decline"}))
            async with asyncio.timeout(30):
                while not await tx.value(_WAITS_FOR_US):
                    await asyncio.sleep(0.05)
        answer = await second
    assert (answer.status_code, answer.url.query) == (200, b"done=gone")


_WAITS_FOR_US = (
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
)


@pytest.mark.parametrize("charset", ["undefined", "raw_unicode_escape"])
async def test_no_form_chooses_the_encoding_that_it_is_read_by(here: World, charset: str) -> None:
    """A multipart body names one: Python knows some that end in an error, or in a text that no UTF-8 has."""
    async with owner(here, ANNA, "a") as anna:
        csrf = field_of((await anna.get("/workbench")).text, "csrf")
        body = "".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in (("csrf", csrf), ("text", r"\ud800"))
        )
        answer = await anna.http.post(
            "/workbench/testland/draft",
            content=f"{body}--x--\r\n",
            headers={"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"},
        )
    assert answer.status_code == 415


async def test_a_draft_that_has_come_too_late_is_not_released(here: World) -> None:
    async with owner(here, ANNA, "a") as anna:
        proposal = await handed_over(here, anna, LATER + "        units: forbidden\n")
        then = here.clock.now()
        here.clock.set(then.replace(month=4, day=1))
        try:
            async with owner(here, BO, "b") as in_april:
                late = await in_april.post(proposal, "/workbench", verdict="approve")
        finally:
            here.clock.set(then)
    async with owner(here, BO, "b") as bo:
        assert late.status_code == 409
        assert "2025-04-01 is not later than 2025-04-01" in late.text
        assert "declined" in (await bo.post(proposal, "/workbench", verdict="decline")).text


async def test_bounds(here: World) -> None:
    async with owner(here, ANNA, "a") as anna:
        page = "/workbench/testland"
        assert (await anna.post(f"{page}/draft", page, text="x" * (MOST_CHARACTERS + 1))).status_code == 422
        assert (await anna.post(f"{page}/draft", page, text=" ")).status_code == 422
        assert (await anna.post(f"{page}/draft", page, text="x" * 2_000_001)).status_code == 413
        assert (await anna.http.post(f"{page}/draft", data={"text": LATER})).status_code == 403
        for path in (
            "/workbench/No-where",
            "/workbench/..%2f..%2fetc",
            "/workbench/drafts/x",
            "/workbench/drafts/999",
        ):
            assert (await anna.get(path)).status_code == 404
        assert (await anna.post("/workbench/No-where/draft", page, text=LATER)).status_code == 404
    for bound in (Binding(regions=frozenset({"elsewhere"})), Binding(units=frozenset({"u"}))):
        async with owner(here, BO, "b", bound) as elsewhere:
            assert "covers no region" in (await elsewhere.get("/workbench")).text
            assert (await elsewhere.get("/workbench/testland")).status_code == 404
            assert (await elsewhere.get("/workbench/drafts/1")).status_code == 404


async def test_a_region_without_a_file_gets_its_first_one_in_the_browser(here: World) -> None:
    async with owner(here, ANNA, "a") as anna:
        editor = await anna.get("/workbench/new?region=Nyland")
        assert (editor.status_code, editor.url.path) == (200, "/workbench/nyland")
        assert "region: nyland" in editor.text
        assert "base: nationwide" in editor.text
        assert (await anna.get("/workbench/new?region=Ny%20land")).status_code == 422
        text = neighbour("nyland", "NY").replace("since: 2020-01-01", "since: 2025-04-01")
        page = await anna.post("/workbench/nyland/draft", "/workbench", text=text)
        assert page.status_code == 200
        assert "No faults." in page.text
        assert "2025-04-01" in page.text
        assert "nyland" in (await anna.get("/workbench")).text
    bound = Binding(frozenset({"testland"}))  # type: ignore[arg-type]
    async with owner(here, BO, "b", bound) as bo:
        assert (await bo.get("/workbench/new?region=nyland")).status_code == 422
        assert (await bo.get("/workbench/nyland")).status_code == 404
        assert (await bo.get(page.url.path)).status_code == 404


TOLD = {
    "title": "A physician blocks, and the guardian sees nothing",
    "cites": "TL-02",
    "start": "2025-03-11T10:00",
    "units": "barn",
    "person0": "rut",
    "born0": "2018-07-01",
    "guardians0": "sam",
    "person1": "sam",
    "born1": "1985-01-01",
    "staff0": "gran",
    "unit0": "barn",
    "role0": "treating_physician",
    "kind0": "order",
    "form0": "block_guardians",
    "patient0": "rut",
    "by0": "gran",
    "concerns0": "sam",
    "outcome0": "executed",
    "kind1": "access",
    "patient1": "rut",
    "by1": "sam",
    "service1": "journal",
    "allowed1": "no",
    "codes1": "guardian_block",
    "kind2": "at",
    "moment2": "2025-03-12T10:00",
    "kind3": "measures",
    "patient3": "rut",
    "codes3": "guardian_block",
}


async def test_a_story_from_the_form_is_kept_and_played_with_the_others(here: World) -> None:
    async with owner(here, ANNA, "a") as anna:
        page = await saved(anna, LATER)
        form = f"{page}/story"
        told = await anna.post(form, form, **TOLD)
        assert told.status_code == 200
        assert "It holds against the draft." in told.text
        name = told.text.split("<summary>W-")[1][:10]
        played = (await anna.post(f"{page}/stories", page)).text
        assert f"W-{name}" in played
        assert "2 of 3 held" in played

        wrong = await anna.post(form, form, **{**TOLD, "allowed1": "yes", "codes1": ""})
        assert "It does not hold against the draft" in wrong.text
        assert "1 of 3 held" in (await anna.post(f"{page}/stories", page)).text, (
            "the same title: the same story"
        )

        unread = await anna.post(form, form, **{**TOLD, "patient0": "nobody", "title": "Another"})
        assert "nobody" in unread.text
        assert 'value="rut"' in unread.text, "what was written is still there"
        assert (await anna.post(form, form, **{**TOLD, "start": "soon", "title": "Third"})).status_code == 422
        first_day = await anna.post(form, form, **{**TOLD, "start": "0001-01-01T00:00", "title": "Third"})
        assert (first_day.status_code, "is no moment that a clock can show" in first_day.text) == (422, True)
        late = await anna.post(form, form, **{**TOLD, "born0": "99999999999-01-01", "title": "Third"})
        assert (late.status_code, "is no day, month (YYYY-MM) or year" in late.text) == (422, True)
        many = ",".join(["\x80"] * 149)
        long = {f"kind{row}": "order" for row in range(8)} | {f"concerns{row}": many for row in range(8)}
        long |= {"guardians0": many, "guardians1": many, "units": many, "cites": many}
        too_long = await anna.post(
            form, form, **{**TOLD, **long, "codes1": "", "codes3": "", "title": "Fourth"}
        )
        assert (too_long.status_code, "The story is too long" in too_long.text) == (422, True)
        assert (await anna.post(form, form, away="W-nobody-wrote")).url.query == b"done=gone"
        assert (await anna.post(form, form, away=f"W-{name}")).status_code == 200
        async with here.store.reading() as tx:
            assert f"W-{name}" not in await rulebooks.stories(tx, "testland")
            assert await tx.value("SELECT count(*) FROM rulebook_story WHERE name = 'W-nobody-wrote'") == 0
