"""What the register says, in order for each person; and what it touches."""

from datetime import UTC, datetime, timedelta

from sigill.policy.facts import Identity
from sigill.store import dead_letters, persons, tasks, timers
from sigill.store.facts import patient_facts
from sigill_contracts.vocabulary import PendingCode
from tests.kit.senders import ADULT, CHILD, FATHER, KEYS, MOTHER, person
from tests.kit.worker_harness import START, WorkerHarness, read, receipts

CUSTODY = [{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]


async def facts_of(harness: WorkerHarness, number: str):  # type: ignore[no-untyped-def]
    async with harness.store.reading() as tx:
        identity = Identity("personnummer", number)  # type: ignore[arg-type]
        found = await persons.resolve(tx, [identity])
        return (await patient_facts(tx, found.values()))[found[identity]]


async def test_late_and_repeated_messages_change_nothing(harness: WorkerHarness) -> None:
    senders = harness.senders
    newer = senders.registers(START, ADULT, 5, county="07")
    await harness.hand_over(newer)
    await harness.out()
    older = senders.registers(START - timedelta(days=1), ADULT, 4, county="14")
    await harness.hand_over(older, newer)
    assert await harness.out() == []
    facts = await facts_of(harness, ADULT)
    assert facts.patient.latest.county == "07"


async def test_several_messages_of_one_person_in_a_batch_are_applied_in_their_order(
    harness: WorkerHarness,
) -> None:
    senders = harness.senders
    counties = ["01", "03", "04"]
    steps = [
        senders.registers(START + timedelta(minutes=n), ADULT, 5 + n, county=county)
        for n, county in enumerate(counties, 1)
    ]
    await harness.hand_over(*steps)
    facts = await facts_of(harness, ADULT)
    assert [v.county for v in facts.patient.versions][-3:] == counties
    states = read(await harness.out(), "access.state.v1")
    assert [s.version for s in states] == sorted(s.version for s in states)
    assert states[-1].patient.county == "04"


async def test_a_contradiction_is_parked_and_those_behind_it_pass(harness: WorkerHarness) -> None:
    senders = harness.senders
    own_child = senders.registers(START, ADULT, 7, custody=[{"guardian": person(ADULT)}])
    backward = senders.registers(START - timedelta(days=60), ADULT, 9)
    good = senders.registers(START, MOTHER, 7, county="23")
    await harness.hand_over(own_child, backward, good)
    async with harness.store.reading() as tx:
        letters = await dead_letters.page(tx)
    assert {str(letter.record.reason) for letter in letters} == {"contradicts_itself", "goes_backward"}
    assert (await facts_of(harness, MOTHER)).patient.latest.county == "23"
    assert (await facts_of(harness, ADULT)).patient.latest.county == "99"


async def test_a_protected_child_is_sealed_and_nothing_opens_when_the_protection_ends(
    harness: WorkerHarness,
) -> None:
    senders = harness.senders
    await harness.hand_over(senders.registers(START, CHILD, 2, custody=CUSTODY, secrecy_mark=True))
    events = await harness.out()
    lost = {(c.viewer.id, c.service) for c in read(events, "access.changes.v1") if c.access == "lost"}
    assert {(MOTHER, "journal"), (MOTHER, "e_services"), (FATHER, "journal")} <= lost
    assert [m.kind for m in read(events, "access.state.v1")[-1].measures] == ["journal_seal"]

    later = START + timedelta(days=30)
    harness.clock.set(later)
    await harness.hand_over(senders.registers(later, CHILD, 3, custody=CUSTODY))
    gained = {(c.viewer.id, c.service) for c in read(await harness.out(), "access.changes.v1")}
    assert (MOTHER, "journal") not in gained
    async with harness.store.reading() as tx:
        open_tasks = await tasks.page(tx)
    assert "protection_ended" in {task.kind for task in open_tasks}


async def test_a_guardian_s_own_change_reaches_the_child(harness: WorkerHarness) -> None:
    await harness.hand_over(harness.senders.registers(START, MOTHER, 2, protected_registration=True))
    events = await harness.out()
    lost = {(c.viewer.id, c.patient.id) for c in read(events, "access.changes.v1") if c.access == "lost"}
    assert (MOTHER, CHILD) in lost
    assert (FATHER, CHILD) not in lost
    assert KEYS.of(CHILD) in {e.aggregateid for e in events if e.aggregatetype == "access.state.v1"}


async def test_custody_that_ended_takes_access_away_at_its_true_time(harness: WorkerHarness) -> None:
    changed = START - timedelta(hours=3)
    ended = [
        {"guardian": person(MOTHER)},
        {"guardian": person(FATHER), "to_date": "2025-03-10"},
    ]
    await harness.hand_over(harness.senders.registers(changed, CHILD, 2, custody=ended))
    lost = [c for c in read(await harness.out(), "access.changes.v1") if c.access == "lost"]
    assert {c.viewer.id for c in lost} == {FATHER}
    assert {c.at for c in lost} == {changed}
    assert {c.cause for c in lost} == {"register"}


async def test_an_order_that_names_an_old_number_finds_the_person(harness: WorkerHarness) -> None:
    senders = harness.senders
    new = "197006062396"
    await harness.hand_over(senders.registers(START, new, 2, former_ids=[person(ADULT)]))
    events = await harness.out()
    tombstones = [e.aggregateid for e in events if e.aggregatetype == "access.state.v1" and e.payload is None]
    assert tombstones == [KEYS.of(ADULT)]
    [state] = [s for e in events if e.payload for s in read([e], "access.state.v1")]
    assert state.key == KEYS.of(new)
    assert [f.id for f in state.patient.former] == [ADULT]

    by_old, by_new = senders.orders(START), senders.orders(START, patient=person(new))
    await harness.hand_over(by_old)
    await harness.hand_over(by_new)
    assert [r.outcome for r in receipts(await harness.out())] == ["executed", "executed"]
    assert len((await facts_of(harness, new)).measures) == 2


async def test_a_grant_waits_for_custody_and_is_given_when_the_register_tells_of_it(
    harness: WorkerHarness,
) -> None:
    senders = harness.senders
    teen = "201101012387"
    await harness.hand_over(senders.registers(START, teen))
    grant = senders.orders(
        START,
        "grant_guardian_access",
        patient=person(teen),
        guardians=[person(MOTHER)],
        initiative="guardian",
    )
    await harness.hand_over(grant)
    [waiting] = receipts(await harness.out())
    assert waiting.codes == (str(PendingCode.CUSTODY_UNCONFIRMED),)
    await harness.hand_over(senders.registers(START, teen, 2, custody=[{"guardian": person(MOTHER)}]))
    events = await harness.out()
    assert [r.outcome for r in receipts(events)] == ["executed"]
    assert ("gained", MOTHER) in {(c.access, c.viewer.id) for c in read(events, "access.changes.v1")}


async def test_a_changed_birth_date_moves_the_timers(harness: WorkerHarness) -> None:
    senders = harness.senders
    await harness.hand_over(senders.registers(START, CHILD, 2, custody=CUSTODY, birth_date="2018-09-05"))
    facts = await facts_of(harness, CHILD)
    async with harness.store.reading() as tx:
        due = await timers.of_persons(tx, [facts.patient.person_id])
    ahead = [t.due_at.date().isoformat() for t in due if t.kind == "age_13_ahead"]
    assert len(ahead) == 2, "the old one finds nothing to do when it falls due"
    assert max(ahead).startswith("2031-08")
    harness.clock.set(datetime(2031, 3, 7, tzinfo=UTC))
    await harness.transitions().run_due(harness.clock.now())
    assert [c for c in read(await harness.out(), "access.changes.v1") if c.patient.id == CHILD] == []


async def test_what_the_register_contradicts_itself_in_holds_no_order_back(harness: WorkerHarness) -> None:
    senders = harness.senders
    seal = senders.orders(START)
    await harness.hand_over(seal)
    await harness.hand_over(senders.registers(START, ADULT, sequence=9, birth_date="1970-02-31"))
    await harness.hand_over(senders.orders(START, "release_journal_seal", releases=[seal.order_id]))
    assert [r.outcome for r in receipts(await harness.out())] == ["executed", "executed"]
