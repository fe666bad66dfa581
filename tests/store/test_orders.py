"""Orders and answers, requests to release, staff, tasks, dead letters, erasure."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from sigill.policy.earlier_orders import is_needed
from sigill.policy.effects import AddTask, CloseTask, RecordAnswer, Sentence
from sigill.policy.facts import EarlierOrder, Inform, ReleaseRequest, UnitAnswer
from sigill.store import (
    console,
    dead_letters,
    erasure,
    facts,
    inbox,
    measures,
    orders,
    outbox,
    persons,
    proposals,
    requests,
    staff,
    tasks,
)
from sigill.store.console import OrderSearch
from sigill.store.dead_letters import DeadRecord
from sigill.store.session import Store
from sigill_contracts.dead_letter import ORIGINAL_OFFSET, ORIGINAL_TOPIC, DeadLetterReason
from sigill_contracts.directory import StaffRecord
from sigill_contracts.vocabulary import (
    Form,
    HsaId,
    Initiative,
    MeasureId,
    Opinion,
    OrderId,
    Outcome,
    RegionCode,
    Role,
    UnitId,
)
from tests.kit.rows import (
    CHILD,
    DAY,
    HOUR,
    MOTHER,
    T0,
    answered,
    arrival,
    ids,
    key_of,
    seal,
    signed,
    someone,
    told,
)

KRONOBERG = RegionCode("kronoberg")


async def test_an_order_waits_until_its_last_answer_does_not(store: Store) -> None:
    first, second = str(uuid4()), str(uuid4())
    measure_id = MeasureId(str(uuid4()))
    async with store.transaction(T0) as tx:
        child = await someone(tx)
        claimed = await inbox.claim(tx, [arrival("e1", first, b"1"), arrival("e2", second, b"2")])
        one, two = (each.registration for each in claimed)
        stored = [signed(one, first, child, urgent=True, unit=UnitId("SE-1")), signed(two, second, child)]
        await orders.record(tx, stored)
        await orders.answer(
            tx,
            [
                answered(
                    one, Outcome.PENDING, codes=("awaiting_signed_form", "not_yet_valid"), until=T0 + DAY
                ),
                answered(two, Outcome.EXECUTED, measures=(measure_id,)),
            ],
        )
    async with store.reading() as tx:
        (waiting,) = await orders.waiting(tx, persons=[child])
        assert waiting.order == replace(stored[0], original=None)
        assert (await orders.waiting(tx))[0].order == stored[0]
        assert waiting.until == T0 + DAY
        assert await orders.waiting(tx, codes=["awaiting_units"]) == []
        assert len(await orders.waiting(tx, codes=["not_yet_valid"])) == 1
        assert await orders.waiting(tx, after=one) == []
        context, _ = (await facts.order_context(tx, [child]))[child]
    assert context == {
        OrderId(first): EarlierOrder(
            OrderId(first),
            KRONOBERG,
            Form.SEAL_JOURNAL,
            "pending",
            ("awaiting_signed_form", "not_yet_valid"),
            urgent=True,
        ),
        OrderId(second): EarlierOrder(
            OrderId(second), KRONOBERG, Form.SEAL_JOURNAL, "executed", measures=(measure_id,)
        ),
    }

    async with store.transaction(T0 + DAY) as tx:
        await orders.answer(tx, [answered(one, Outcome.EXECUTED, judged_at=T0 + DAY)])
        assert await orders.waiting(tx) == []
        assert await orders.registrations(tx, [OrderId(first), OrderId(str(uuid4()))]) == {
            OrderId(first): one
        }
        given = await orders.answers_to(tx, [one])
        assert [answer.outcome for answer in given[one]] == [Outcome.PENDING, Outcome.EXECUTED]
        # who sends it again gets the first answer, whatever came after
        (again,) = await inbox.claim(tx, [arrival("e1", first, b"1")])
        assert again == inbox.Repeated(one, Outcome.PENDING, f'{{"n": {one}}}')
        found = await console.find_orders(tx, OrderSearch(patient=child, outcome=Outcome.EXECUTED))
        assert [line.registration for line in found] == [two, one]
        assert await console.find_orders(tx, OrderSearch(unit=UnitId("SE-1")), below=one) == []
        assert await orders.load(tx, [OrderId(second)]) == [stored[1]]


async def test_only_one_proven_order_owns_an_id(store: Store) -> None:
    order = str(uuid4())
    async with store.transaction(T0) as tx:
        await orders.record(tx, [signed(1, order, None, proven=False), signed(2, order, None)])
        assert len(await orders.load(tx, [OrderId(order)])) == 2
    with pytest.raises(asyncpg.UniqueViolationError):
        async with store.transaction(T0) as tx:
            await orders.record(tx, [signed(3, order, None)])


async def test_the_ledger_keeps_changed_answers_and_facts_the_newest(store: Store) -> None:
    request_id, order = OrderId(str(uuid4())), OrderId(str(uuid4()))
    a, b = UnitId("SE-A"), UnitId("SE-B")
    async with store.transaction(T0) as tx:
        child, mother = await ids(tx, CHILD, MOTHER)
        asked = ReleaseRequest(
            request_id, child, KRONOBERG, Initiative.GUARDIAN, (), (a, b), (mother,), Inform(guardians=False)
        )
        await requests.open_all(tx, [asked])
        for unit, opinion in ((a, Opinion.AGREE), (b, Opinion.AGREE), (a, Opinion.KEEP)):
            closes = opinion if opinion is Opinion.KEEP else None
            await requests.answer(
                tx, [RecordAnswer(request_id, UnitAnswer(unit, opinion, order, T0), closes)]
            )
            if closes is None:
                assert await requests.open_requests(tx, KRONOBERG) == [(request_id, child)]
        await requests.reply(tx, [request_id])
    async with store.reading() as tx:
        (found,) = (await requests.by_patient(tx, [child]))[child]
        _, in_context = (await facts.order_context(tx, [child]))[child]
        ledger = (await requests.ledger(tx, [request_id]))[request_id]
        assert await requests.open_requests(tx) == []
    newest = (UnitAnswer(b, Opinion.AGREE, order, T0), UnitAnswer(a, Opinion.KEEP, order, T0))
    assert found == replace(asked, opened_at=T0, answers=newest, closed=Opinion.KEEP, replied=True)
    assert in_context == (found,)
    assert [answer.opinion for answer in ledger] == [Opinion.AGREE, Opinion.AGREE, Opinion.KEEP]


async def test_of_a_long_history_only_the_orders_that_are_named_are_read(store: Store) -> None:
    """One by its own name, and those that follow it up, however their forms write it; of this patient alone."""
    names = [str(uuid4()) for _ in range(5)]
    named = {OrderId(names[0])}
    async with store.transaction(T0) as tx:
        child, other = await ids(tx, CHILD, MOTHER)
        await persons.lock(tx, [child, other])
        claimed = await inbox.claim(tx, [arrival(name, name, name.encode()) for name in names])
        whose = (child, child, child, other, child)
        follows = (None, names[0], names[1], names[0], names[0].upper())
        await orders.record(
            tx,
            [
                signed(
                    one.registration,
                    name,
                    patient,
                    payload=json.dumps({"channel": "phone", "follows_up": follow}),
                )
                for one, name, patient, follow in zip(claimed, names, whose, follows, strict=True)
            ],
        )
        await orders.answer(tx, [answered(one.registration, Outcome.EXECUTED) for one in claimed])
    async with store.reading() as tx:
        every, _ = (await facts.order_context(tx, [child]))[child]
        found, _ = (await facts.order_context(tx, [child], named=named))[child]
        none, _ = (await facts.order_context(tx, [child], named=()))[child]
        again = (await facts.orders_named(tx, [child], named))[child]
    assert list(every) == [names[0], names[1], names[2], names[4]]
    assert found == again == {name: one for name, one in every.items() if is_needed(one, named)}
    assert list(found) == [names[0], names[1], names[4]]
    assert none == {}


async def test_staff_are_kept_with_validity_and_late_messages_change_nothing(store: Store) -> None:
    def says(sequence: int, region: str, *roles: Role) -> StaffRecord:
        part = {"unit": "SE-U1", "region": region, "roles": roles, "from_date": date(2020, 1, 1)}
        return StaffRecord.model_validate(
            {"hsa_id": "SE-DOC", "sequence": sequence, "changed_at": T0, "assignments": (part,)}
        )

    gone = StaffRecord(
        hsa_id="SE-DOC", sequence=9, changed_at=datetime(2026, 5, 1, tzinfo=UTC), assignments=()
    )
    doctor, unit = HsaId("SE-DOC"), UnitId("SE-U1")
    async with store.transaction(T0) as tx:
        assert await staff.record(tx, says(2, "kronoberg", Role.PHYSICIAN, Role.HEAD_OF_UNIT))
        assert not await staff.record(tx, says(2, "elsewhere", Role.PHYSICIAN))
        assert not await staff.record(tx, says(1, "elsewhere", Role.PHYSICIAN))
    async with store.transaction(T0 + DAY) as tx:
        told_now = await staff.record_all(
            tx, [says(3, "elsewhere", Role.PHYSICIAN), says(3, "x", Role.PHYSICIAN), gone]
        )
        assert told_now == [True, False, True]
    async with store.reading() as tx:
        (then,) = (await staff.load(tx, [doctor, HsaId("SE-NOBODY")], known_at=T0)).values()
        assert then.assignments[0].roles == {Role.PHYSICIAN, Role.HEAD_OF_UNIT}
        assert then.assignments[0].from_date == date(2020, 1, 1)
        assert (await staff.load(tx, [doctor]))[doctor].assignments == ()
        assert await staff.unit_regions(tx, known_at=T0) == {unit: "kronoberg"}
        assert await staff.unit_regions(tx, [unit]) == {unit: "elsewhere"}


async def test_a_task_is_one_however_often_it_is_asked_for(store: Store) -> None:
    text = Sentence("Lägg in förseglingen.", "Key in the seal.")

    def ask(subject: str, due_at: datetime | None = None) -> AddTask:
        return AddTask(
            "key_in", subject, text, KRONOBERG, due_at, ("KR-1",), target="admin_journalen", key_in="seal"
        )

    async with store.transaction(T0) as tx:
        child = await someone(tx)
        await tasks.add(tx, [(child, ask("m1", T0 + DAY)), (child, ask("m1", T0 + HOUR)), (None, ask("m2"))])
        await tasks.add(tx, [(child, ask("m1", T0 + 2 * DAY))])
        first, second = await tasks.page(tx, region=KRONOBERG)
        assert (first.subject, first.due_at, first.patient) == ("m1", T0 + HOUR, child)
        assert (second.subject, second.target, second.text) == ("m2", "admin_journalen", text)
        (stats,) = await tasks.stats(tx)
        assert (stats.tasks, stats.oldest, stats.due) == (2, T0, T0 + HOUR)
    async with store.transaction(T0 + HOUR) as tx:
        assert await tasks.tick_off(tx, first.task_id, "op-1", "done there")
        assert not await tasks.tick_off(tx, first.task_id, "op-2")
        assert await tasks.close(tx, [CloseTask("key_in", "m2"), CloseTask("key_in", "m9")]) == 1
        assert await tasks.page(tx, kinds=["key_in"], target="admin_journalen") == []
        done = (await tasks.by_ids(tx, [first.task_id]))[first.task_id]
        assert (done.state, done.done_by, done.ended_at, done.remark) == (
            "done",
            "op-1",
            T0 + HOUR,
            "done there",
        )
        await tasks.add(tx, [(child, ask("m1"))])
        assert [task.subject for task in await tasks.page(tx, patient=child)] == ["m1"]


def _dead(offset: int, key: bytes | None = b"v1.k") -> DeadRecord:
    headers = (("ce_id", b"e1"), ("odd", b"\x00\x80"), ("\x00", b"nul"), ("ce_\udcff", b"no UTF-8"))
    reason = DeadLetterReason.UNREADABLE_SIGNATURE
    return DeadRecord("ehr.orders.v1", 3, offset, "sigill.intake", key, b"\xff\x00raw", headers, reason, T0)


async def test_a_dead_letter_is_kept_sent_replayed_and_holds_back_its_key(store: Store) -> None:
    async with store.transaction(T0) as tx:
        first, second, odd = await dead_letters.append(
            tx, [_dead(7), _dead(8, b"v1.j"), _dead(9, b"\xff\x00")]
        )
        sent = await outbox.unpublished(tx, range(outbox.SHARDS), 10)
        assert await dead_letters.open_keys(tx, "ehr.orders.v1", ["v1.k", "v1.j", "v1.none"]) == {
            "v1.k",
            "v1.j",
        }
        assert await dead_letters.open_keys(tx, "population.persons.v1", ["v1.k"]) == set()
    assert {one.aggregatetype for one in sent} == {"ehr.orders.v1.dlq"}
    headers = dict(sent[0].headers)
    assert sent[0].payload == b"\xff\x00raw"
    assert headers["odd"] == b"\x00\x80"
    assert headers[ORIGINAL_TOPIC] == b"ehr.orders.v1"
    assert headers[ORIGINAL_OFFSET] == (7).to_bytes(8, "big")

    async with store.transaction(T0 + HOUR) as tx:
        assert await dead_letters.replay(tx, [first], "op-1") == 1
        assert await dead_letters.replay(tx, [first], "op-1") == 0
        again = (await outbox.unpublished(tx, range(outbox.SHARDS), 10))[-1]
        assert (again.aggregatetype, again.aggregateid, again.headers) == (
            "ehr.orders.v1",
            "v1.k",
            _dead(7).headers,
        )
        assert await dead_letters.open_keys(tx, "ehr.orders.v1", ["v1.k", "v1.j"]) == {"v1.j"}
        proposal = await dead_letters.propose_discard(tx, second, "op-1", "test message")
        assert [one.subject for one in await proposals.open_ones(tx)] == [str(second)]
        with pytest.raises(proposals.SameOperator):
            await dead_letters.discard(tx, proposal, "op-1")
        assert await dead_letters.discard(tx, proposal, "op-2") == second
        with pytest.raises(proposals.NotOpen):
            await dead_letters.discard(tx, proposal, "op-3")
        assert [one.dead_letter_id for one in await dead_letters.page(tx)] == [odd]
        closed = (await dead_letters.by_ids(tx, [second]))[second]
        assert (closed.action, closed.operator, closed.approver) == ("discarded", "op-1", "op-2")
        assert [(count.letters, count.oldest) for count in await dead_letters.counts(tx)] == [(1, T0)]


async def test_what_has_been_replayed_meanwhile_is_not_discarded_as_well(store: Store) -> None:
    """One letter, one deed: a proposal that outlived its letter decides nothing, and of two at once the first counts."""
    async with store.transaction(T0) as tx:
        letters = await dead_letters.append(tx, [_dead(7), _dead(8)])
        early, late = [await dead_letters.propose_discard(tx, one, "op-1", "test message") for one in letters]
        await dead_letters.mark_replayed(tx, letters[:1], "op-1")
    async with store.transaction(T0 + HOUR) as tx:
        with pytest.raises(proposals.NotOpen, match="dealt with"):
            await dead_letters.discard(tx, early, "op-2")

    async def approve() -> None:
        async with store.transaction(T0 + HOUR) as tx:
            await dead_letters.discard(tx, late, "op-2")

    async with store.transaction(T0 + HOUR) as tx:
        await dead_letters.serialise_letters(tx, letters[1:])
        approving = asyncio.create_task(approve())
        async with asyncio.timeout(30):
            while not approving.done() and not await tx.value(_WAITS_FOR_US):
                await asyncio.sleep(0.02)
        await dead_letters.mark_replayed(tx, letters[1:], "op-1")
    with pytest.raises(proposals.NotOpen, match="dealt with"):
        await approving

    async with store.reading() as tx:
        done = await tx.fetch("SELECT dead_letter_id, action FROM dead_letter_action ORDER BY dead_letter_id")
        assert [tuple(row) for row in done] == [(one, "replayed") for one in letters]
        assert [one.proposal_id for one in await proposals.open_ones(tx)] == [early, late]


_WAITS_FOR_US = (
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
)


async def test_the_database_itself_demands_a_second_operator(store: Store) -> None:
    async with store.transaction(T0) as tx:
        proposal = await proposals.propose(tx, "x", "y", "op-1", "why")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="second operator"):
        async with store.transaction(T0) as tx:
            await tx.run("INSERT INTO proposal_verdict VALUES ($1, true, 'op-1', now())", proposal)


async def test_erasure_leaves_nothing_that_says_who_it_was(store: Store, admin: asyncpg.Connection) -> None:
    order = str(uuid4())
    async with store.transaction(T0) as tx:
        child, mother = await ids(tx, CHILD, MOTHER)
        await persons.lock(tx, [child])
        named = replace(
            told(child, CHILD, 1, T0, died_on=date(2010, 1, 1)),
            name=persons.RegisteredName("Testa", "Provsson"),
        )
        await persons.record(tx, [named], key_of)
        measure = seal(child)
        await measures.append(tx, [measure])
        await orders.record(tx, [signed(1, order, child, payload=f'{{"id": "{CHILD.number}"}}')])
        await orders.answer(tx, [answered(1, Outcome.EXECUTED, receipt=f'{{"id": "{CHILD.number}"}}')])
        assert await erasure.lapsed(tx, date(2011, 1, 1)) == [child]
        assert await erasure.lapsed(tx, date(2010, 1, 1)) == []
    async with store.transaction(T0 + DAY) as tx:
        assert await erasure.erase(tx, child, "op-1") == (key_of(CHILD.number),)
        (tombstone,) = await outbox.unpublished(tx, range(outbox.SHARDS), 10)
    assert (tombstone.aggregatetype, tombstone.aggregateid, tombstone.payload) == (
        "access.state.v1",
        key_of(CHILD.number),
        None,
    )
    async with store.reading() as tx:
        assert await persons.resolve(tx, [CHILD, MOTHER]) == {MOTHER: mother}
        assert await facts.patient_facts(tx, [child]) == {}
        assert list(await measures.by_ids(tx, [measure.measure_id])) == [measure.measure_id]
        (kept,) = await orders.by_registration(tx, [1])
        assert (kept.original, kept.payload, kept.digest) == (None, None, bytes(32))
    tables = await admin.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'sigill'::regnamespace AND relkind = 'r'"
    )
    for row in tables:
        for word in (CHILD.number, "Provsson"):
            hits = await admin.fetchval(
                f'SELECT count(*) FROM "{row[0]}" t WHERE t::text LIKE $1', f"%{word}%"
            )
            assert hits == 0, row[0]


async def test_what_is_dealt_with_is_emptied_in_time(store: Store) -> None:
    async with store.transaction(T0) as tx:
        first, second = await dead_letters.append(tx, [_dead(1), _dead(2)])
        await dead_letters.replay(tx, [first], "op-1")
    async with store.transaction(T0 + DAY) as tx:
        assert await erasure.purge_dead_letters(tx, T0) == 0
        assert await erasure.purge_dead_letters(tx, T0 + HOUR) == 1
        found = await dead_letters.by_ids(tx, [first, second])
    assert found[first].record.value is None
    assert found[second].record.value == b"\xff\x00raw"


@pytest.mark.parametrize(
    "number", ["../../etc/passwd", "/ABC", "A/../B", "..", "RS 2027/4F", "A\x00B", "A\nB", "{x}"]
)
def test_a_number_of_whatever_series_is_one_name_of_a_folder(number: str) -> None:
    name = orders.file_name(number)
    assert Path(name).name == name
    assert name not in ("", ".", "..")
