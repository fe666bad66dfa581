"""Letters from a case: opened with an own seal, printed, noted as sent and handed out, and nothing said to who must not know."""

import io
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from sigill.operations.archive import Reader, archive_before_disposal
from sigill.operations.operators import ConsoleRole
from sigill.policy.rulebook import Rulebooks
from sigill.runtime.logging import configure_logging
from sigill.store import audit_check, erasure
from sigill.store.console import Binding
from tests.console.test_cases import (
    CASES,
    asked,
    askers_in,
    bound_client,
    entry_named_by,
    first_step,
    judge_by,
    number_of,
)
from tests.console.test_hidden import OTHERS
from tests.console.test_terminal import sigill
from tests.console.test_traces_of_looks import looks_at, noted
from tests.kit.console import Client, World
from tests.kit.senders import ADULT, CHILD, OPERATOR, person
from tests.kit.testland import NATIONAL, write_rulebooks

UNPRINTED = "张伟"
POSTED, RECEIPT = "RR123456785SE", "DOC-2025-88"
NAME, STREET = "Åsa Öberg", "Rödhakevägen 4"
LETTERS = CASES.replace(
    "    letters:\n",
    "    standard_reply: {sv: Vi svarar inte om åtgärder., en: We do not answer about measures.}\n"
    "    letters:\n"
    "      break-seal:\n"
    "        cites: [TL-01]\n"
    "        delivery: registered_personal\n"
    "        fits: {forms: [seal_journal], initiatives: [resident, care], to: patient}\n"
    '        sv: "{date}\\n\\n{recipient}\\n\\nDiarienummer {reference}\\n\\n# Bryt förseglingen"\n'
    '        en: "{date}\\n\\n{recipient}\\n\\nReference {reference}\\n\\n# Break the seal"\n'
    "      told-more:\n"
    "        cites: [TL-04]\n"
    "        delivery: registered_address\n"
    "        fits: {forms: [request_release], initiatives: [guardian], to: guardian}\n"
    '        sv: "# Mer\\n\\n{recipient} {region}"\n'
    '        en: "# More\\n\\n{recipient} {region}"\n'
    "      reply:\n"
    "        cites: [TL-04]\n"
    "        delivery: registered_address\n"
    "        fits: {forms: [request_release], initiatives: [guardian], to: guardian}\n"
    '        sv: "{date}\\n\\n{recipient}\\n\\n{standard_reply}"\n'
    '        en: "{date}\\n\\n{recipient}\\n\\n{standard_reply}"\n',
    1,
)


RULEBOOKS = Path(__file__).parents[2] / "workers" / "sigill" / "rulebooks"


async def own_seal(here: World) -> str:
    """A seal that the resident asked for; returns the number of its order."""
    judge_by(here, LETTERS)
    seal = here.senders.orders(here.clock.now(), patient=person(ADULT), initiative="resident")
    await here.harness.hand_over(seal)
    return await number_of(here, seal)


async def letter_of(client: Client, page: str, name: str) -> str:
    """Where a letter is printed, as the case's page says."""
    found = re.search(rf'href="({page}/letters/{name}\?to=\d+)"', (await client.get(page)).text)
    assert found is not None
    return found[1]


async def test_a_case_about_an_own_seal_is_worked_through_from_the_call_to_the_release(fresh: World) -> None:
    number = await own_seal(fresh)
    page = f"/cases/{number}"
    logged = io.StringIO()
    configure_logging("json", "debug", logged)
    today = fresh.clock.now().date().isoformat()
    async with fresh.client() as client:
        assert (await client.get(page)).status_code == 404
        assert "no case to open" not in (await client.get(f"/orders/{number}")).text
        unasked = await client.post(f"{page}/begin", f"/orders/{number}")
        assert "Write a reason" in unasked.text
        begun = await client.post(f"{page}/begin", f"/orders/{number}", reason="the resident calls")
        assert begun.url.path == page
        assert first_step(begun.text) == "Send the region&#39;s letter"
        assert page in (await client.get("/cases")).text
        again = await client.post(f"{page}/begin", f"/orders/{number}", reason="twice")
        assert again.url.path == page

        letter = await letter_of(client, page, "break-seal")
        shown = (await client.get(letter)).text
        assert "registered letter with personal delivery" in shown
        path, to = letter.split("?to=")
        typed = {"to": to, "language": "sv", "recipient": f"{NAME}\r\n{STREET}\r\n"}
        seen = await client.post(path, letter, **typed, **{"as": "page"})
        assert f"<p>{NAME}<br />\n{STREET}</p>" in seen.text
        printed = await client.post(path, letter, **typed, **{"as": "pdf"})
        assert printed.headers["content-type"] == "application/pdf"
        assert printed.headers["cache-control"] == "no-store"
        assert printed.content.startswith(b"%PDF-")
        assert b"/StructTreeRoot" in printed.content
        assert b"/MarkInfo" in printed.content

        odd = await client.post(
            path, letter, to=to, language="sv", recipient=f"{UNPRINTED}\n{STREET}", **{"as": "pdf"}
        )
        assert (odd.status_code, "not in the fonts" in odd.text) == (422, True)
        assert f"{UNPRINTED}\n{STREET}</textarea>" in odd.text

        unposted = await client.post(f"{page}/sent", page, act="sent", code="break-seal", asker=to, day=today)
        assert (unposted.status_code, "Give the letter&#39;s posting number" in unposted.text) == (422, True)
        sent = await client.post(
            f"{page}/sent", page, code="break-seal", asker=to, day=today, reference=POSTED
        )
        assert first_step(sent.text) == "Wait for the delivery receipt"
        assert "2025-03-31" in sent.text
        about = entry_named_by("received", sent.text)
        bare = await client.post(f"{page}/received", page, code="delivered", day=today, about=about)
        assert bare.status_code == 422
        come = await client.post(
            f"{page}/received", page, code="delivered", day=today, about=about, reference=RECEIPT
        )
        assert "handed out to the addressee" in come.text
        await fresh.harness.hand_over(
            fresh.senders.orders(
                fresh.clock.now() + timedelta(minutes=2),
                "release_journal_seal",
                patient=person(ADULT),
                initiative="resident",
                references=[{"kind": "delivery_receipt", "id": POSTED, "sha256": "0" * 64}],
            )
        )
        diary = (await client.get("/diary?day=2025-03-10")).text
        assert "Letter sent" in diary
        closed = await client.post(f"{page}/closed", page, remark="released")
        assert "Closed 2025-03-10" in closed.text
    configure_logging()
    entries = [one for kind in ("opened", "letter_sent") for one in await noted(fresh, f"case_{kind}")]
    assert len(entries) == 2
    kept = json.dumps(entries) + logged.getvalue() + diary
    assert [text for text in (NAME, STREET, UNPRINTED, POSTED, RECEIPT, ADULT) if text in kept] == []
    looks = [one.look for one in await looks_at(fresh, ADULT)]
    assert {one.reason for one in looks if one.shown.startswith("letter break-seal in case ")} == {
        "letter from the case"
    }
    async with fresh.store.reading() as tx:
        found = await tx.fetch("SELECT to_jsonb(c)::text AS row FROM case_entry c")
    assert [row["row"] for row in found if NAME in row["row"] or STREET in row["row"]] == []
    async with fresh.desk.auditors.reading() as tx:  # type: ignore[union-attr]
        assert await audit_check.verify(tx) == []


async def test_an_own_seal_in_jamtland_harjedalen_is_played_from_the_call_to_the_archive(
    fresh: World, tmp_path: Path
) -> None:
    """JH-01, JH-11, JH-12: every step by the region's own rules, and the closing without a word of explanation."""
    rules, national = (
        (RULEBOOKS / f"{name}.yaml").read_text("utf-8") for name in ("jamtland-harjedalen", "nationwide")
    )
    # the staff of the test region work by them
    judge_by(fresh, rules.replace("region: jamtland-harjedalen\n", "region: testland\n", 1), national)
    paper = {"patient": person(ADULT), "initiative": "resident", "channel": "paper", "decided_by": None}
    now, senders = fresh.clock.now(), fresh.senders
    seal = senders.signs(senders.form(now, **paper), now, by=OPERATOR)
    await fresh.harness.hand_over(seal)
    number = await number_of(fresh, seal)
    page, today = f"/cases/{number}", now.date().isoformat()
    async with bound_client(fresh, Binding(frozenset({"testland"}))) as client:
        begun = await client.post(f"{page}/begin", f"/orders/{number}", reason="the resident calls")
        assert first_step(begun.text) == "Send the region&#39;s letter"
        early = await client.post(f"{page}/closed", page)
        assert (early.status_code, "Write a reason" in early.text) == (422, True)
        _, to = (await letter_of(client, page, "unsealing-form")).split("?to=")
        sent = await client.post(
            f"{page}/sent", page, code="unsealing-form", asker=to, day=today, reference=POSTED
        )
        assert first_step(sent.text) == "Wait for the delivery receipt"
        about = entry_named_by("received", sent.text)
        come = await client.post(
            f"{page}/received", page, code="delivered", day=today, about=about, reference=RECEIPT
        )
        assert first_step(come.text) == "Wait for the form that went with the letter"
        fresh.clock.advance(timedelta(days=3))
        now = fresh.clock.now()
        release = senders.form(
            now,
            "release_journal_seal",
            **paper,
            attestations=["informed_of_consequences", "identity_verified"],
            references=[{"kind": "delivery_receipt", "id": RECEIPT, "sha256": "0" * 64}],
        )
        await fresh.harness.hand_over(senders.signs(release, now, by=OPERATOR))
    async with bound_client(fresh, Binding(frozenset({"testland"}))) as client:
        over = (await client.get(page)).text
        assert first_step(over) == "Close the case"
        assert RECEIPT in over
        closed = await client.post(f"{page}/closed", page)
        assert "Closed 2025-03-13" in closed.text
        assert page not in (await client.get("/cases")).text
    auditors, folder = fresh.desk.auditors, tmp_path / "archive"
    assert auditors is not None
    reader = Reader("night", None, "archiving before disposal")
    await archive_before_disposal(auditors, folder, [int(number)], reader, now)
    [package] = folder.iterdir()
    written = json.loads((package / "data/case.json").read_text("utf-8"))
    patient = {"pseudonym": f"P-{to}", "role": "patient"}
    assert [(one["kind"], one["to"]) for one in written] == [
        ("opened", None),
        ("letter_sent", patient),
        ("letter_received", None),
        ("closed", None),
    ]


async def test_who_must_not_be_told_gets_the_standard_reply_alone(fresh: World) -> None:
    page = await asked(fresh)
    judge_by(fresh, LETTERS)
    today = fresh.clock.now().date().isoformat()
    async with fresh.client() as client:
        shown = (await client.get(page)).text
        assert "must not go there" in shown
        (asker,) = askers_in(shown)
        more = f"{page}/letters/told-more"
        assert (await client.get(f"{more}?to={asker}")).status_code == 409
        assert (await client.post(more, page, to=asker, **{"as": "pdf"})).status_code == 409
        refused = await client.post(f"{page}/sent", page, code="told-more", asker=asker, day=today)
        assert (refused.status_code, "must not go to that person" in refused.text) == (422, True)
        reply = (await client.get(await letter_of(client, page, "reply"))).text
        body = reply.split('<article class="card paper"', 1)[1]
        assert "Vi svarar inte om åtgärder." in body
        assert [text for text in ("SIGILL-", "Testland") if text in body] == []
        sent = await client.post(f"{page}/sent", page, code="reply", asker=asker, day=today)
        assert sent.status_code == 200
        assert "Answer the one who asked" not in first_step(sent.text)
        assert "handed out to the addressee" not in sent.text, (
            "nothing comes back of a plain letter but itself"
        )
        assert "posting number" not in sent.text
        about = entry_named_by("received", sent.text)
        back = await client.post(f"{page}/received", page, code="came_back", day=today, about=about)
        assert "Answer the one who asked" in back.text.split("<ol>", 1)[1].split("</ol>", 1)[0]
        for odd in ("break-seal", "none", "%2e%2e"):
            assert (await client.get(f"{page}/letters/{odd}?to={asker}")).status_code == 404
        assert (await client.get(f"{page}/letters/reply?to=99999")).status_code == 404


async def test_letters_are_for_operators_and_no_address_of_the_protected_is_printed(fresh: World) -> None:
    number = await own_seal(fresh)
    page = f"/cases/{number}"
    async with fresh.client() as client:
        await client.post(f"{page}/begin", f"/orders/{number}", reason="calls")
        letter = await letter_of(client, page, "break-seal")
    path, to = letter.split("?to=")
    for role in (ConsoleRole.VIEWER, ConsoleRole.AUDITOR, ConsoleRole.RULE_OWNER):
        async with fresh.client(roles=[role]) as other:
            assert (await other.get(letter)).status_code == 403, role
            assert (await other.post(path, "/letters", to=to)).status_code == 403, role
            assert (await other.post(f"{page}/begin", "/letters", reason="x")).status_code == 403, role
    async with fresh.client() as client:
        unsigned = await client.http.post(path, data={"to": to, "as": "pdf"})
        assert unsigned.status_code == 403
    await fresh.harness.hand_over(
        fresh.senders.registers(fresh.clock.now(), ADULT, 2, protected_registration=True)
    )
    async with fresh.client(roles=OTHERS) as other:
        assert (await other.get(letter)).status_code == 403
    async with fresh.client() as client:
        shown = (await client.get(letter)).text
        assert "no address is written" in shown
        assert "<textarea" not in shown
        forged = await client.post(path, letter, to=to, recipient=f"{NAME}\n{STREET}", **{"as": "page"})
        assert [text for text in (NAME, STREET) if text in forged.text] == []


async def test_no_letter_goes_to_a_minor_nor_says_what_is_not_so(fresh: World) -> None:
    judge_by(fresh, LETTERS)
    seal = fresh.senders.orders(fresh.clock.now(), patient=person(CHILD))
    await fresh.harness.hand_over(seal)
    number = await number_of(fresh, seal)
    page = f"/cases/{number}"
    async with fresh.client() as client:
        begun = await client.post(f"{page}/begin", f"/orders/{number}", reason="the school calls")
        assert "A minor never gets a letter" in begun.text
        assert "Send the region&#39;s letter" not in begun.text, "none may go"
        early = await client.post(f"{page}/closed", page)
        assert (early.status_code, "Write a reason" in early.text) == (422, True)
        fresh.clock.advance(timedelta(minutes=5))
        await fresh.harness.hand_over(
            fresh.senders.orders(fresh.clock.now(), "release_journal_seal", patient=person(CHILD))
        )
        over = (await client.get(page)).text
        assert "would say what is not so" in over
        assert first_step(over) == "Close the case"


async def test_a_case_is_kept_while_it_is_open_and_nothing_is_written_once_its_form_is_gone(
    fresh: World,
) -> None:
    page = await asked(fresh)
    number = int(page.rsplit("/", 1)[1])
    async with fresh.client() as client:
        (asker,) = askers_in((await client.get(page)).text)
        today = fresh.clock.now().date().isoformat()
        await client.post(f"{page}/replied", page, code="own_words", asker=asker, day=today, remark="x")
        fresh.clock.advance(timedelta(minutes=5))
        await fresh.harness.hand_over(
            fresh.senders.orders(
                fresh.clock.now(),
                "release_journal_seal",
                patient=person(CHILD),
                attestations=["authority_confirmed"],
            )
        )
        before = fresh.clock.now() + timedelta(days=30)

        async def lapsed() -> bool:
            async with fresh.store.reading() as tx:
                return number in await erasure.lapsed_orders(tx, before)

        assert not await lapsed()
        await client.post(f"{page}/replied", page, code="own_words", asker=asker, day=today)
        closed = await client.post(f"{page}/closed", page)
        assert "Closed" in closed.text
        assert await lapsed()
    fresh.clock.advance(timedelta(days=31))
    async with fresh.client() as client:
        (end,) = re.findall(r"#(\d+) \S+ Case closed", closed.text)
        await client.post(f"{page}/withdrawn", page, about=end, remark="a letter came back")
        assert not await lapsed()
        await client.post(f"{page}/closed", page)
        assert not await lapsed()
        before += timedelta(days=31)
        assert await lapsed()
        async with fresh.store.transaction(before + timedelta(days=400)) as tx:
            await erasure.purge_evidence(tx, before, "op", {})
        gone = await client.get(page)
        assert "its texts are disposed of" in gone.text
        (end, *_) = re.findall(r"#(\d+) 2025-04-10 Case closed", gone.text)
        late = await client.post(f"{page}/withdrawn", "/cases", about=end, remark="again")
        assert late.status_code == 422
    async with fresh.store.reading() as tx:
        assert await tx.value("SELECT count(*) FROM case_entry WHERE remark IS NOT NULL") == 0


async def test_a_terminal_lists_the_letters_of_a_case_and_writes_one(fresh: World, tmp_path: Path) -> None:
    number = await own_seal(fresh)
    async with fresh.client() as client:
        await client.post(f"/cases/{number}/begin", f"/orders/{number}", reason="calls")
    more = {"SIGILL_RULEBOOKS": str(write_rulebooks(tmp_path / "rules", LETTERS))}
    (line,) = json.loads((await sigill(fresh, "case", "list", "--json", **more)).out)["cases"]
    assert (line["do"], line["state"]) == ("send_letter", "open")
    case = ("case", "letter", line["number"], "--reason", "posting")
    listed = await sigill(fresh, *case, **more)
    assert listed.status == 0, listed.err
    assert listed.out.startswith("break-seal  --to 1  registered_personal")
    out = tmp_path / "letter.pdf"
    wrote = await sigill(fresh, *case, "break-seal", "--out", str(out), **more)
    assert wrote.status == 0, wrote.err
    assert out.read_bytes().startswith(b"%PDF-")
    assert out.stat().st_mode & 0o077 == 0  # others of the machine do not read it
    assert (await sigill(fresh, *case, "reply", "--out", str(out), **more)).status == 2
    nowhere = await sigill(fresh, *case, "break-seal", "--out", str(tmp_path / "no" / "x.pdf"), **more)
    assert (nowhere.status, nowhere.err) == (2, "--out: No such file or directory\n")
    shown = {one.look.shown for one in await looks_at(fresh, ADULT)}
    assert f"letter break-seal in case {line['number']}" in shown


@pytest.mark.parametrize("letter", ["break-seal", "reply"])
def test_only_a_letter_of_nothing_but_the_standard_reply_counts_as_one(letter: str) -> None:
    version = Rulebooks.of(LETTERS, NATIONAL).regions["testland"].versions[0]  # type: ignore[index]
    found = version.letters[letter]
    assert found.says_the_standard_reply_alone is (letter == "reply")
    more = found.model_copy(update={"sv": f"{found.sv}\n\nsedan i mars"})
    assert not more.says_the_standard_reply_alone
