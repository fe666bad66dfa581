"""Two persons who were taken for one: the register tells them apart, in any order of its messages."""

from datetime import timedelta
from typing import Any

import pytest

from sigill.policy.facts import Identity
from sigill.store import persons, tasks
from sigill.store.tasks import StoredTask
from sigill_contracts.vocabulary import IdType, PersonId
from tests.kit.senders import ADULT, CHILD, FATHER, MOTHER, person
from tests.kit.testland import TESTLAND
from tests.kit.worker_harness import START, WorkerHarness, read
from tests.workers.senders_kit import PN, answers, sees
from tests.workers.test_elsewhere import sent as elsewhere
from tests.workers.test_elsewhere import told
from tests.workers.test_settled_requests import ASKED, with_books

OTHER = "197006062396"
TEEN = "201101012387"
APPOINTING = """
      - {id: appoint, cites: [TL-03], forms: [appoint_representative], offered: true, services: [journal],
         court_order: person, initiatives: [resident], channels: {ehr_form: always}, deciders: [treating_physician]}
""".lstrip("\n")
DEAD = {"deregistration": {"reason": "death", "date": "2025-03-01"}}


async def whose(harness: WorkerHarness, number: str) -> PersonId:
    async with harness.store.reading() as tx:
        identity = Identity(IdType.PERSONNUMMER, number)
        found = await persons.resolve(tx, [identity])
        same = await persons.merged(tx, found.values())
    return same.get(found[identity], found[identity])


async def one(harness: WorkerHarness, former: str, now: str, **more: object) -> None:
    """The register takes two numbers for one person's: `now` is the present one."""
    harness.clock.advance(timedelta(minutes=5))
    told = harness.senders.registers(harness.clock.now(), now, 5, former_ids=[person(former)], **more)
    await answers(harness, told)


async def apart(
    harness: WorkerHarness, by: str, other: str, sequence: int = 6, **more: object
) -> list[tuple[str, tuple[str, ...]]]:
    """The record of one of them says that the other's number is another's."""
    harness.clock.advance(timedelta(minutes=5))
    said = harness.senders.registers(harness.clock.now(), by, sequence, separated_ids=[person(other)], **more)
    return await answers(harness, said)


async def seals(harness: WorkerHarness, number: str) -> None:
    seal = harness.senders.orders(harness.clock.now(), patient=person(number))
    assert await answers(harness, seal) == [("executed", ())]


async def asked_to_look(harness: WorkerHarness) -> list[StoredTask]:
    async with harness.store.reading() as tx:
        return list(await tasks.page(tx, kinds=["persons_separated"]))


async def shut(harness: WorkerHarness, *numbers: str) -> None:
    for number in numbers:
        assert await sees(harness, (PN, number), (PN, number)) == (False, ("journal_seal",)), number


@pytest.mark.parametrize("known", [True, False], ids=["both known before", "one number alone"])
@pytest.mark.parametrize("under", [ADULT, OTHER])
@pytest.mark.parametrize("speaker", [OTHER, ADULT])
async def test_a_seal_of_the_one_is_both_ones_when_they_turn_out_to_be_two(
    harness: WorkerHarness, known: bool, under: str, speaker: str
) -> None:
    if known:
        await answers(harness, harness.senders.registers(START, OTHER, 1))
    await one(harness, ADULT, OTHER)
    await seals(harness, under)
    await apart(harness, speaker, ADULT if speaker == OTHER else OTHER)
    assert await whose(harness, ADULT) != await whose(harness, OTHER)
    # the second of the two says so as well, and something new of itself
    second = ADULT if speaker == OTHER else OTHER
    await apart(harness, second, speaker, 7, county="14")
    await shut(harness, ADULT, OTHER)
    # each is released by itself
    release = harness.senders.orders(harness.clock.now(), "release_journal_seal", patient=person(ADULT))
    assert await answers(harness, release) == [("executed", ())]
    assert (await sees(harness, (PN, ADULT), (PN, ADULT)))[0] is True
    await shut(harness, OTHER)


async def test_a_seal_from_before_they_were_one_is_both_ones_too(harness: WorkerHarness) -> None:
    await answers(harness, harness.senders.registers(START, OTHER, 1))
    await seals(harness, ADULT)
    await one(harness, ADULT, OTHER)
    await apart(harness, OTHER, ADULT)
    await answers(harness, harness.senders.registers(harness.clock.now(), ADULT, 9))
    await shut(harness, ADULT, OTHER)


async def test_people_are_asked_to_look_at_what_stands_on_both(harness: WorkerHarness) -> None:
    await one(harness, ADULT, OTHER)
    await seals(harness, OTHER)
    await harness.out()
    await apart(harness, OTHER, ADULT)
    async with harness.store.reading() as tx:
        found = await tasks.page(tx, kinds=["persons_separated"])
    assert len(found) == 1
    texts = (found[0].text.sv, found[0].text.en, found[0].subject)
    assert not [number for number in (ADULT, OTHER) for text in texts if number in text]


async def test_a_late_word_does_not_make_them_one_again(harness: WorkerHarness) -> None:
    await answers(harness, harness.senders.registers(START, OTHER, 1))
    earlier = harness.clock.now() - timedelta(minutes=1)
    await apart(harness, ADULT, OTHER)
    await answers(harness, harness.senders.registers(earlier, OTHER, 5, former_ids=[person(ADULT)]))
    assert await whose(harness, ADULT) != await whose(harness, OTHER)


async def test_both_words_in_one_batch_leave_them_two(harness: WorkerHarness) -> None:
    harness.clock.advance(timedelta(minutes=5))
    now = harness.clock.now()
    await harness.hand_over(
        harness.senders.registers(now, OTHER, 5, former_ids=[person(ADULT)]),
        harness.senders.registers(now, OTHER, 6, separated_ids=[person(ADULT)]),
    )
    assert await whose(harness, ADULT) != await whose(harness, OTHER)


async def test_they_can_be_one_again_and_the_old_word_repeated_changes_nothing(
    harness: WorkerHarness,
) -> None:
    await one(harness, ADULT, OTHER)
    harness.clock.advance(timedelta(minutes=5))
    said = harness.senders.registers(harness.clock.now(), ADULT, 6, separated_ids=[person(OTHER)])
    await answers(harness, said)
    harness.clock.advance(timedelta(minutes=5))
    again = harness.senders.registers(harness.clock.now(), OTHER, 8, former_ids=[person(ADULT)])
    await answers(harness, again)
    assert await whose(harness, ADULT) == await whose(harness, OTHER)
    await harness.hand_over(said)
    assert await whose(harness, ADULT) == await whose(harness, OTHER)


async def test_said_again_it_writes_nothing(harness: WorkerHarness) -> None:
    await one(harness, ADULT, OTHER)
    await seals(harness, OTHER)
    await apart(harness, OTHER, ADULT)
    await apart(harness, ADULT, OTHER, 7)
    await harness.out()
    async with harness.store.reading() as tx:
        before = await tx.value("SELECT count(*) FROM person_version")
    await apart(harness, OTHER, ADULT, 8)
    await apart(harness, ADULT, OTHER, 9)
    async with harness.store.reading() as tx:
        assert await tx.value("SELECT count(*) FROM person_version") == before
    assert await harness.out() == []


async def test_a_grant_that_may_have_been_the_others_ends(harness: WorkerHarness) -> None:
    senders = harness.senders
    await answers(
        harness,
        senders.registers(
            START, TEEN, 1, custody=[{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]
        ),
    )
    await one(harness, MOTHER, OTHER)
    grant = senders.orders(
        harness.clock.now(),
        "grant_guardian_access",
        patient=person(TEEN),
        guardians=[person(OTHER), person(FATHER)],
        initiative="guardian",
    )
    assert await answers(harness, grant) == [("executed", ())]
    assert (await sees(harness, (PN, OTHER), (PN, TEEN)))[0] is True
    harness.clock.advance(timedelta(minutes=5))
    await harness.hand_over(senders.registers(harness.clock.now(), OTHER, 6, separated_ids=[person(MOTHER)]))
    lost = {
        c.viewer.id
        for c in read(await harness.out(), "access.changes.v1")
        if c.access == "lost" and c.patient.id == TEEN
    }
    assert lost == {OTHER}
    assert (await sees(harness, (PN, FATHER), (PN, TEEN)))[0] is True
    for number in (OTHER, MOTHER):
        assert (await sees(harness, (PN, number), (PN, TEEN)))[0] is False


async def test_a_block_of_the_one_is_not_passed_by_the_other(harness: WorkerHarness) -> None:
    senders = harness.senders
    await one(harness, MOTHER, OTHER)
    block = senders.orders(
        harness.clock.now(), "block_guardians", patient=person(CHILD), guardians=[person(OTHER)]
    )
    assert await answers(harness, block) == [("executed", ())]
    await apart(harness, OTHER, MOTHER)
    harness.clock.advance(timedelta(minutes=5))
    await answers(harness, senders.registers(harness.clock.now(), MOTHER, 8))
    for number in (MOTHER, OTHER):
        harness.clock.advance(timedelta(minutes=5))
        custody = [{"guardian": person(number)}, {"guardian": person(FATHER)}]
        await answers(
            harness, senders.registers(harness.clock.now(), CHILD, 9 + (number == OTHER), custody=custody)
        )
        assert await sees(harness, (PN, number), (PN, CHILD)) == (False, ("guardian_block",))
    assert (await sees(harness, (PN, FATHER), (PN, CHILD)))[0] is True


async def test_whom_of_the_two_a_child_has_is_not_known_until_the_child_is_told_of_again(
    harness: WorkerHarness,
) -> None:
    senders = harness.senders
    await one(harness, MOTHER, OTHER)
    assert (await sees(harness, (PN, OTHER), (PN, CHILD)))[0] is True
    await apart(harness, OTHER, MOTHER)
    assert (await sees(harness, (PN, OTHER), (PN, CHILD)))[0] is False
    assert (await sees(harness, (PN, MOTHER), (PN, CHILD)))[0] is False
    assert (await sees(harness, (PN, FATHER), (PN, CHILD)))[0] is True
    harness.clock.advance(timedelta(minutes=5))
    now, custody = harness.clock.now(), [{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]
    await harness.hand_over(
        senders.registers(now, MOTHER, 8), senders.registers(now, CHILD, 9, custody=custody)
    )
    assert (await sees(harness, (PN, MOTHER), (PN, CHILD)))[0] is True
    assert (await sees(harness, (PN, OTHER), (PN, CHILD)))[0] is False


async def test_what_waits_under_the_others_number_is_judged_for_the_other(harness: WorkerHarness) -> None:
    senders = harness.senders
    await one(harness, ADULT, TEEN, birth_date="2011-01-01")
    grant = senders.orders(
        harness.clock.now(),
        "grant_guardian_access",
        patient=person(TEEN),
        guardians=[person(MOTHER)],
        initiative="guardian",
    )
    assert await answers(harness, grant) == [("pending", ("custody_unconfirmed",))]
    await answers(harness, senders.registers(harness.clock.now(), ADULT, 6, former_ids=[person(TEEN)]))
    got = await apart(harness, TEEN, ADULT, birth_date="2011-01-01", custody=[{"guardian": person(MOTHER)}])
    assert got == [("executed", ())]
    assert (await sees(harness, (PN, MOTHER), (PN, TEEN)))[0] is True


async def test_a_number_that_was_taken_back_can_be_anothers(harness: WorkerHarness) -> None:
    """A new number is given, the former one again, and the new one to somebody else."""
    await one(harness, ADULT, OTHER)
    await seals(harness, OTHER)
    harness.clock.advance(timedelta(minutes=5))
    await answers(harness, harness.senders.registers(harness.clock.now(), ADULT, 6))
    await apart(harness, OTHER, ADULT, 1)
    assert await whose(harness, ADULT) != await whose(harness, OTHER)
    await shut(harness, ADULT, OTHER)


async def test_what_was_made_elsewhere_of_the_one_shuts_both_until_its_source_tells_it_again(
    harness: WorkerHarness,
) -> None:
    await answers(harness, harness.senders.registers(START, OTHER, 1))
    await harness.hand_over(elsewhere(told(patient=person(OTHER))))
    await one(harness, OTHER, ADULT)
    await harness.out()
    await apart(harness, ADULT, OTHER)
    await answers(harness, harness.senders.registers(harness.clock.now(), OTHER, 7))
    for number in (OTHER, ADULT):
        assert (await sees(harness, (PN, number), (PN, number)))[0] is False, number
    await harness.out()
    harness.clock.advance(timedelta(minutes=5))
    await harness.hand_over(
        elsewhere(told(sequence=2, patient=person(OTHER), changed_at=harness.clock.now().isoformat()))
    )
    assert (await sees(harness, (PN, OTHER), (PN, OTHER)))[0] is False
    assert (await sees(harness, (PN, ADULT), (PN, ADULT)))[0] is True
    assert {c.patient.id for c in read(await harness.out(), "access.changes.v1")} == {ADULT}


@pytest.mark.parametrize("marked", [{"secrecy_mark": True}, {"has_e_id": False}, DEAD], ids=repr)
@pytest.mark.parametrize("of", ["the one before", "both while one"])
async def test_a_mark_or_a_death_counts_for_both_until_the_others_own_record_is_told(
    harness: WorkerHarness, marked: dict[str, Any], of: str
) -> None:
    senders, before = harness.senders, of == "the one before"
    await answers(harness, senders.registers(START, OTHER, 1, **(marked if before else {})))
    await one(harness, OTHER, MOTHER, **({} if before else marked))
    await apart(harness, MOTHER, OTHER)
    harness.clock.advance(timedelta(minutes=5))
    custody = [{"guardian": person(OTHER)}, {"guardian": person(FATHER)}]
    await answers(harness, senders.registers(harness.clock.now(), CHILD, 9, custody=custody))
    assert (await sees(harness, (PN, OTHER), (PN, CHILD)))[0] is False
    harness.clock.advance(timedelta(minutes=5))
    await answers(harness, senders.registers(harness.clock.now(), OTHER, 2))
    assert (await sees(harness, (PN, OTHER), (PN, CHILD)))[0] is True


@pytest.mark.parametrize("released", [ADULT, OTHER])
@pytest.mark.parametrize("speaker", [ADULT, OTHER])
async def test_a_release_while_they_were_one_opens_only_whom_it_named(
    harness: WorkerHarness, released: str, speaker: str
) -> None:
    await answers(harness, harness.senders.registers(START, OTHER, 1))
    await one(harness, ADULT, OTHER)
    await seals(harness, OTHER)
    harness.clock.advance(timedelta(minutes=5))
    release = harness.senders.orders(harness.clock.now(), "release_journal_seal", patient=person(released))
    assert await answers(harness, release) == [("executed", ())]
    await apart(harness, speaker, ADULT if speaker == OTHER else OTHER)
    await answers(harness, harness.senders.registers(harness.clock.now(), ADULT, 9))
    await answers(harness, harness.senders.registers(harness.clock.now(), OTHER, 9))
    assert (await sees(harness, (PN, released), (PN, released)))[0] is True
    await shut(harness, ADULT if released == OTHER else OTHER)
    assert len(await asked_to_look(harness)) == 2


@pytest.mark.parametrize("agreed_of", [ADULT, OTHER])
async def test_a_request_that_was_agreed_to_opens_whom_both_named(
    harness: WorkerHarness, agreed_of: str
) -> None:
    with_books(harness, ASKED)
    await one(harness, ADULT, OTHER)
    await seals(harness, ADULT)
    harness.clock.advance(timedelta(minutes=5))
    request = harness.senders.orders(
        harness.clock.now(), "request_release", patient=person(OTHER), initiative="resident"
    )
    await harness.hand_over(request)
    harness.clock.advance(timedelta(minutes=5))
    agreed = harness.senders.orders(
        harness.clock.now(),
        "unit_opinion",
        patient=person(agreed_of),
        follows_up=request.order_id,
        opinion="agree",
    )
    await harness.hand_over(agreed)
    assert (await sees(harness, (PN, OTHER), (PN, OTHER)))[0] is True
    await apart(harness, OTHER, ADULT)
    await answers(harness, harness.senders.registers(harness.clock.now(), ADULT, 9))
    await shut(harness, ADULT)
    assert (await sees(harness, (PN, OTHER), (PN, OTHER)))[0] is (agreed_of == OTHER)


async def test_a_block_that_was_released_for_the_one_shuts_the_other_out_again(
    harness: WorkerHarness,
) -> None:
    senders = harness.senders
    await one(harness, MOTHER, OTHER)
    block = senders.orders(
        harness.clock.now(), "block_guardians", patient=person(CHILD), guardians=[person(OTHER)]
    )
    assert await answers(harness, block) == [("executed", ())]
    harness.clock.advance(timedelta(minutes=5))
    release = senders.orders(
        harness.clock.now(), "release_guardian_block", patient=person(CHILD), guardians=[person(MOTHER)]
    )
    assert await answers(harness, release) == [("executed", ())]
    await apart(harness, OTHER, MOTHER)
    await answers(harness, senders.registers(harness.clock.now(), MOTHER, 8))
    for sequence, number in enumerate((MOTHER, OTHER), 9):
        harness.clock.advance(timedelta(minutes=5))
        custody = [{"guardian": person(number)}, {"guardian": person(FATHER)}]
        await answers(harness, senders.registers(harness.clock.now(), CHILD, sequence, custody=custody))
        assert (await sees(harness, (PN, number), (PN, CHILD)))[0] is (number == MOTHER)


@pytest.mark.parametrize("late", [timedelta(), timedelta(minutes=3)], ids=str)
async def test_each_loss_is_told_once_under_an_id_of_its_own(harness: WorkerHarness, late: timedelta) -> None:
    """Two principals lose the one whom a court appointed for both, and who may have been the other."""
    senders, principals = harness.senders, (ADULT, FATHER)
    with_books(harness, TESTLAND.replace("    standing:\n", APPOINTING + "    standing:\n"))
    await one(harness, MOTHER, OTHER)
    court_order = {"court": "Testlands tingsrätt", "reference": "F 1-25", "date": "2025-01-02"}
    for principal in principals:
        appointed = senders.orders(
            harness.clock.now(),
            "appoint_representative",
            patient=person(principal),
            representative=person(OTHER),
            initiative="resident",
            court_order={**court_order, "duties": ["person"]},
        )
        assert await answers(harness, appointed) == [("executed", ())]
    harness.clock.advance(timedelta(minutes=5))
    said = senders.registers(harness.clock.now() - late, OTHER, 6, separated_ids=[person(MOTHER)])
    await harness.hand_over(said)
    changes = read(await harness.out(), "access.changes.v1")
    lost = [(c.patient.id, c.service, c.unit) for c in changes if c.access == "lost" and c.viewer.id == OTHER]
    assert sorted(p for p, *_ in lost if p in principals) == sorted(principals)
    assert CHILD in {p for p, *_ in lost}, "whose guardian is the other, and who was named by this number"
    assert len(lost) == len(set(lost))
    assert len({c.change_id for c in changes}) == len(changes)


@pytest.mark.parametrize("asked", [ADULT, OTHER])
async def test_a_request_that_names_the_others_number_is_closed_and_must_be_made_anew(
    harness: WorkerHarness, asked: str
) -> None:
    with_books(harness, ASKED)
    await one(harness, ADULT, OTHER)
    await seals(harness, OTHER)
    request = harness.senders.orders(
        harness.clock.now(), "request_release", patient=person(asked), initiative="resident"
    )
    assert await answers(harness, request) == [("pending", ("awaiting_units",))]
    got = await apart(harness, OTHER, ADULT)
    # the former number leaves
    assert [outcome for outcome, _ in got] == (["executed"] if asked == ADULT else [])
    opinion = harness.senders.orders(
        harness.clock.now(),
        "unit_opinion",
        patient=person(asked),
        follows_up=request.order_id,
        opinion="agree",
    )
    await answers(harness, opinion)
    await answers(harness, harness.senders.registers(harness.clock.now(), ADULT, 9))
    await shut(harness, ADULT)
    assert (await sees(harness, (PN, OTHER), (PN, OTHER)))[0] is (asked == OTHER)
    assert await asked_to_look(harness)


async def test_three_who_were_taken_for_one_are_told_apart_by_one_word(harness: WorkerHarness) -> None:
    """What a release that named the third has ended shuts the two others again, each once."""
    third = "197006072387"
    await answers(
        harness, harness.senders.registers(START, OTHER, 1), harness.senders.registers(START, third, 1)
    )
    harness.clock.advance(timedelta(minutes=5))
    former = [person(OTHER), person(third)]
    await answers(harness, harness.senders.registers(harness.clock.now(), ADULT, 5, former_ids=former))
    await seals(harness, ADULT)
    harness.clock.advance(timedelta(minutes=5))
    release = harness.senders.orders(harness.clock.now(), "release_journal_seal", patient=person(third))
    assert await answers(harness, release) == [("executed", ())]
    harness.clock.advance(timedelta(minutes=5))
    await answers(harness, harness.senders.registers(harness.clock.now(), ADULT, 6, separated_ids=former))
    for number in (OTHER, third):
        await answers(harness, harness.senders.registers(harness.clock.now(), number, 7))
    assert len({await whose(harness, number) for number in (ADULT, OTHER, third)}) == 3
    await shut(harness, ADULT, OTHER)
    assert (await sees(harness, (PN, third), (PN, third)))[0] is True


RELEASED_BY_ALL = """
      - {id: all, cites: [TL-04], forms: [release_guardian_block], unanimity: true}
      - {id: ask, cites: [TL-04], forms: [request_release], offered: true, initiatives: [guardian],
         channels: {ehr_form: always}, deciders: [treating_physician], may_release: [guardian_block]}
      - {id: answer, cites: [TL-04], forms: [unit_opinion], offered: true, initiatives: [care],
         channels: {ehr_form: always}, deciders: [treating_physician]}
"""
SECOND = {"hsa_id": "SE2321000099-DOC2", "role": "treating_physician", "unit": "SE2321000099-SECO"}


async def test_a_request_for_one_who_has_no_custody_any_more_is_closed_too(harness: WorkerHarness) -> None:
    """The block is of all guardians, and the child's register names the mother no longer: only the request names her."""
    senders = harness.senders
    with_books(harness, TESTLAND.replace("    standing:\n", RELEASED_BY_ALL.lstrip("\n") + "    standing:\n"))
    await one(harness, MOTHER, OTHER)
    second, now = SECOND["hsa_id"], harness.clock.now()
    await answers(harness, senders.employs(now, second, [SECOND["role"]], unit=SECOND["unit"]))
    theirs = senders.form(now, "block_guardians", patient=person(CHILD), decided_by=SECOND)
    for block in (
        senders.orders(now, "block_guardians", patient=person(CHILD)),
        senders.signs(theirs, now, by=second),
    ):
        assert await answers(harness, block) == [("executed", ())]
    harness.clock.advance(timedelta(minutes=5))
    custody = [{"guardian": person(FATHER)}]
    await answers(harness, senders.registers(harness.clock.now(), CHILD, 7, custody=custody))
    release = senders.orders(
        harness.clock.now(), "release_guardian_block", patient=person(CHILD), guardians=[person(MOTHER)]
    )
    assert await answers(harness, release) == [("pending", ("awaiting_units",))]
    assert await apart(harness, OTHER, MOTHER) == [("executed", ())]
    opinion = senders.form(
        harness.clock.now(),
        "unit_opinion",
        patient=person(CHILD),
        decided_by=SECOND,
        follows_up=release.order_id,
        opinion="agree",
    )
    said = senders.signs(opinion, harness.clock.now(), by=second)
    assert await answers(harness, said) == [("refused", ("follow_up_unknown",))]
    assert await asked_to_look(harness)


async def test_whom_a_block_of_all_leaves_out_is_left_out_no_more_where_it_was_not_this_ones_child(
    harness: WorkerHarness,
) -> None:
    senders = harness.senders
    await one(harness, MOTHER, OTHER)
    block = senders.orders(harness.clock.now(), "block_guardians", patient=person(CHILD))
    assert await answers(harness, block) == [("executed", ())]
    release = senders.orders(
        harness.clock.now(), "release_guardian_block", patient=person(CHILD), guardians=[person(MOTHER)]
    )
    assert await answers(harness, release) == [("executed", ())]
    assert (await sees(harness, (PN, OTHER), (PN, CHILD)))[0] is True
    harness.clock.advance(timedelta(minutes=5))
    await answers(
        harness, senders.registers(harness.clock.now(), CHILD, 7, custody=[{"guardian": person(FATHER)}])
    )
    await apart(harness, OTHER, MOTHER)
    await answers(harness, senders.registers(harness.clock.now(), MOTHER, 8))
    for sequence, number in enumerate((MOTHER, OTHER), 9):
        harness.clock.advance(timedelta(minutes=5))
        custody = [{"guardian": person(number)}, {"guardian": person(FATHER)}]
        await answers(harness, senders.registers(harness.clock.now(), CHILD, sequence, custody=custody))
        assert await sees(harness, (PN, number), (PN, CHILD)) == (False, ("guardian_block",))
