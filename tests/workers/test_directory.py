"""What the directory says of units is kept in order; what contradicts itself is parked and stops nobody."""

from datetime import timedelta

from contracts.vocabulary import UnitId
from tests.workers.conftest import START, Office
from tests.workers.town import UNIT
from workers.store import dead_letters, units

NEW = "SE2321000099-NEW"


async def test_units_are_kept_in_order_and_late_messages_change_nothing(office: Office) -> None:
    town = office.town
    await office.hand_over(
        town.unit(START, name="Barnkliniken", clinic="paediatric"),
        town.unit(START, sequence=3, name="Barnkliniken", valid_through="2025-03-31", succeeded_by=NEW),
        town.unit(START, sequence=2, name="Sen"),
        town.unit(START, NEW, name="Barn- och ungdomskliniken"),
    )
    async with office.store.reading() as tx:
        known = await units.load(tx, [UnitId(UNIT)])
    assert known[UnitId(UNIT)].name == "Barnkliniken"
    assert known[UnitId(UNIT)].succeeded_by == NEW
    assert known[UnitId(NEW)].name == "Barn- och ungdomskliniken"


async def test_a_unit_that_succeeds_itself_or_ends_before_it_begins_is_parked_and_those_behind_it_pass(
    office: Office,
) -> None:
    town = office.town
    await office.hand_over(
        town.unit(START, succeeded_by=UNIT),
        town.unit(START, valid_from="2025-04-01", valid_through="2025-03-01"),
        town.unit(START + timedelta(minutes=1), NEW),
    )
    async with office.store.reading() as tx:
        known = await units.load(tx, [UnitId(UNIT), UnitId(NEW)])
        parked = await dead_letters.page(tx, topic="directory.units.v1")
    assert known[UnitId(UNIT)].name is None  # known from assignments only
    assert known[UnitId(NEW)].name == "Medicinkliniken"
    assert [str(one.record.reason) for one in parked] == ["contradicts_itself"] * 2
