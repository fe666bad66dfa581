"""A copy on paper, in a real store: recorded with the measure, answered by store and copy alike, and nothing opened online."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sigill.client import LocalCopy
from sigill.policy.access import AccessQuestion, decide, viewers_of
from sigill.policy.facts import Identity
from sigill.policy.rulebook import Rulebooks
from sigill.processing.citations import PolicyContext
from sigill.runtime.clock import FixedClock
from sigill.store import audit_check, facts, persons
from sigill.store.session import Store
from sigill_contracts.order import PersonRef
from sigill_contracts.vocabulary import IdType, Service
from tests.kit.senders import CHILD, FATHER, KEYS, MOTHER, Senders, person
from tests.kit.testland import NATIONAL, TESTLAND
from tests.kit.worker_harness import START, WorkerHarness, read, receipts

BOOKS = Rulebooks.of(
    TESTLAND.replace(
        "    standing:\n",
        "      - {id: paper, cites: [TL-01], forms: [give_paper_copy], offered: true, initiatives: [care, guardian],\n"
        "         channels: {ehr_form: always}, deciders: [treating_physician], attestations: [harm_assessment]}\n"
        "    standing:\n",
    ),
    NATIONAL,
)


@pytest.fixture
async def desk(store: Store, senders: Senders) -> WorkerHarness:
    made = WorkerHarness(store, senders, FixedClock(START), PolicyContext.of(BOOKS, "urn:sigill:test"))
    await made.assign()
    await made.hand_over(*senders.staff(START - timedelta(days=30)))
    await made.hand_over(*senders.people(START - timedelta(days=30)))
    await made.out()
    return made


async def test_a_copy_is_recorded_with_the_measure_and_opens_nothing_online(desk: WorkerHarness) -> None:
    seal = desk.senders.orders(START, "seal_journal", patient=person(CHILD))
    block = desk.senders.orders(START, "block_guardians", patient=person(CHILD), guardians=[person(FATHER)])
    await desk.hand_over(seal, block)
    [*_, before] = read(await desk.out(), "access.state.v1")

    def copies(to: str) -> dict[str, object]:
        return {
            "patient": person(CHILD),
            "guardians": [person(to)],
            "initiative": "guardian",
            "follows_up": seal.order_id,
            "attestations": ["harm_assessment"],
        }

    given = desk.senders.orders(START, "give_paper_copy", **copies(MOTHER))
    await desk.hand_over(given, desk.senders.orders(START, "give_paper_copy", **copies(FATHER)))
    events = await desk.out()
    done, refused = receipts(events)
    assert (done.outcome, done.measures) == ("executed", ())
    assert done.note is not None
    assert done.note.for_whom_sv == f"vårdnadshavare {MOTHER}"
    assert done.note.sv == "Journalkopia på papper lämnad efter menprövning."
    assert (done.note.period_from, done.note.period_through) == (START.date(), START.date())
    assert (refused.outcome, refused.codes) == ("refused", ("recipient_shut_out",))
    assert read(events, "access.changes.v1") == [], (
        "a guardian of a child under 13 has a right to it by custody"
    )
    assert read(events, "access.notifications.v1") == []
    [state] = read(events, "access.state.v1")
    [copy] = [c for m in state.measures for c in m.paper_copies]
    assert (str(copy.order_id), copy.to.id, copy.given_on) == (given.order_id, MOTHER, START.date())

    async with desk.store.reading() as tx:
        (child,) = (await persons.resolve(tx, [Identity(IdType.PERSONNUMMER, CHILD)])).values()
        known = (await facts.patient_facts(tx, [child]))[child]
        assert await audit_check.verify(tx) == []
    bare = replace(known, measures=tuple(replace(m, copies=frozenset()) for m in known.measures))
    at = START + timedelta(minutes=1)
    local, without = LocalCopy(BOOKS), LocalCopy(BOOKS)
    local.take(KEYS.of(CHILD), state.model_dump_json().encode())
    without.take(KEYS.of(CHILD), before.model_dump_json().encode())
    for viewer in viewers_of(known):
        for service in (Service.JOURNAL, Service.E_SERVICES):
            question = AccessQuestion(viewer, service, at)
            assert decide(question, known, BOOKS) == decide(question, bare, BOOKS)
    ref = {n: PersonRef(id_type=IdType.PERSONNUMMER, id=n) for n in (CHILD, MOTHER, FATHER)}
    answers = {n: local.decide(ref[CHILD], ref[n], Service.PAPER_COPY, at).codes for n in (MOTHER, FATHER)}
    assert answers[MOTHER] == ("paper_copy_assessed", "guardian_of_child_under_13")
    assert "paper_copy_assessed" not in answers[FATHER]
    for n in (CHILD, MOTHER, FATHER):
        for service in (Service.JOURNAL, Service.E_SERVICES):
            one = (ref[CHILD], ref[n], service, at)
            assert local.decide(*one).codes == without.decide(*one).codes


async def test_the_same_copy_again_is_a_repeat_and_another_one_stands_beside_it(desk: WorkerHarness) -> None:
    seal = desk.senders.orders(START, "seal_journal", patient=person(CHILD))
    await desk.hand_over(seal)
    more = {"patient": person(CHILD), "follows_up": seal.order_id, "attestations": ["harm_assessment"]}
    first = desk.senders.orders(START, "give_paper_copy", initiative="care", **more)
    second = desk.senders.orders(
        START, "give_paper_copy", initiative="guardian", guardians=[person(MOTHER)], **more
    )
    await desk.out()
    await desk.hand_over(first, first, second)
    events = await desk.out()
    assert [r.outcome for r in receipts(events)] == ["executed", "duplicate", "executed"]
    [state] = read(events, "access.state.v1")
    [kept] = [m.paper_copies for m in state.measures]
    assert sorted((str(c.order_id), c.to.id) for c in kept) == sorted(
        [(first.order_id, CHILD), (second.order_id, MOTHER)]
    )


async def test_a_copy_that_is_not_given_is_recorded_told_to_nobody_and_shuts_nothing_online(
    desk: WorkerHarness,
) -> None:
    seal = desk.senders.orders(START, "seal_journal", patient=person(CHILD))
    block = desk.senders.orders(START, "block_guardians", patient=person(CHILD), guardians=[person(FATHER)])
    await desk.hand_over(seal, block)
    await desk.out()
    more = {"patient": person(CHILD), "follows_up": seal.order_id, "attestations": ["harm_assessment"]}
    about = {"initiative": "guardian", "guardians": [person(MOTHER), person(FATHER)], **more}
    refusal = desk.senders.orders(START, "give_paper_copy", given=False, **about)
    await desk.hand_over(refusal)
    events = await desk.out()
    [done] = receipts(events)
    assert (done.outcome, done.codes, done.measures) == ("executed", (), ())
    assert done.note is not None
    assert done.note.sv == "Journalkopia på papper inte lämnad efter menprövning."
    assert read(events, "access.notifications.v1") == []
    lost = {(c.viewer.id, c.service, c.access) for c in read(events, "access.changes.v1")}
    assert lost == {(who, "paper_copy", "lost") for who in (MOTHER, FATHER)}, (
        "no more than the copies on paper"
    )
    [state] = read(events, "access.state.v1")
    [kept] = [m for m in state.measures if m.paper_copies_refused]
    assert kept.paper_copies == ()
    assert {(str(c.order_id), c.to.id, c.assessed_on) for c in kept.paper_copies_refused} == {
        (refusal.order_id, MOTHER, START.date()),
        (refusal.order_id, FATHER, START.date()),
    }
    async with desk.store.reading() as tx:
        assert await audit_check.verify(tx) == []
    local = LocalCopy(BOOKS)
    local.take(KEYS.of(CHILD), state.model_dump_json().encode())
    ref = {n: PersonRef(id_type=IdType.PERSONNUMMER, id=n) for n in (CHILD, MOTHER, FATHER)}
    at = START + timedelta(minutes=1)
    codes = {n: local.decide(ref[CHILD], ref[n], Service.PAPER_COPY, at).codes for n in (MOTHER, FATHER)}
    assert codes[MOTHER] == ("paper_copy_refused",)
    assert "paper_copy_refused" in codes[FATHER]
    assert local.decide(ref[CHILD], ref[MOTHER], Service.E_SERVICES, at).allowed

    later = START + timedelta(days=1)
    desk.clock.set(later)
    given = desk.senders.orders(later, "give_paper_copy", **{**about, "guardians": [person(MOTHER)]})
    await desk.hand_over(given)
    [state] = read(await desk.out(), "access.state.v1")
    [kept] = [m for m in state.measures if m.paper_copies]
    assert [c.to.id for c in kept.paper_copies] == [MOTHER]
    assert [c.to.id for c in kept.paper_copies_refused] == [FATHER]
