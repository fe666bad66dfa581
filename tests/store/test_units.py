"""Units are kept with history, late messages change nothing, and a successor takes two operators."""

from datetime import date, timedelta

import asyncpg
import pytest

from sigill.store import proposals, staff, units
from sigill.store.session import Store
from sigill.store.units import NoSuccessorWanted
from sigill_contracts.directory import Assignment, StaffRecord, UnitRecord
from sigill_contracts.vocabulary import Role, UnitId
from tests.kit.rows import DAY, T0

OLD, NEW, OTHER = UnitId("SE2321000065-OLD"), UnitId("SE2321000065-NEW"), UnitId("SE2321000065-OTHER")
TODAY = date(2026, 1, 1)


def of(unit: str, sequence: int, **more: object) -> UnitRecord:
    told = {"unit": unit, "sequence": sequence, "changed_at": T0, "name": unit[-3:], "region": "kronoberg"}
    return UnitRecord.model_validate({**told, **more})


async def test_a_unit_is_known_as_it_was_told_and_as_it_was_known(store: Store) -> None:
    async with store.transaction(T0) as tx:
        assert await units.record_all(tx, [of(OLD, 2, clinic="paediatric"), of(OLD, 1, name="late")]) == [
            True,
            False,
        ]
    async with store.transaction(T0 + DAY) as tx:
        closed = of(OLD, 3, valid_through=date(2025, 12, 31), succeeded_by=NEW)
        assert await units.record_all(tx, [closed, of(NEW, 1), of(OLD, 3, name="again")]) == [
            True,
            True,
            False,
        ]
    async with store.reading() as tx:
        now = await units.load(tx, [OLD])
        before = await units.load(tx, [OLD], known_at=T0)
        named = await units.names(tx, [OLD, None, "SE1-NOBODY"])
        told = [sequence for sequence, *_ in await units.history(tx, OLD)]
    assert set(now) == {OLD, NEW}  # who asks for a unit gets those that succeeded it
    assert (now[OLD].succeeded_by, now[OLD].clinic, now[OLD].is_closed(TODAY)) == (NEW, None, True)
    assert (before[OLD].succeeded_by, before[OLD].clinic) == (None, "paediatric")
    assert named == {OLD: "OLD"}
    assert told == [3, 2]


async def test_the_region_told_of_a_unit_holds_whatever_an_assignment_there_says(store: Store) -> None:
    def employs(region: str, sequence: int) -> StaffRecord:
        at = Assignment(unit=OLD, region=region, roles=(Role.PHYSICIAN,))
        return StaffRecord(hsa_id="SE1-P1", sequence=sequence, changed_at=T0, assignments=(at,))

    async with store.transaction(T0) as tx:
        await staff.record(tx, employs("vastra-gotaland", 1))
        assert await staff.unit_regions(tx, [OLD]) == {OLD: "vastra-gotaland"}
        await units.record_all(tx, [of(OLD, 1)])
        await staff.record(tx, employs("jamtland-harjedalen", 2))
        assert await staff.unit_regions(tx, [OLD]) == {OLD: "kronoberg"}


async def test_a_circle_of_successors_ends(store: Store) -> None:
    async with store.transaction(T0) as tx:
        await units.record_all(tx, [of(OLD, 1, succeeded_by=NEW), of(NEW, 1, succeeded_by=OLD)])
        assert set(await units.load(tx, [OLD])) == {OLD, NEW}


async def test_two_operators_name_the_successor_of_a_closed_unit(store: Store) -> None:
    async with store.transaction(T0) as tx:
        await units.record_all(
            tx, [of(OLD, 1, valid_through=TODAY - timedelta(days=1)), of(NEW, 1), of(OTHER, 1)]
        )
        proposal = await units.propose_successor(tx, OLD, NEW, "anna", "Sammanslagning", TODAY)
        assert [one.unit for one in await units.page(tx, orphaned_on=TODAY)] == [OLD]
    with pytest.raises(proposals.SameOperator):
        async with store.transaction(T0) as tx:
            await units.approve_successor(tx, proposal, "anna", TODAY)
    async with store.transaction(T0) as tx:
        assert await units.approve_successor(tx, proposal, "bo", TODAY) == (OLD, NEW, 0)
        known = (await units.load(tx, [OLD]))[OLD]
        assert (known.succeeded_by, known.named_by_operators) == (NEW, True)
        assert await units.page(tx, orphaned_on=TODAY) == []
    async with store.transaction(T0 + DAY) as tx:
        # what the directory names later takes its place
        await units.record_all(tx, [of(OLD, 2, valid_through=TODAY - timedelta(days=1), succeeded_by=OTHER)])
        known = (await units.load(tx, [OLD]))[OLD]
        assert (known.succeeded_by, known.named_by_operators) == (OTHER, False)


@pytest.mark.parametrize(
    ("unit", "successor", "why"),
    [
        (NEW, OTHER, "no closed unit"),
        (OLD, UnitId("SE1-X"), "does not know"),
        (OLD, UnitId("SE2321000065-GONE"), "closed itself"),
        (OLD, UnitId("SE2321000131-FAR"), "different regions"),
    ],
)
async def test_no_successor_is_named_that_could_not_decide(
    store: Store, unit: UnitId, successor: UnitId, why: str
) -> None:
    yesterday = TODAY - timedelta(days=1)
    async with store.transaction(T0) as tx:
        gone, far = (
            of("SE2321000065-GONE", 1, valid_through=yesterday),
            of("SE2321000131-FAR", 1, region="vastra-gotaland"),
        )
        await units.record_all(tx, [of(OLD, 1, valid_through=yesterday), of(NEW, 1), of(OTHER, 1), gone, far])
        with pytest.raises(NoSuccessorWanted, match=why):
            await units.propose_successor(tx, unit, successor, "anna", "r", TODAY)


async def test_the_database_takes_no_successor_without_a_second_operator(
    store: Store, admin: asyncpg.Connection
) -> None:
    async with store.transaction(T0) as tx:
        proposal = await proposals.propose(tx, units.NAME_SUCCESSOR, f"{OLD} {NEW}", "anna", "r")
    insert = (
        "INSERT INTO unit_successor (unit, successor, proposal_id, known_from) VALUES ($1, $2, $3, now())"
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="two operators"):
        await admin.execute(insert, OLD, NEW, proposal)
    async with store.transaction(T0) as tx:
        await proposals.decide(tx, proposal, "bo", approved=True)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="two operators"):
        await admin.execute(insert, OLD, OTHER, proposal)
