"""What operators do in the console, by HTTP, and what each act leaves behind."""

import json
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer

from sigill.bootstrap import load_rulebooks
from sigill.operations.operators import ConsoleRole
from sigill.policy.effects import AddTask, Sentence
from sigill.store import access_log, audit_check, console, dead_letters, persons, tasks, timers
from sigill.store.session import Store
from sigill.stream.connection import Connection
from sigill.stream.records import Record
from sigill.web.console.rendering import MASK
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import RegionCode
from tests.kit.console import ADULT, MOTIVATION, OPERATOR, SECOND, World, furnish
from tests.kit.senders import CHILD, DOCTOR, FATHER, KEYS, MOTHER, UNIT, person


async def looks(world: World) -> list[tuple[str, str, str]]:
    auditors = world.desk.auditors
    assert auditors is not None
    async with auditors.reading() as tx:
        return [
            (one.look.actor, one.look.reason, one.look.shown) for one in await access_log.of_actor(tx, None)
        ]


async def acts(store: Store) -> list[str]:
    async with store.reading() as tx:
        return [
            row["action"] for row in await tx.fetch("SELECT action FROM audit_entry WHERE chain = 'console'")
        ]


async def registrations(world: World) -> list[int]:
    async with world.store.reading() as tx:
        return sorted(one.registration for one in await console.find_orders(tx, console.OrderSearch()))


async def number(world: World) -> str:
    """The registration number of the newest order."""
    async with world.store.reading() as tx:
        return (await console.find_orders(tx, console.OrderSearch()))[0].registration_number


# --- masking


async def test_an_order_is_masked_until_a_reason_is_given_and_the_act_is_kept(fresh: World) -> None:
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now(), motivation=MOTIVATION))
    (one,) = await registrations(fresh)
    async with fresh.client() as client:
        masked = (await client.get(f"/orders/{one}")).text
        assert ADULT not in masked
        assert MOTIVATION not in masked
        assert MASK in masked
        refused = await client.post(f"/orders/{one}/unmask", f"/orders/{one}", reason="  ")
        assert ADULT not in refused.text
        shown = await client.post(f"/orders/{one}/unmask", f"/orders/{one}", reason="Svar till klinik")
        assert ADULT in shown.text
        assert MOTIVATION in shown.text
    async with fresh.client() as another:
        assert ADULT not in (await another.get(f"/orders/{one}")).text  # one session's act opens no other
    assert "order_unmasked" in await acts(fresh.store)
    assert (OPERATOR, "Svar till klinik", f"order_unmasked {await number(fresh)}") in await looks(fresh)


async def test_what_is_unmasked_is_masked_again_after_a_quarter_of_an_hour(fresh: World) -> None:
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now()))
    (one,) = await registrations(fresh)
    async with fresh.client() as client:
        await client.post(f"/orders/{one}/unmask", f"/orders/{one}", reason="Fråga")
        fresh.clock.advance(timedelta(minutes=15))
        assert ADULT not in (await client.get(f"/orders/{one}")).text


async def test_the_bytes_come_as_they_came_and_taking_them_is_an_act(fresh: World) -> None:
    sent = fresh.senders.orders(fresh.clock.now())
    await fresh.harness.hand_over(sent)
    (one,) = await registrations(fresh)
    async with fresh.client() as client:
        answer = await client.post(f"/orders/{one}/bytes", f"/orders/{one}", reason="Till granskning")
    assert answer.content == sent.value
    assert answer.headers["content-disposition"] == f'attachment; filename="{await number(fresh)}.jws"'
    assert "order_bytes_taken" in await acts(fresh.store)


async def test_an_order_is_found_by_the_number_that_its_receipt_has(fresh: World) -> None:
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now()))
    (one,) = await registrations(fresh)
    wanted = await number(fresh)
    async with fresh.client() as client:
        found = await client.get(f"/orders?id=+{wanted.lower()}")
        assert found.url.path == f"/orders/{one}"
        assert wanted in found.text
        plain = await client.get(f"/orders?id=SIGILL-{one}")
        assert plain.url.path == "/orders", "only an order without a number of its own has the plain one"


async def test_a_masked_number_is_found_by_no_search_and_no_count(fresh: World) -> None:
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now(), motivation=MOTIVATION))
    async with fresh.client() as client:
        for path in (f"/orders?id={ADULT}", f"/orders?unit={ADULT}", f"/orders?unit={MOTIVATION}"):
            text = (await client.get(path)).text
            assert "SIGILL-" not in text
        # a person's id in the address opens nothing without the number having been typed in
        assert "SIGILL-" not in (await client.get("/orders?patient=1&state=refused")).text
        assert "Type the number again" in (await client.get("/orders?patient=1")).text


async def test_a_search_by_patient_is_logged_and_its_number_is_in_no_address(fresh: World) -> None:
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now()))
    async with fresh.client() as client:
        found = await client.post(
            "/orders/search", number=f"{ADULT[:8]}-{ADULT[8:]}", reason="Patient ringde"
        )
        assert "SIGILL-" in found.text
        assert ADULT not in str(found.url)
        unknown = await client.post("/orders/search", number="201001012384", reason="Patient ringde")
        assert (unknown.status_code, "Nothing found" in unknown.text) == (422, True)
        assert unknown.url.query == b""
    assert (OPERATOR, "Patient ringde", "orders of the patient, masked") in await looks(fresh)


# --- persons


async def test_a_person_is_shown_for_a_reason_at_any_moment_and_each_look_is_a_line(fresh: World) -> None:
    await fresh.harness.hand_over(
        fresh.senders.orders(
            fresh.clock.now(), "block_guardians", patient=person(CHILD), guardians=[person(MOTHER)]
        )
    )
    async with fresh.client() as client:
        now = await client.post("/person/search", "/person", number=CHILD, reason="Mamma undrar")
        assert "The guardian is blocked." in now.text
        assert "TL-02" in now.text
        for number in (CHILD, MOTHER, FATHER):
            assert number not in now.text
        before = await client.get(f"{now.url.path}?at=2025-03-09T12:00")
        assert "The guardian is blocked." not in before.text
        at_13 = await client.get(f"{now.url.path}?at=2031-03-05T12:00")
        assert "The child has reached the age at which guardians&#39; access ends." in at_13.text
        shown = await client.post(f"{now.url.path}/unmask", now.url.path, reason="Läser upp")
        assert MOTHER in shown.text
    kept = await looks(fresh)
    assert (OPERATOR, "Mamma undrar", "access at 2025-03-09T12:00+01:00") in kept
    assert (OPERATOR, "Läser upp", "numbers unmasked") in kept


async def test_a_person_without_a_reason_is_not_shown(fresh: World) -> None:
    async with fresh.client() as client:
        text = (await client.get("/person/1")).text
    assert "Why do you look at this person?" in text
    assert not await looks(fresh)


# --- work-list


async def test_a_task_says_what_to_key_in_and_is_ticked_off_with_time_and_name(fresh: World) -> None:
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now(), valid_through="2025-06-30"))
    async with fresh.store.reading() as tx:
        (task,) = await console.worklist_page(tx)
    async with fresh.client() as client:
        page = f"/worklist/{task.task_id}"
        masked = (await client.get(page)).text
        assert "Admin Journalen" in masked
        assert "2025-06-30" in masked
        assert ADULT not in masked
        assert ADULT in (await client.post(f"{page}/numbers", page, reason="Knappar in")).text
        fresh.clock.advance(timedelta(minutes=5))
        await client.post(f"/tasks/{task.task_id}/done", page, remark="AJ-17", list="worklist")
        again = await client.post(f"/tasks/{task.task_id}/done", page, list="worklist")
        assert (again.status_code, "done already" in again.text) == (409, True)
    async with fresh.store.reading() as tx:
        done = (await tasks.by_ids(tx, [task.task_id]))[task.task_id]
    assert (done.state, done.done_by, done.ended_at, done.remark) == (
        "done",
        OPERATOR,
        fresh.clock.now(),
        "AJ-17",
    )


# --- dead letters


async def test_letters_are_replayed_from_the_stored_bytes_oldest_first_and_then_marked(
    fresh: World, connection: Connection
) -> None:
    ids = await fresh.lose(b"bytes as they were", count=3)
    async with fresh.client() as client:
        jumped = await client.post("/dead-letters/replay", "/dead-letters", letter=str(ids[1]))
        assert jumped.status_code == 409
        sent = await client.post("/dead-letters/replay", "/dead-letters", letter=[str(one) for one in ids])
        assert sent.url.query == b"done=replayed"
        await client.post(
            "/dead-letters/replay", "/orders", letter=str(ids[0])
        )  # what is dealt with is left alone
    records = await read_all(connection, f"{fresh.prefix}{ORDERS.name}", 3)
    assert [record.value for record in records] == [b"bytes as they were"] * 3
    assert {record.key for record in records} == {KEYS.of(ADULT).encode()}
    async with fresh.store.reading() as tx:
        letters = await dead_letters.by_ids(tx, ids)
        waiting = await timers.of_persons(tx, ["1", "2", "3", "4"])  # type: ignore[list-item]
    assert [letter.action for letter in letters.values()] == ["replayed"] * 3
    assert [letter.operator for letter in letters.values()] == [OPERATOR] * 3
    assert "earlier_message_settled" in {str(one.kind) for one in waiting}


async def test_a_letter_stays_open_when_the_broker_does_not_answer(fresh: World) -> None:
    (one,) = await fresh.lose()

    async def down(_: object) -> None:
        from sigill.stream.connection import BrokerDown

        raise BrokerDown("KafkaConnectionError")

    fresh.desk.sending.send = down  # type: ignore[method-assign]
    async with fresh.client() as client:
        answer = await client.post("/dead-letters/replay", "/dead-letters", letter=str(one))
    assert answer.status_code == 503
    async with fresh.store.reading() as tx:
        assert (await dead_letters.by_ids(tx, [one]))[one].action is None


async def test_a_discard_takes_a_reason_and_a_second_operator(fresh: World) -> None:
    (one,) = await fresh.lose()
    async with fresh.client() as first:
        page = f"/dead-letters/{one}"
        assert (await first.post(f"{page}/discard", page, reason="")).status_code == 422
        await first.post(f"{page}/discard", page, reason="Testmeddelande")
        own = await first.post("/dead-letters/proposals/1", "/dead-letters", verdict="approve")
        assert own.url.query == b"done=same"
    async with fresh.client(SECOND, [ConsoleRole.OPERATOR]) as no_approver:
        refused = await no_approver.post("/dead-letters/proposals/1", "/dead-letters", verdict="approve")
        assert refused.status_code == 403
    async with fresh.client(SECOND, [ConsoleRole.APPROVER]) as second:
        done = await second.post("/dead-letters/proposals/1", "/dead-letters", verdict="approve")
        assert done.url.query == b"done=discarded"
    async with fresh.store.reading() as tx:
        letter = (await dead_letters.by_ids(tx, [one]))[one]
    assert (letter.action, letter.operator, letter.approver) == ("discarded", OPERATOR, SECOND)
    assert letter.record.value  # the bytes are kept all the same


async def test_what_waited_behind_an_unreadable_message_is_judged_when_it_is_settled(fresh: World) -> None:
    now = fresh.clock.now()
    await fresh.harness.hand_over(fresh.senders.orders(now))
    (letter,) = await fresh.lose()
    await fresh.harness.hand_over(fresh.senders.orders(now, "release_journal_seal"))
    async with fresh.store.reading() as tx:
        assert [one.codes for one, _ in await console.pending_page(tx)] == [("awaiting_earlier_message",)]
    async with fresh.client() as first:
        await first.post(
            f"/dead-letters/{letter}/discard", f"/dead-letters/{letter}", reason="Testmeddelande"
        )
    async with fresh.client(SECOND) as second:
        await second.post("/dead-letters/proposals/1", "/dead-letters", verdict="approve")
    await fresh.harness.transitions().run_due(fresh.clock.now())
    async with fresh.store.reading() as tx:
        assert not await console.pending_page(tx)
        newest = (await console.find_orders(tx, console.OrderSearch()))[0]
    assert newest.outcome == "executed"


async def test_the_content_of_a_letter_is_shown_for_a_reason(fresh: World) -> None:
    (one,) = await fresh.lose(f"patient {ADULT}".encode())
    async with fresh.client() as client:
        page = f"/dead-letters/{one}"
        assert ADULT not in (await client.get(page)).text
        assert ADULT in (await client.post(f"{page}/open", page, reason="Felsökning")).text
    assert "dead_letter_opened" in await acts(fresh.store)
    assert (OPERATOR, "Felsökning", f"dead_letter_opened {one}") in await looks(fresh)


async def test_a_task_is_taken_by_one_and_a_tick_is_undone_with_its_reason(fresh: World) -> None:
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now()))
    async with fresh.store.reading() as tx:
        (task,) = await console.worklist_page(tx)
    page, number = f"/worklist/{task.task_id}", str(task.task_id)
    async with fresh.client() as client, fresh.client(SECOND) as other:
        listed = (await client.get("/worklist")).text
        assert "the whole record" in listed  # what to key in is shown before the tick
        assert "Tick off" not in listed
        assert "You have taken it" in (await client.post("/tasks/claim", page, task=number, what="take")).text
        assert 'class="count">1<' in (await client.get("/worklist?who=mine")).text
        assert "tick off" not in (await other.get(page)).text
        assert (
            "Somebody else has taken it"
            in (await other.post(f"/tasks/{number}/done", page, list="worklist")).text
        )
        assert (
            "Somebody else has taken it"
            in (await other.post("/tasks/claim", page, task=number, what="take")).text
        )
        await other.post("/tasks/claim", page, task=number, what="take_over")
        assert "Ticked off" in (await other.post(f"/tasks/{number}/done", page, list="worklist")).text
        assert "Write a reason" in (await client.post(f"/tasks/{number}/undo", page, reason=" ")).text
        undone = await client.post(f"/tasks/{number}/undo", page, reason="Fel patient där")
        assert "The tick is undone" in undone.text
        assert "Fel patient där" in undone.text
        assert "is not ticked off" in (await client.post(f"/tasks/{number}/undo", page, reason="Igen")).text
    async with fresh.store.reading() as tx:
        (again,) = await console.worklist_page(tx)
    assert (again.state, again.claimed_by, again.remark) == ("open", None, "Fel patient där")
    assert {"tasks_taken", "task_ticked_off", "task_reopened"} <= set(await acts(fresh.store))


async def test_a_lock_is_never_called_the_whole_record(fresh: World) -> None:
    await fresh.harness.hand_over(
        fresh.senders.orders(
            fresh.clock.now(), "block_guardians", patient=person(CHILD), guardians=[person(MOTHER)]
        )
    )
    async with fresh.client(language="sv") as client:
        listed = (await client.get("/worklist")).text
        order = (await client.get(f"/orders/{(await registrations(fresh))[0]}")).text
    for page in (listed, order):
        assert "hela journalen" not in page
        assert "allt som vårdnadshavare når" in page


async def test_a_letter_says_what_its_code_means_and_is_approved_on_its_own_page(fresh: World) -> None:
    (one,) = await fresh.lose()
    page = f"/dead-letters/{one}"
    async with fresh.client(language="sv") as client, fresh.client(SECOND) as second:
        shown = (await client.get(page)).text
        for said in ("varken en JWS", "leverantören av journalsystemet", "Omsändning hjälper inte"):
            assert said in shown
        assert "Huvuden" not in shown
        await client.post(f"{page}/discard", page, reason="Testmeddelande")
        assert "Godkänn kassering" not in (await client.get(page)).text  # not one's own
        approve = (await second.get(page)).text
        assert "Approve the discard" in approve
        path = approve.split('action="/dead-letters/proposals/', 1)[1].split('"', 1)[0]
        await second.post(f"/dead-letters/proposals/{path}", page, verdict="approve")
    async with fresh.store.reading() as tx:
        assert (await dead_letters.by_ids(tx, [one]))[one].approver == SECOND


async def test_waiting_opens_where_something_waits(fresh: World) -> None:
    now = fresh.clock.now()
    async with fresh.client() as client:
        assert "<h2>Phone orders without their form</h2>" in (await client.get("/waiting")).text
        async with fresh.harness.store.transaction(now) as tx:
            task = AddTask("follow_up_decision", "f:1", Sentence("Gör.", "Do."), RegionCode("testland"), now)
            await tasks.add(tx, [(None, task)])
        assert "<h2>Decisions of units</h2>" in (await client.get("/waiting")).text


# --- phone orders

ORDER = "0192f0c1-0000-7000-8000-000000000009"


def phone_order(**fields: object) -> dict[str, object]:
    return {
        "region": "testland",
        "form": "seal_journal",
        "patient": ADULT,
        "initiative": "care",
        "urgent": "yes",
        "decided_by_hsa_id": DOCTOR,
        "decided_by_role": "treating_physician",
        "decided_by_unit": UNIT,
        "motivation": MOTIVATION,
        "inform_patient": "yes",
        **fields,
    }


async def test_a_phone_order_is_signed_by_the_operator_and_goes_the_way_of_every_other(
    fresh: World, connection: Connection
) -> None:
    async with fresh.client() as client:
        sent = await client.post(
            "/phone", "/phone", **phone_order(order_id="0192f0c1-0000-7000-8000-000000000001")
        )
        assert sent.url.path == "/orders/by-id/0192f0c1-0000-7000-8000-000000000001"
        assert not await registrations(fresh)  # nothing was written: it is on the topic
        (record,) = await read_all(connection, f"{fresh.prefix}{ORDERS.name}", 1)
        assert record.key == KEYS.of(ADULT).encode()
        for name, value in record.headers:
            assert ADULT not in name + value.decode()
        stamp = int(fresh.clock.now().timestamp() * 1000)  # the town's time, not the broker's
        taken = Record(ORDERS.name, 0, 0, stamp, "append", record.key, record.value, record.headers)
        await fresh.harness.hand_over_records([taken])
        page = await client.get(sent.url.path)
    assert page.url.path.startswith("/orders/")
    assert "awaiting_signed_form" in page.text
    async with fresh.store.reading() as tx:
        (one,) = await console.find_orders(tx, console.OrderSearch())
    assert (one.outcome, one.proven, one.urgent) == ("pending", True, True)
    assert "phone_order_sent" in await acts(fresh.store)


PHONE = "/phone?region=testland&form=seal_journal"


@pytest.mark.parametrize("path", ["/phone", "/phone/check"])
async def test_a_phone_order_says_every_fault_and_sends_nothing(fresh: World, path: str) -> None:
    async with fresh.client() as client:
        answer = await client.post(
            path,
            PHONE,
            **phone_order(patient="8005012389", initiative="", valid_through="soon", decided_by_unit=""),
        )
    assert answer.status_code == 422
    assert answer.text.count('class="fault"') == 4
    for name in ("patient", "initiative", "valid_through", "decided_by_hsa_id"):
        assert f'href="#{name}"' in answer.text  # the summary leads to each
        assert f'id="{name}" aria-invalid="true"' in answer.text
    assert "twelve digits" in answer.text
    assert "8005012389" in answer.text  # what was written is not lost
    assert await registrations(fresh) == []


async def test_only_what_can_be_called_in_is_offered_and_its_own_fields_are_asked(fresh: World) -> None:
    async with fresh.client() as client:
        chosen = (await client.get("/phone")).text
        assert "region=testland&amp;form=seal_journal" in chosen
        assert "form=release_journal_seal" not in chosen
        page = (await client.get(PHONE)).text
        for name in ("patient", "initiative", "decided_by_hsa_id", "units_named"):
            assert f'name="{name}"' in page
        for name in ("guardians", "consulted_hsa_id", "representative", "references_report_id"):
            assert f'name="{name}"' not in page
        refused = await client.post("/phone/check", PHONE, **phone_order(form="release_journal_seal"))
    assert refused.status_code == 422


async def test_the_answers_are_checked_against_the_rules_and_can_be_changed(fresh: World) -> None:
    async with fresh.client() as client:
        good = await client.post("/phone/check", PHONE, **phone_order(order_id=ORDER))
        assert "The rules say yes" in good.text
        assert "seal of the journal" in good.text
        assert "Treating physician" in good.text
        bad = await client.post("/phone/check", PHONE, **phone_order(order_id=ORDER, urgent=""))
        assert "would be refused" in bad.text
        assert "Sign and send all the same" in bad.text  # a directory that lags must stop no protection
        again = await client.post("/phone/change", PHONE, **phone_order(order_id=ORDER, urgent=""))
    assert f'value="{ADULT}"' in again.text
    assert f'name="order_id" value="{ORDER}"' in again.text
    assert await registrations(fresh) == []
    shown = ("what the rules say before signing", f"phone order {ORDER}")
    assert [shown] * 2 == [(what, why) for _, why, what in await looks(fresh)]


async def test_units_staff_and_guardians_are_found_by_name(fresh: World) -> None:
    now = fresh.clock.now()
    await fresh.harness.hand_over(
        fresh.senders.unit(now, name="Barnkliniken Nord"),
        fresh.senders.unit(now, "SE2321000099-TES2", name="Barnkliniken Syd"),
    )
    await fresh.harness.hand_over(
        fresh.senders.registers(now, MOTHER, 2, name={"given": "Anna", "family": "Prov"}),
        fresh.senders.registers(now, FATHER, 2, name={"given": "Erik", "family": "Prov"}, secrecy_mark=True),
    )
    async with fresh.store.reading() as tx:
        mother = (await persons.resolve_keys(tx, [KEYS.of(MOTHER)]))[KEYS.of(MOTHER)]
    await fresh.desk.watch.look()
    fresh.judges_by(load_rulebooks())
    page = "/phone?region=kronoberg&form=block_guardians"
    call = phone_order(
        region="kronoberg", form="block_guardians", order_id=ORDER, patient=CHILD, decided_by_hsa_id="",
        decided_by_role="", motivation="",
    )  # fmt: skip
    async with fresh.client() as client:
        many = await client.post("/phone/look", page, **{**call, "decided_by_unit": "barnkliniken"})
        assert "Several units fit" in many.text
        assert "Barnkliniken Syd" in many.text
        one = await client.post("/phone/look", page, **{**call, "decided_by_unit": "kliniken nord"})
        assert f'value="{UNIT}"' in one.text
        assert f'value="{DOCTOR} treating_physician"' in one.text
        none = await client.post("/phone/look", page, **{**call, "decided_by_unit": "Tandläkaren"})
        assert "no open unit of that name" in none.text
        assert await looks(fresh) == []
        family = await client.post("/phone/look", page, find="family", **call)
        assert "Anna Prov, born 1985" in family.text
        assert "Guardian with protected identity" in family.text
        assert "Erik" not in family.text
        assert MOTHER not in family.text
        checked = await client.post(
            "/phone/check", page, family="yes", guardians=f"P-{mother}",
            **{**call, "decided_by_staff": f"{DOCTOR} treating_physician"},
        )  # fmt: skip
    assert "would be refused" in checked.text  # the doctor is not of that region
    assert "Kronoberg" in checked.text
    assert DOCTOR in checked.text
    assert "Anna Prov" in checked.text
    assert MOTHER not in checked.text
    whys = [(why, what) for _, why, what in await looks(fresh)]
    assert (f"phone order {ORDER}", "the patient's guardians by name") in whys


async def test_a_refused_phone_order_is_corrected_and_not_typed_again(fresh: World) -> None:
    now = fresh.clock.now()
    refused = fresh.senders.form(now, channel="phone", urgent=False, motivation=MOTIVATION)
    await fresh.harness.hand_over(fresh.senders.signs(refused, now, by=OPERATOR))
    (one,) = await registrations(fresh)
    async with fresh.client() as client:
        page = f"/orders/{one}"
        assert "Correct and send again" in (await client.get(page)).text
        assert MOTIVATION not in (await client.post(f"{page}/correct", page, reason=" ")).text
        opened = await client.post(f"{page}/correct", page, reason="Clinic calls again")
        assert f'value="{ADULT}"' in opened.text
        assert f'value="{DOCTOR}"' in opened.text
        assert str(refused["order_id"]) not in opened.text
        executed = await client.post("/orders/999/correct", page, reason="no")
        assert executed.status_code == 404
    assert "phone_order_corrected" in await acts(fresh.store)
    assert (OPERATOR, "Clinic calls again", f"phone_order_corrected {await number(fresh)}") in await looks(
        fresh
    )


async def test_an_operator_without_a_key_sends_nothing(fresh: World) -> None:
    async with fresh.client("SE2321000099-NONE") as client:
        assert "no signing key" in (await client.get("/phone")).text
        assert (await client.post("/phone", "/phone", **phone_order())).status_code == 409


# --- auditing


async def test_the_chains_verify_and_a_changed_line_is_named(fresh: World) -> None:
    await furnish(fresh)
    async with fresh.client() as client:
        assert "Every chain is whole" in (await client.post("/audit/verify", "/audit")).text
        await client.post("/person/search", "/person", number=CHILD, reason="Fråga")
        async with fresh.harness.store.transaction(fresh.clock.now()) as tx:
            await tx.run("ALTER TABLE access_log_asker DISABLE TRIGGER history")
            await tx.run("UPDATE access_log_asker SET reason = 'another'")
            await tx.run("ALTER TABLE access_log_asker ENABLE TRIGGER history")
        answer = (await client.post("/audit/verify", "/audit")).text
        assert "access log #1: changed" in answer
        extract = await client.post("/audit/person", "/audit", number=CHILD, reason="Utdrag enligt PDL")
        assert "another" in extract.text
        assert "not to be handed to the patient" in extract.text
        where = f"{extract.url.path}?{extract.url.query.decode()}"
        paper = f"/audit/person/{extract.url.params['person']}/paper"
        untested = await client.post(paper, where, harm_test=" ")
        assert "Content-Disposition" not in untested.headers
        handed = await client.post(paper, where, harm_test="Chefsläkare, dnr 7")
        assert handed.headers["Content-Disposition"].startswith("attachment")
        assert "Version för patienten, efter menprövning" in handed.text
        assert "another" not in handed.text
        assert "dnr 7" not in handed.text
        elsewhere = await client.post("/audit/person/999999/paper", where, harm_test="x")
        assert "Version för patienten" not in elsewhere.text
    kept = {(reason, shown) for _, reason, shown in await looks(fresh)}
    assert ("Utdrag enligt PDL", "extract of the access log for the auditor") in kept
    tested = "Utdrag enligt PDL; menprövning: Chefsläkare, dnr 7"
    assert (tested, "extract of the access log for the patient") in kept
    auditors = fresh.desk.auditors
    assert auditors is not None
    async with auditors.reading() as tx:
        assert await audit_check.verify(tx) == []


async def read_all(connection: Connection, topic: str, count: int) -> list[Record]:
    consumer = AIOKafkaConsumer(topic, **connection.options(), group_id=None, auto_offset_reset="earliest")
    await consumer.start()
    try:
        found: list[Record] = []
        while len(found) < count:
            for records in (await consumer.getmany(timeout_ms=2000)).values():
                found += [
                    Record(
                        r.topic,
                        r.partition,
                        r.offset,
                        r.timestamp,
                        "append",
                        r.key,
                        r.value,
                        tuple(r.headers),
                    )
                    for r in records
                ]
        return found
    finally:
        await consumer.stop()


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_the_figures_count_what_the_broker_holds(
    fresh: World, connection: Connection, language: str
) -> None:
    from sigill.stream.producer import OutgoingRecord

    await fresh.desk.sending.send(
        [OutgoingRecord(f"{fresh.prefix}{ORDERS.name}", b"k", b"v") for _ in range(3)]
    )
    figures = await fresh.desk.watch.look()
    (orders,) = [queue for queue in figures.queues if queue.topic.endswith(ORDERS.name)]
    assert orders.depth == 3
    assert orders.oldest is not None
    assert figures.broker is None
    async with fresh.client(language=language) as client:
        assert ">3<" in (await client.get("/")).text
    assert json.dumps(figures.letters_open) == "0"
