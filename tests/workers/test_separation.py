"""Two persons who were taken for one: the register tells them apart, in any order of its messages."""

from datetime import timedelta
from typing import Any

import pytest

from sigill.policy.facts import Identity
from sigill.store import persons, tasks
from sigill.store.tasks import StoredTask
from sigill_contracts.vocabulary import IdType, PersonId
from tests.workers.conftest import START, Office, read
from tests.workers.rulebook import TESTLAND
from tests.workers.senders_kit import PN, answers, sees
from tests.workers.test_elsewhere import sent as elsewhere
from tests.workers.test_elsewhere import told
from tests.workers.test_settled_requests import ASKED, with_books
from tests.workers.town import ADULT, CHILD, FATHER, MOTHER, person

OTHER = "197006062396"
TEEN = "201101012387"
APPOINTING = """
      - {id: appoint, cites: [TL-03], forms: [appoint_representative], offered: true, services: [journal],
         court_order: person, initiatives: [resident], channels: {ehr_form: always}, deciders: [treating_physician]}
""".lstrip("\n")
DEAD = {"deregistration": {"reason": "death", "date": "2025-03-01"}}


async def whose(office: Office, number: str) -> PersonId:
    async with office.store.reading() as tx:
        identity = Identity(IdType.PERSONNUMMER, number)
        found = await persons.resolve(tx, [identity])
        same = await persons.merged(tx, found.values())
    return same.get(found[identity], found[identity])


async def one(office: Office, former: str, now: str, **more: object) -> None:
    """The register takes two numbers for one person's: `now` is the present one."""
    office.clock.advance(timedelta(minutes=5))
    told = office.town.registers(office.clock.now(), now, 5, former_ids=[person(former)], **more)
    await answers(office, told)


async def apart(
    office: Office, by: str, other: str, sequence: int = 6, **more: object
) -> list[tuple[str, tuple[str, ...]]]:
    """The record of one of them says that the other's number is another's."""
    office.clock.advance(timedelta(minutes=5))
    said = office.town.registers(office.clock.now(), by, sequence, separated_ids=[person(other)], **more)
    return await answers(office, said)


async def seals(office: Office, number: str) -> None:
    seal = office.town.orders(office.clock.now(), patient=person(number))
    assert await answers(office, seal) == [("executed", ())]


async def asked_to_look(office: Office) -> list[StoredTask]:
    async with office.store.reading() as tx:
        return list(await tasks.page(tx, kinds=["persons_separated"]))


async def shut(office: Office, *numbers: str) -> None:
    for number in numbers:
        assert await sees(office, (PN, number), (PN, number)) == (False, ("journal_seal",)), number


@pytest.mark.parametrize("known", [True, False], ids=["both known before", "one number alone"])
@pytest.mark.parametrize("under", [ADULT, OTHER])
@pytest.mark.parametrize("speaker", [OTHER, ADULT])
async def test_a_seal_of_the_one_is_both_ones_when_they_turn_out_to_be_two(
    office: Office, known: bool, under: str, speaker: str
) -> None:
    if known:
        await answers(office, office.town.registers(START, OTHER, 1))
    await one(office, ADULT, OTHER)
    await seals(office, under)
    await apart(office, speaker, ADULT if speaker == OTHER else OTHER)
    assert await whose(office, ADULT) != await whose(office, OTHER)
    # the second of the two says so as well, and something new of itself
    second = ADULT if speaker == OTHER else OTHER
    await apart(office, second, speaker, 7, county="14")
    await shut(office, ADULT, OTHER)
    # each is released by itself
    release = office.town.orders(office.clock.now(), "release_journal_seal", patient=person(ADULT))
    assert await answers(office, release) == [("executed", ())]
    assert (await sees(office, (PN, ADULT), (PN, ADULT)))[0] is True
    await shut(office, OTHER)


async def test_a_seal_from_before_they_were_one_is_both_ones_too(office: Office) -> None:
    await answers(office, office.town.registers(START, OTHER, 1))
    await seals(office, ADULT)
    await one(office, ADULT, OTHER)
    await apart(office, OTHER, ADULT)
    await answers(office, office.town.registers(office.clock.now(), ADULT, 9))
    await shut(office, ADULT, OTHER)


async def test_people_are_asked_to_look_at_what_stands_on_both(office: Office) -> None:
    await one(office, ADULT, OTHER)
    await seals(office, OTHER)
    await office.out()
    await apart(office, OTHER, ADULT)
    async with office.store.reading() as tx:
        found = await tasks.page(tx, kinds=["persons_separated"])
    assert len(found) == 1
    texts = (found[0].text.sv, found[0].text.en, found[0].subject)
    assert not [number for number in (ADULT, OTHER) for text in texts if number in text]


async def test_a_late_word_does_not_make_them_one_again(office: Office) -> None:
    await answers(office, office.town.registers(START, OTHER, 1))
    earlier = office.clock.now() - timedelta(minutes=1)
    await apart(office, ADULT, OTHER)
    await answers(office, office.town.registers(earlier, OTHER, 5, former_ids=[person(ADULT)]))
    assert await whose(office, ADULT) != await whose(office, OTHER)


async def test_both_words_in_one_batch_leave_them_two(office: Office) -> None:
    office.clock.advance(timedelta(minutes=5))
    now = office.clock.now()
    await office.hand_over(
        office.town.registers(now, OTHER, 5, former_ids=[person(ADULT)]),
        office.town.registers(now, OTHER, 6, separated_ids=[person(ADULT)]),
    )
    assert await whose(office, ADULT) != await whose(office, OTHER)


async def test_they_can_be_one_again_and_the_old_word_repeated_changes_nothing(office: Office) -> None:
    await one(office, ADULT, OTHER)
    office.clock.advance(timedelta(minutes=5))
    said = office.town.registers(office.clock.now(), ADULT, 6, separated_ids=[person(OTHER)])
    await answers(office, said)
    office.clock.advance(timedelta(minutes=5))
    again = office.town.registers(office.clock.now(), OTHER, 8, former_ids=[person(ADULT)])
    await answers(office, again)
    assert await whose(office, ADULT) == await whose(office, OTHER)
    await office.hand_over(said)
    assert await whose(office, ADULT) == await whose(office, OTHER)


async def test_said_again_it_writes_nothing(office: Office) -> None:
    await one(office, ADULT, OTHER)
    await seals(office, OTHER)
    await apart(office, OTHER, ADULT)
    await apart(office, ADULT, OTHER, 7)
    await office.out()
    async with office.store.reading() as tx:
        before = await tx.value("SELECT count(*) FROM person_version")
    await apart(office, OTHER, ADULT, 8)
    await apart(office, ADULT, OTHER, 9)
    async with office.store.reading() as tx:
        assert await tx.value("SELECT count(*) FROM person_version") == before
    assert await office.out() == []


async def test_a_grant_that_may_have_been_the_others_ends(office: Office) -> None:
    town = office.town
    await answers(
        office,
        town.registers(START, TEEN, 1, custody=[{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]),
    )
    await one(office, MOTHER, OTHER)
    grant = town.orders(
        office.clock.now(),
        "grant_guardian_access",
        patient=person(TEEN),
        guardians=[person(OTHER), person(FATHER)],
        initiative="guardian",
    )
    assert await answers(office, grant) == [("executed", ())]
    assert (await sees(office, (PN, OTHER), (PN, TEEN)))[0] is True
    office.clock.advance(timedelta(minutes=5))
    await office.hand_over(town.registers(office.clock.now(), OTHER, 6, separated_ids=[person(MOTHER)]))
    lost = {
        c.viewer.id
        for c in read(await office.out(), "access.changes.v1")
        if c.access == "lost" and c.patient.id == TEEN
    }
    assert lost == {OTHER}
    assert (await sees(office, (PN, FATHER), (PN, TEEN)))[0] is True
    for number in (OTHER, MOTHER):
        assert (await sees(office, (PN, number), (PN, TEEN)))[0] is False


async def test_a_block_of_the_one_is_not_passed_by_the_other(office: Office) -> None:
    town = office.town
    await one(office, MOTHER, OTHER)
    block = town.orders(
        office.clock.now(), "block_guardians", patient=person(CHILD), guardians=[person(OTHER)]
    )
    assert await answers(office, block) == [("executed", ())]
    await apart(office, OTHER, MOTHER)
    office.clock.advance(timedelta(minutes=5))
    await answers(office, town.registers(office.clock.now(), MOTHER, 8))
    for number in (MOTHER, OTHER):
        office.clock.advance(timedelta(minutes=5))
        custody = [{"guardian": person(number)}, {"guardian": person(FATHER)}]
        await answers(
            office, town.registers(office.clock.now(), CHILD, 9 + (number == OTHER), custody=custody)
        )
        assert await sees(office, (PN, number), (PN, CHILD)) == (False, ("guardian_block",))
    assert (await sees(office, (PN, FATHER), (PN, CHILD)))[0] is True


async def test_whom_of_the_two_a_child_has_is_not_known_until_the_child_is_told_of_again(
    office: Office,
) -> None:
    town = office.town
    await one(office, MOTHER, OTHER)
    assert (await sees(office, (PN, OTHER), (PN, CHILD)))[0] is True
    await apart(office, OTHER, MOTHER)
    assert (await sees(office, (PN, OTHER), (PN, CHILD)))[0] is False
    assert (await sees(office, (PN, MOTHER), (PN, CHILD)))[0] is False
    assert (await sees(office, (PN, FATHER), (PN, CHILD)))[0] is True
    office.clock.advance(timedelta(minutes=5))
    now, custody = office.clock.now(), [{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]
    await office.hand_over(town.registers(now, MOTHER, 8), town.registers(now, CHILD, 9, custody=custody))
    assert (await sees(office, (PN, MOTHER), (PN, CHILD)))[0] is True
    assert (await sees(office, (PN, OTHER), (PN, CHILD)))[0] is False


async def test_what_waits_under_the_others_number_is_judged_for_the_other(office: Office) -> None:
    town = office.town
    await one(office, ADULT, TEEN, birth_date="2011-01-01")
    grant = town.orders(
        office.clock.now(),
        "grant_guardian_access",
        patient=person(TEEN),
        guardians=[person(MOTHER)],
        initiative="guardian",
    )
    assert await answers(office, grant) == [("pending", ("custody_unconfirmed",))]
    await answers(office, town.registers(office.clock.now(), ADULT, 6, former_ids=[person(TEEN)]))
    got = await apart(office, TEEN, ADULT, birth_date="2011-01-01", custody=[{"guardian": person(MOTHER)}])
    assert got == [("executed", ())]
    assert (await sees(office, (PN, MOTHER), (PN, TEEN)))[0] is True


async def test_a_number_that_was_taken_back_can_be_anothers(office: Office) -> None:
    """A new number is given, the former one again, and the new one to somebody else."""
    await one(office, ADULT, OTHER)
    await seals(office, OTHER)
    office.clock.advance(timedelta(minutes=5))
    await answers(office, office.town.registers(office.clock.now(), ADULT, 6))
    await apart(office, OTHER, ADULT, 1)
    assert await whose(office, ADULT) != await whose(office, OTHER)
    await shut(office, ADULT, OTHER)


async def test_what_was_made_elsewhere_of_the_one_shuts_both_until_its_source_tells_it_again(
    office: Office,
) -> None:
    await answers(office, office.town.registers(START, OTHER, 1))
    await office.hand_over(elsewhere(told(patient=person(OTHER))))
    await one(office, OTHER, ADULT)
    await office.out()
    await apart(office, ADULT, OTHER)
    await answers(office, office.town.registers(office.clock.now(), OTHER, 7))
    for number in (OTHER, ADULT):
        assert (await sees(office, (PN, number), (PN, number)))[0] is False, number
    await office.out()
    office.clock.advance(timedelta(minutes=5))
    await office.hand_over(
        elsewhere(told(sequence=2, patient=person(OTHER), changed_at=office.clock.now().isoformat()))
    )
    assert (await sees(office, (PN, OTHER), (PN, OTHER)))[0] is False
    assert (await sees(office, (PN, ADULT), (PN, ADULT)))[0] is True
    assert {c.patient.id for c in read(await office.out(), "access.changes.v1")} == {ADULT}


@pytest.mark.parametrize("marked", [{"secrecy_mark": True}, {"has_e_id": False}, DEAD], ids=repr)
@pytest.mark.parametrize("of", ["the one before", "both while one"])
async def test_a_mark_or_a_death_counts_for_both_until_the_others_own_record_is_told(
    office: Office, marked: dict[str, Any], of: str
) -> None:
    town, before = office.town, of == "the one before"
    await answers(office, town.registers(START, OTHER, 1, **(marked if before else {})))
    await one(office, OTHER, MOTHER, **({} if before else marked))
    await apart(office, MOTHER, OTHER)
    office.clock.advance(timedelta(minutes=5))
    custody = [{"guardian": person(OTHER)}, {"guardian": person(FATHER)}]
    await answers(office, town.registers(office.clock.now(), CHILD, 9, custody=custody))
    assert (await sees(office, (PN, OTHER), (PN, CHILD)))[0] is False
    office.clock.advance(timedelta(minutes=5))
    await answers(office, town.registers(office.clock.now(), OTHER, 2))
    assert (await sees(office, (PN, OTHER), (PN, CHILD)))[0] is True


@pytest.mark.parametrize("released", [ADULT, OTHER])
@pytest.mark.parametrize("speaker", [ADULT, OTHER])
async def test_a_release_while_they_were_one_opens_only_whom_it_named(
    office: Office, released: str, speaker: str
) -> None:
    await answers(office, office.town.registers(START, OTHER, 1))
    await one(office, ADULT, OTHER)
    await seals(office, OTHER)
    office.clock.advance(timedelta(minutes=5))
    release = office.town.orders(office.clock.now(), "release_journal_seal", patient=person(released))
    assert await answers(office, release) == [("executed", ())]
    await apart(office, speaker, ADULT if speaker == OTHER else OTHER)
    await answers(office, office.town.registers(office.clock.now(), ADULT, 9))
    await answers(office, office.town.registers(office.clock.now(), OTHER, 9))
    assert (await sees(office, (PN, released), (PN, released)))[0] is True
    await shut(office, ADULT if released == OTHER else OTHER)
    assert len(await asked_to_look(office)) == 2


@pytest.mark.parametrize("agreed_of", [ADULT, OTHER])
async def test_a_request_that_was_agreed_to_opens_whom_both_named(office: Office, agreed_of: str) -> None:
    with_books(office, ASKED)
    await one(office, ADULT, OTHER)
    await seals(office, ADULT)
    office.clock.advance(timedelta(minutes=5))
    request = office.town.orders(
        office.clock.now(), "request_release", patient=person(OTHER), initiative="resident"
    )
    await office.hand_over(request)
    office.clock.advance(timedelta(minutes=5))
    agreed = office.town.orders(
        office.clock.now(),
        "unit_opinion",
        patient=person(agreed_of),
        follows_up=request.order_id,
        opinion="agree",
    )
    await office.hand_over(agreed)
    assert (await sees(office, (PN, OTHER), (PN, OTHER)))[0] is True
    await apart(office, OTHER, ADULT)
    await answers(office, office.town.registers(office.clock.now(), ADULT, 9))
    await shut(office, ADULT)
    assert (await sees(office, (PN, OTHER), (PN, OTHER)))[0] is (agreed_of == OTHER)


async def test_a_block_that_was_released_for_the_one_shuts_the_other_out_again(office: Office) -> None:
    town = office.town
    await one(office, MOTHER, OTHER)
    block = town.orders(
        office.clock.now(), "block_guardians", patient=person(CHILD), guardians=[person(OTHER)]
    )
    assert await answers(office, block) == [("executed", ())]
    office.clock.advance(timedelta(minutes=5))
    release = town.orders(
        office.clock.now(), "release_guardian_block", patient=person(CHILD), guardians=[person(MOTHER)]
    )
    assert await answers(office, release) == [("executed", ())]
    await apart(office, OTHER, MOTHER)
    await answers(office, town.registers(office.clock.now(), MOTHER, 8))
    for sequence, number in enumerate((MOTHER, OTHER), 9):
        office.clock.advance(timedelta(minutes=5))
        custody = [{"guardian": person(number)}, {"guardian": person(FATHER)}]
        await answers(office, town.registers(office.clock.now(), CHILD, sequence, custody=custody))
        assert (await sees(office, (PN, number), (PN, CHILD)))[0] is (number == MOTHER)


@pytest.mark.parametrize("late", [timedelta(), timedelta(minutes=3)], ids=str)
async def test_each_loss_is_told_once_under_an_id_of_its_own(office: Office, late: timedelta) -> None:
    """Two principals lose the one whom a court appointed for both, and who may have been the other."""
    town, principals = office.town, (ADULT, FATHER)
    with_books(office, TESTLAND.replace("    standing:\n", APPOINTING + "    standing:\n"))
    await one(office, MOTHER, OTHER)
    court_order = {"court": "Testlands tingsrätt", "reference": "F 1-25", "date": "2025-01-02"}
    for principal in principals:
        appointed = town.orders(
            office.clock.now(),
            "appoint_representative",
            patient=person(principal),
            representative=person(OTHER),
            initiative="resident",
            court_order={**court_order, "duties": ["person"]},
        )
        assert await answers(office, appointed) == [("executed", ())]
    office.clock.advance(timedelta(minutes=5))
    said = town.registers(office.clock.now() - late, OTHER, 6, separated_ids=[person(MOTHER)])
    await office.hand_over(said)
    changes = read(await office.out(), "access.changes.v1")
    lost = [(c.patient.id, c.viewer.id) for c in changes if c.access == "lost" and c.viewer.id == OTHER]
    assert sorted(p for p, _ in lost if p in principals) == sorted(principals)
    assert len(lost) == len(set(lost))
    assert len({c.change_id for c in changes}) == len(changes)


@pytest.mark.parametrize("asked", [ADULT, OTHER])
async def test_a_request_that_names_the_others_number_is_closed_and_must_be_made_anew(
    office: Office, asked: str
) -> None:
    with_books(office, ASKED)
    await one(office, ADULT, OTHER)
    await seals(office, OTHER)
    request = office.town.orders(
        office.clock.now(), "request_release", patient=person(asked), initiative="resident"
    )
    assert await answers(office, request) == [("pending", ("awaiting_units",))]
    got = await apart(office, OTHER, ADULT)
    # the former number leaves
    assert [outcome for outcome, _ in got] == (["executed"] if asked == ADULT else [])
    opinion = office.town.orders(
        office.clock.now(),
        "unit_opinion",
        patient=person(asked),
        follows_up=request.order_id,
        opinion="agree",
    )
    await answers(office, opinion)
    await answers(office, office.town.registers(office.clock.now(), ADULT, 9))
    await shut(office, ADULT)
    assert (await sees(office, (PN, OTHER), (PN, OTHER)))[0] is (asked == OTHER)
    assert await asked_to_look(office)


async def test_three_who_were_taken_for_one_are_told_apart_by_one_word(office: Office) -> None:
    """What a release that named the third has ended shuts the two others again, each once."""
    third = "197006072387"
    await answers(office, office.town.registers(START, OTHER, 1), office.town.registers(START, third, 1))
    office.clock.advance(timedelta(minutes=5))
    former = [person(OTHER), person(third)]
    await answers(office, office.town.registers(office.clock.now(), ADULT, 5, former_ids=former))
    await seals(office, ADULT)
    office.clock.advance(timedelta(minutes=5))
    release = office.town.orders(office.clock.now(), "release_journal_seal", patient=person(third))
    assert await answers(office, release) == [("executed", ())]
    office.clock.advance(timedelta(minutes=5))
    await answers(office, office.town.registers(office.clock.now(), ADULT, 6, separated_ids=former))
    for number in (OTHER, third):
        await answers(office, office.town.registers(office.clock.now(), number, 7))
    assert len({await whose(office, number) for number in (ADULT, OTHER, third)}) == 3
    await shut(office, ADULT, OTHER)
    assert (await sees(office, (PN, third), (PN, third)))[0] is True
