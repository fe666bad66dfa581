"""Requests to release as cases: what to do first, what people write down, who sees it, and that no text gets out."""

import io
import json
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sigill.operations.archive import Reader, archive_before_disposal, check_package
from sigill.operations.extracts import (
    ForWhom,
    case_file,
    case_html,
    case_json,
    extract,
    extract_html,
    extract_json,
)
from sigill.operations.operators import ConsoleRole, Operator
from sigill.policy.rulebook import Rulebooks
from sigill.runtime.logging import configure_logging
from sigill.store import audit_check, erasure
from sigill.store.access_log import AccessLogEntry, append
from sigill.store.console import Binding
from sigill_contracts.vocabulary import PersonId
from tests.console.test_hidden import OTHERS, bounds_file
from tests.console.test_terminal import sigill
from tests.console.test_traces_of_looks import looks_at, noted
from tests.kit.console import START, Client, World
from tests.kit.senders import ADULT, CHILD, FATHER, MOTHER, UNIT, Sent, person
from tests.kit.testland import NATIONAL, TESTLAND, write_rulebooks
from tests.workers.test_settled_requests import with_books

OFFICE, THEIR_NUMBER, WORDS = "Kvarnkontoret", "SOC-2025-4711", "Rödhaken flyttar"
NEW_NUMBER = "198501012390"
RULES = """
      - {id: ask, cites: [TL-04], forms: [request_release], offered: true, initiatives: [guardian],
         channels: {ehr_form: always}, deciders: [treating_physician], may_release: [journal_seal]}
      - {id: answer, cites: [TL-04], forms: [unit_opinion], offered: true, initiatives: [care],
         channels: {ehr_form: always}, deciders: [treating_physician]}
      - {id: answer-reported, cites: [TL-01], forms: [unit_opinion], when: {opinion: agree, measure_reported: true},
         attestations: [authority_confirmed]}
"""
CASES = TESTLAND.replace(
    "    standing:\n",
    RULES.lstrip("\n") + "    standing:\n",
).replace("    letters:\n", "    lead: {unit_answer: 5, authority_answer: 10}\n    letters:\n")


def judge_by(here: World, rulebook: str, national: str = NATIONAL) -> None:
    """Have workers and console judge by another rulebook of the region."""
    with_books(here.harness, rulebook, national)
    here.judges_by(Rulebooks.of(rulebook, national))


async def number_of(here: World, order: Sent) -> str:
    """The number under which an order is registered."""
    async with here.store.reading() as tx:
        found = await tx.value("SELECT registration FROM signed_order WHERE order_id = $1", order.order_id)
    return str(found)


def askers_in(page: str) -> set[str]:
    """Whom the forms of a case's page name as who asked."""
    return set(re.findall(r'name="asker" value="(\d+)"', page))


def entry_named_by(act: str, page: str) -> str:
    """The entry that the one form for an act is about."""
    (about,) = re.findall(rf'action="[^"]*/{act}".*?name="about" value="(\d+)"', page, re.DOTALL)
    return str(about)


async def asked(here: World, asker: str = MOTHER) -> str:
    """A reported seal on a child, and its mother's request for the release; returns the request's page."""
    judge_by(here, CASES)
    senders, clock = here.senders, here.clock
    child = person(CHILD)
    await here.harness.hand_over(
        senders.orders(
            clock.now(), patient=child, inform={"guardians": False}, attestations=["reported_to_authority"]
        )
    )
    clock.advance(timedelta(minutes=5))
    request = senders.orders(
        clock.now(), "request_release", patient=child, initiative="guardian", guardians=[person(asker)]
    )
    await here.harness.hand_over(request)
    return f"/cases/{await number_of(here, request)}"


async def gives(here: World, opinion: str, *attestations: str) -> None:
    """The unit's opinion on the newest request."""
    async with here.store.reading() as tx:
        request = await tx.value("SELECT order_id FROM release_request ORDER BY known_from DESC LIMIT 1")
    here.clock.advance(timedelta(minutes=5))
    await here.harness.hand_over(
        here.senders.orders(
            here.clock.now(),
            "unit_opinion",
            patient=person(CHILD),
            follows_up=str(request),
            opinion=opinion,
            attestations=list(attestations),
        )
    )


def first_step(text: str) -> str:
    found = re.search(r"<ol>.*?<strong>(.*?)</strong>", text, re.DOTALL)
    assert found is not None
    return found[1]


async def write_all(here: World, client: Client, page: str) -> None:
    """An authority asked and its answer, with every free text."""
    today = here.clock.now().date().isoformat()
    told = await client.post(
        f"{page}/asked", page, code="social_services", name=OFFICE, day=today, remark=WORDS
    )
    assert told.status_code == 200
    about = entry_named_by("answered", told.text)
    said = await client.post(
        f"{page}/answered", page, code="nothing_stays", reference=THEIR_NUMBER, day=today, about=about
    )
    assert f"case {THEIR_NUMBER}" in said.text


async def test_a_request_is_worked_through_from_the_question_to_the_closing(fresh: World) -> None:
    page = await asked(fresh)
    logged = io.StringIO()
    configure_logging("json", "debug", logged)
    async with fresh.client() as client:
        listed = (await client.get("/cases")).text
        assert f'href="{page}"' in listed
        assert "Answer the one who asked" in listed  # the region has no standard reply
        shown = (await client.get(page)).text
        assert first_step(shown) == "Answer the one who asked"
        assert "Ask police or social services" in shown
        assert shown.count("2025-03-15") >= 3  # five days after the request
        assert "An order says that this person is not to be told" in shown
        (asker,) = askers_in(shown)
        replied = await client.post(
            f"{page}/replied", page, asker=asker, code="own_words", day="2025-03-10", remark=WORDS
        )
        assert "staff&#39;s own words" in replied.text
        assert (await fresh_tasks(fresh, "standard_reply")) == ["done"]
        await write_all(fresh, client, page)
        assert first_step((await client.get(page)).text) == "Wait for the unit&#39;s answer"
        early = await client.post(f"{page}/closed", page)
        assert (early.status_code, "Closing comes last" in early.text) == (422, True)

        await gives(fresh, "agree", "harm_assessment", "authority_confirmed")
        agreed = (await client.get(page)).text
        assert first_step(agreed) == "Answer the one who asked"
        assert re.search(r"Harm assessed by.*SE2321000099-DOC\w*, Treating physician", agreed, re.DOTALL)
        today = fresh.clock.now().date().isoformat()
        await client.post(f"{page}/replied", page, asker=asker, code="own_words", day=today)
        closed = await client.post(f"{page}/closed", page, remark=WORDS)
        assert re.search(r"Closed 2025-03-10 by .*" + WORDS, closed.text)
        assert page not in (await client.get("/cases")).text
        more = await client.post(f"{page}/asked", page, code="police", name="x", day=today)
        assert (more.status_code, "Open it again first" in more.text) == (422, True)
        (end,) = re.findall(r"#(\d+) 2025-03-10 Case closed", closed.text)
        again = await client.post(f"{page}/withdrawn", page, about=end, remark="a letter came back")
        assert first_step(again.text) == "Close the case"

        diary = (await client.get("/diary?day=2025-03-10")).text
        for line in ("Authority asked", "Authority&#39;s answer", "Case closed", "Withdrawn"):
            assert line in diary
        file = (await client.get("/diary.csv?first=2025-03-10&through=2025-03-10")).text
        assert ",in,SIGILL-" in file
        assert "authority_answered" in file
    configure_logging()
    entries = [one for kind in ("asked", "answered") for one in await noted(fresh, f"case_authority_{kind}")]
    assert [set(one) - {"actor", "login"} for one in entries] == [{"order_id", "registration", "entry"}] * 2
    kept_in = json.dumps(entries) + logged.getvalue() + diary + file + listed
    assert [text for text in (OFFICE, THEIR_NUMBER, WORDS, CHILD, MOTHER) if text in kept_in] == []
    assert [number for number in (CHILD, MOTHER, FATHER) if number in agreed] == []
    looks = [one.look for one in await looks_at(fresh, CHILD)]
    assert {one.reason for one in looks if one.shown.startswith("case SIGILL-")} == {"case page"}
    async with fresh.desk.auditors.reading() as tx:  # type: ignore[union-attr]
        assert await audit_check.verify(tx) == []


async def fresh_tasks(here: World, kind: str) -> list[str]:
    async with here.store.reading() as tx:
        rows = await tx.fetch("SELECT state FROM task WHERE kind = $1", kind)
    return [row["state"] for row in rows]


async def test_what_cannot_be_written_is_said_and_nothing_typed_is_lost(fresh: World) -> None:
    page = await asked(fresh)
    async with fresh.client() as client:
        for day in ("2025-03-11", "", "soon"):
            refused = await client.post(
                f"{page}/asked", page, act="asked", code="police", name=OFFICE, day=day, remark=WORDS
            )
            assert refused.status_code == 422, day
            assert "Give the day: not later than today" in refused.text
            assert f'value="{OFFICE}"' in refused.text
            assert f'value="{WORDS}"' in refused.text
            assert '<option value="police" selected>' in refused.text
        assert (await client.post(f"{page}/burned", page)).status_code == 404
        assert (await client.post("/cases/999999/asked", page, code="police")).status_code == 404
        for odd in ("0", "x", CHILD, "%00", "9" * 400):
            assert (await client.get(f"/cases/{odd}")).status_code in (400, 404)
        assert (await client.get("/cases/by-id/x")).status_code == 404
    async with fresh.store.reading() as tx:
        assert await tx.value("SELECT count(*) FROM case_entry") == 0


async def test_a_case_is_shown_to_whom_it_may_be_and_to_nobody_else(fresh: World) -> None:
    page = await asked(fresh)
    async with fresh.client(roles=[ConsoleRole.VIEWER]) as viewer:
        counted = await viewer.get("/cases")
        assert ("how many, not which" in counted.text, page in counted.text) == (True, False)
        assert (await viewer.get(page)).status_code == 403
    async with fresh.client(roles=[ConsoleRole.AUDITOR]) as auditor:
        assert (await auditor.get(page)).status_code == 200
        assert (await auditor.post(f"{page}/asked", "/cases")).status_code == 403
    for bound, seen in (
        (Binding(frozenset({"testland"}), frozenset({UNIT})), True),
        (Binding(frozenset({"testland"}), frozenset({"SE2321000099-OTHER"})), False),
        (Binding(frozenset({"elsewhere"})), False),
    ):
        async with bound_client(fresh, bound) as client:
            assert (page in (await client.get("/cases")).text) is seen, bound
            assert (await client.get(page)).status_code == (200 if seen else 403), bound
    custody = [{"guardian": person(MOTHER)}]
    now = fresh.clock.now()
    await fresh.harness.hand_over(fresh.senders.registers(now, CHILD, 2, secrecy_mark=True, custody=custody))
    number = page.rsplit("/", 1)[1]
    async with fresh.client(roles=OTHERS) as client:
        listed = (await client.get("/cases")).text
        assert ("protected identity" in listed, page in listed) == (True, False)
        refused = await client.get(page)
        assert (refused.status_code, "Hidden" in refused.text) == (403, True)
        for act in ("asked", "answered", "replied", "withdrawn", "closed"):
            assert (await client.post(f"{page}/{act}", "/cases")).status_code == 403
    async with fresh.client() as client:
        assert number in (await client.get("/cases")).text
        assert (await client.get(page)).status_code == 200


async def test_of_other_units_a_bound_login_sees_that_they_have_assessed_and_not_what(
    fresh: World, tmp_path: Path
) -> None:
    senders, clock, other = fresh.senders, fresh.clock, "SE2321000099-OTHER"
    doctor = "SE2321000099-DOCOTHER"
    judge_by(fresh, CASES)
    await fresh.harness.hand_over(senders.employs(clock.now(), doctor, ["treating_physician"], unit=other))
    decided = {"hsa_id": doctor, "role": "treating_physician", "unit": other}
    clock.advance(timedelta(minutes=5))
    await fresh.harness.hand_over(
        senders.signs(
            senders.form(clock.now(), patient=person(CHILD), decided_by=decided), clock.now(), by=doctor
        )
    )
    clock.advance(timedelta(minutes=5))
    page = await asked(fresh)
    await gives(fresh, "keep", "harm_assessment")
    region = frozenset({"testland"})
    for units, told in ((frozenset({UNIT}), True), (frozenset({other}), False), (None, True)):
        async with bound_client(fresh, Binding(region, units)) as client:
            shown = (await client.get(page)).text
            assert ("the unit keeps the protection" in shown) is told, units
            harm = shown.split('id="harm"')[1].split("</section>")[0]
            assert ("Treating physician" in harm) is told
            assert ("has assessed; shown to the unit" in shown) is not told
            assert ("has answered" in shown) is not told
    books = {"SIGILL_RULEBOOKS": str(write_rulebooks(tmp_path / "rules", CASES))}
    (line,) = json.loads((await sigill(fresh, "case", "list", "--json", **books)).out)["cases"]
    for units, told in ((UNIT, True), (other, False)):
        mine = {"SIGILL_OPERATORS": bounds_file(tmp_path, units=[units]), **books}
        words = ("case", "show", line["number"], "--reason", "r")
        shown = (await sigill(fresh, *words, **mine)).out
        assert ("harm assessed at" in shown, "shown to those bound" in shown) == (True, not told), units
        whole = json.loads((await sigill(fresh, *words, "--json", **mine)).out)
        assert [one["opinion"] for one in whole["harm_assessments"]] == ["keep" if told else None]
        assert [one["unit"] for one in whole["units"] if one["withheld"]] == ([] if told else [UNIT])


async def test_a_login_bound_to_the_unit_that_took_over_sees_the_case(fresh: World) -> None:
    page = await asked(fresh)
    heir = Binding(frozenset({"testland"}), frozenset({"SE2321000099-HEIR"}))
    async with bound_client(fresh, heir) as client:
        assert (page in (await client.get("/cases")).text) is False
        assert (await client.get(page)).status_code == 403
    now = fresh.clock.now()
    yesterday = (now - timedelta(days=1)).date().isoformat()
    await fresh.harness.hand_over(
        fresh.senders.unit(now, "SE2321000099-HEIR", name="Internmedicin"),
        fresh.senders.unit(now, UNIT, 2, valid_through=yesterday, succeeded_by="SE2321000099-HEIR"),
    )
    async with bound_client(fresh, heir) as client:
        assert (page in (await client.get("/cases")).text) is True
        assert (await client.get(page)).status_code == 200


async def test_a_reply_to_an_asker_under_a_new_number_ticks_off_the_task(fresh: World) -> None:
    now = fresh.clock.now()
    await fresh.harness.hand_over(fresh.senders.registers(now, NEW_NUMBER))
    custody = [{"guardian": person(NEW_NUMBER)}]
    await fresh.harness.hand_over(fresh.senders.registers(now, CHILD, 2, custody=custody))
    page = await asked(fresh, NEW_NUMBER)
    (before,) = await askers_of(fresh, page)
    now = fresh.clock.now()
    await fresh.harness.hand_over(
        fresh.senders.registers(now, NEW_NUMBER, 2, former_ids=[person(MOTHER)], identity_level="STYRKT"),
    )
    (after,) = await askers_of(fresh, page)
    assert after != before
    async with fresh.client() as client:
        old = await client.post(f"{page}/replied", page, asker=before, code="own_words", day="2025-03-10")
        assert old.status_code == 422
        assert await fresh_tasks(fresh, "standard_reply") == ["open"]
        told = await client.post(f"{page}/replied", page, asker=after, code="own_words", day="2025-03-10")
        assert told.status_code == 200
    assert await fresh_tasks(fresh, "standard_reply") == ["done"]


async def askers_of(here: World, page: str) -> set[str]:
    async with here.client() as client:
        return askers_in((await client.get(page)).text)


def bound_client(here: World, bound: Binding, roles: Sequence[ConsoleRole] = tuple(ConsoleRole)):  # type: ignore[no-untyped-def]
    """A browser of somebody who is bound to regions and units."""
    return _Bound(here, bound, roles)


class _Bound:
    def __init__(self, here: World, bound: Binding, roles: Sequence[ConsoleRole]) -> None:
        self._here, self._operator = here, Operator("SE2321000099-BND1", frozenset(roles), bound=bound)

    async def __aenter__(self) -> Client:
        cookie = await self._here.desk.sessions.begin(self._operator)
        self._open = self._here.client()
        client = await self._open.__aenter__()
        client.http.cookies.set(self._here.desk.cookie, cookie)
        return client

    async def __aexit__(self, *error: object) -> None:
        await self._open.__aexit__(None, None, None)


async def test_the_texts_of_a_case_end_with_the_person_and_the_chain_verifies_on(fresh: World) -> None:
    page = await asked(fresh)
    async with fresh.client() as client:
        await write_all(fresh, client, page)
    child = PersonId(str((await looks_at(fresh, CHILD))[0].look.patient))
    now = fresh.clock.now()
    await fresh.harness.hand_over(
        fresh.senders.registers(
            now, CHILD, 3, deregistration={"reason": "death", "date": START.date().isoformat()}
        )
    )
    async with fresh.store.transaction(now) as tx:
        await erasure.erase(tx, child, "op")
    async with fresh.store.reading() as tx:
        rows = await tx.fetch("SELECT name, reference, remark, code FROM case_entry ORDER BY entry_id")
    assert [tuple(row) for row in rows] == [
        (None, None, None, "social_services"),
        (None, None, None, "nothing_stays"),
    ]
    async with fresh.desk.auditors.reading() as tx:  # type: ignore[union-attr]
        assert await audit_check.verify(tx) == []
    async with fresh.client() as client:
        assert (await client.get(page)).status_code == 404
        assert page not in (await client.get("/cases")).text


async def test_the_texts_of_a_case_end_with_the_form_that_it_began_with(fresh: World) -> None:
    page = await asked(fresh)
    async with fresh.client() as client:
        await write_all(fresh, client, page)
        await gives(fresh, "keep")
        (asker,) = askers_in((await client.get(page)).text)
        today = fresh.clock.now().date().isoformat()
        await client.post(f"{page}/replied", page, code="own_words", asker=asker, day=today)
        assert (await client.post(f"{page}/closed", page)).status_code == 200
    before = START + timedelta(days=30)
    async with fresh.store.transaction(before + timedelta(days=400)) as tx:
        gone = await erasure.purge_evidence(tx, before, "op", {})
        assert int(page.rsplit("/", 1)[1]) in gone
        rows = await tx.fetch("SELECT num_nonnulls(name, reference, remark) AS texts, code FROM case_entry")
    assert {row["texts"] for row in rows} == {0}
    assert {row["code"] for row in rows} == {"nothing_stays", "social_services", "own_words", None}
    async with fresh.desk.auditors.reading() as tx:  # type: ignore[union-attr]
        assert await audit_check.verify(tx) == []


def only_one_in(folder: Path) -> Path:
    (one,) = folder.iterdir()
    return one


async def test_the_texts_of_a_case_are_in_the_package_that_is_made_before_they_end(
    fresh: World, tmp_path: Path
) -> None:
    page = await asked(fresh)
    async with fresh.client() as client:
        await write_all(fresh, client, page)
        (asker,) = askers_in((await client.get(page)).text)
        today = fresh.clock.now().date().isoformat()
        await client.post(
            f"{page}/replied", page, code="own_words", asker=asker, day=today, remark="Ringde upp"
        )
    number = int(page.rsplit("/", 1)[1])
    child = (await looks_at(fresh, CHILD))[0].look.patient
    async with fresh.store.reading() as tx:
        assert number in await erasure.orders_of(tx, child)
        assert await erasure.orders_of(tx, PersonId(asker)) == [number], (
            "the reply's text goes with the asker"
        )
    auditors = fresh.desk.auditors
    assert auditors is not None
    reader, to = Reader("night", None, "archiving before disposal"), tmp_path / "archive"
    assert set(await archive_before_disposal(auditors, to, [number], reader, fresh.clock.now())) == {number}
    folder = only_one_in(to)
    assert check_package(folder) == []
    written = json.loads((folder / "data/case.json").read_text("utf-8"))
    assert [one["kind"] for one in written] == ["authority_asked", "authority_answered", "replied"]
    assert (written[0]["name"], written[1]["reference"], written[0]["remark"]) == (
        OFFICE,
        THEIR_NUMBER,
        WORDS,
    )
    assert written[2]["remark"] == "Ringde upp"
    assert [one["to"] for one in written] == [None, None, {"pseudonym": f"P-{asker}", "role": "guardian"}]


async def test_the_auditors_file_has_the_case_and_the_patients_extract_does_not_tell_of_it(
    fresh: World,
) -> None:
    page = await asked(fresh)
    async with fresh.client() as client:
        await write_all(fresh, client, page)
        for task in set(re.findall(r'href="(/worklist/\d+)"', (await client.get("/worklist")).text)):
            await client.get(task)
    auditors, now = fresh.desk.auditors, fresh.clock.now()
    assert auditors is not None
    child = (await looks_at(fresh, CHILD))[0].look.patient
    async with fresh.store.transaction(now) as tx:
        seal = await tx.value("SELECT order_id FROM signed_order WHERE form = 'seal_journal'")
        entering = AccessLogEntry("op", None, child, f"phone order {seal}", "the patient's guardians by name")
        await append(tx, [entering])
    reader = Reader("SE2321000099-AUD1", None, "supervision")
    file = await case_file(auditors, child, reader, now)
    for text in (OFFICE, THEIR_NUMBER, WORDS):
        assert text in case_html(file)
        assert text in case_json(file)
    assert [one["to"] for one in json.loads(case_json(file))["cases"][0]["entries"]] == [None, None]
    looks = [one for one in await looks_at(fresh, CHILD) if one.look.shown.startswith("case SIGILL-")]
    made = await extract(auditors, child, reader, now, for_whom=ForWhom.PATIENT)
    told = extract_html(made) + extract_json(made)
    assert made.left_out >= len(looks) > 0  # an order says that guardians are not told
    at_tasks = {
        one.look_id for one in await looks_at(fresh, CHILD) if one.look.shown.startswith("what to key")
    }
    assert at_tasks
    assert "op" not in {one.look.actor for one in made.looks}, "nor while it was entered"
    assert at_tasks.isdisjoint(one.look_id for one in made.looks), "nor of what is keyed in for it"
    assert [text for text in (OFFICE, THEIR_NUMBER, WORDS, "case") if text in told] == []


async def test_a_terminal_lists_cases_and_shows_one_for_a_reason(fresh: World, tmp_path: Path) -> None:
    page = await asked(fresh)
    async with fresh.client() as client:
        await write_all(fresh, client, page)
    books = {"SIGILL_RULEBOOKS": str(write_rulebooks(tmp_path / "rules", CASES))}
    listed = await sigill(fresh, "case", "list", "--json", **books)
    assert listed.status == 0, listed.err
    (line,) = json.loads(listed.out)["cases"]
    assert (line["due"], line["do"], line["state"]) == ("2025-03-10", "reply", "judged")
    unasked = await sigill(fresh, "case", "show", line["number"], **books)
    assert (unasked.status, "--reason" in unasked.err) == (2, True)
    shown = await sigill(fresh, "case", "show", line["number"], "--reason", "support call", **books)
    assert shown.status == 0, shown.err
    assert THEIR_NUMBER in shown.out
    assert [one for one in (CHILD, MOTHER) if one in shown.out + shown.err] == []
    whole = json.loads(
        (await sigill(fresh, "case", "show", line["number"], "--reason", "r", "--json", **books)).out
    )
    assert [one["kind"] for one in whole["entries"]] == ["authority_asked", "authority_answered"]
    assert (await sigill(fresh, "case", "show", "SIGILL-0", "--reason", "r", **books)).status == 1
    reasons = {one.look.reason for one in await looks_at(fresh, CHILD) if one.look.shown.startswith("case ")}
    assert "support call" in reasons


async def test_a_case_whose_texts_name_somebody_hidden_is_shown_to_the_role_alone(fresh: World) -> None:
    """Whom it is about was looked at, and not whose number somebody wrote into it."""
    page = await asked(fresh)
    today = fresh.clock.now().date().isoformat()
    async with fresh.client() as client:
        wrote = await client.post(
            f"{page}/asked",
            page,
            code="police",
            name=OFFICE,
            day=today,
            remark=f"also about {ADULT[:8]}-{ADULT[8:]}",
        )
        assert wrote.status_code == 200
    await fresh.harness.hand_over(fresh.senders.registers(fresh.clock.now(), ADULT, 2, secrecy_mark=True))
    async with fresh.client(roles=OTHERS) as client:
        refused = await client.get(page)
        assert (refused.status_code, OFFICE in refused.text) == (403, False)
    async with fresh.client() as client:
        assert OFFICE in (await client.get(page)).text
