"""What the directory says of staff and units is kept in order; what can be read of a message counts."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from sigill.directory.record_update import NothingNamed, read_staff, read_unit
from sigill.store import dead_letters, staff, units
from sigill_contracts.directory import StaffRecord, UnitRecord
from sigill_contracts.vocabulary import HsaId, Role, UnitId
from tests.kit.senders import DOCTOR, OPERATOR, REGION, UNIT
from tests.kit.worker_harness import START, WorkerHarness

OLD = "SE2321000099-OLD"
NEW = "SE2321000099-NEW"


async def test_units_are_kept_in_order_and_late_messages_change_nothing(harness: WorkerHarness) -> None:
    senders = harness.senders
    await harness.hand_over(
        senders.unit(START, name="Barnkliniken", clinic="paediatric"),
        senders.unit(START, sequence=3, name="Barnkliniken", valid_through="2025-03-31", succeeded_by=NEW),
        senders.unit(START, sequence=2, name="Sen"),
        senders.unit(START, NEW, name="Barn- och ungdomskliniken"),
    )
    async with harness.store.reading() as tx:
        known = await units.load(tx, [UnitId(UNIT)])
    assert known[UnitId(UNIT)].name == "Barnkliniken"
    assert known[UnitId(UNIT)].succeeded_by == NEW
    assert known[UnitId(NEW)].name == "Barn- och ungdomskliniken"


async def test_what_contradicts_itself_is_kept_and_the_rest_of_it_counts(harness: WorkerHarness) -> None:
    senders = harness.senders
    await harness.hand_over(
        senders.unit(START, succeeded_by=UNIT, name="Barnkliniken", clinic="paediatric"),
        senders.unit(START, OLD, valid_from="2025-04-01", valid_through="2025-03-01", succeeded_by=UNIT),
        senders.unit(START + timedelta(minutes=1), NEW),
    )
    async with harness.store.reading() as tx:
        known = await units.load(tx, [UnitId(unit) for unit in (UNIT, OLD, NEW)])
        parked = await dead_letters.page(tx, topic="directory.units.v1")
    assert known[UnitId(UNIT)].clinic == "paediatric"
    assert known[UnitId(UNIT)].succeeded_by is None
    assert known[UnitId(OLD)].valid_from is None
    assert known[UnitId(OLD)].valid_through == date(2025, 3, 1)
    assert known[UnitId(OLD)].succeeded_by == UNIT
    assert known[UnitId(NEW)].name == "Medicinkliniken"
    assert [str(one.record.reason) for one in parked] == ["contradicts_itself"] * 2


@pytest.mark.parametrize(
    ("fields", "set_aside"),
    [
        ({"hair": "red"}, ("?",)),
        ({"name": ""}, ("name",)),
        ({"name": "A" * 300}, ("name",)),
        ({"name": "A\u0000"}, ("name",)),
        ({"name": None}, ("name",)),
        ({"region": "Region Kronoberg"}, ("region",)),
        ({"care_provider": "-- ?"}, ("care_provider",)),
        ({"parent": 7}, ("parent",)),
        ({"valid_from": "spring"}, ("valid_from",)),
        ({"valid_from": "0001-01-01", "valid_through": "9999-12-31"}, ()),
        ({"valid_from": "2020-01-01T00:00:00+01:00"}, ()),
        ({"valid_from": ""}, ()),
        ({"changed_at": "2199-01-01T00:00:00Z"}, ("changed_at",)),
        ({"changed_at": "lately"}, ("changed_at",)),
        ({"sequence": "4"}, ("sequence",)),
    ],
)
def test_a_units_clinic_and_successor_are_never_lost_for_a_trifle(
    fields: dict[str, Any], set_aside: tuple[str, ...]
) -> None:
    message = {
        "unit": UNIT, "sequence": 4, "changed_at": "2025-03-10T08:00:00Z", "name": "Barn",
        "clinic": "paediatric", "succeeded_by": NEW, **fields,
    }  # fmt: skip
    update = read_unit(json.dumps(message).encode(), START)
    assert isinstance(update.says, UnitRecord)
    assert (update.says.clinic, update.says.succeeded_by, update.says.sequence) == ("paediatric", NEW, 4)
    assert update.says.valid_through is None
    assert update.says.changed_at <= START
    assert update.set_aside == set_aside


def test_a_unit_whose_last_day_cannot_be_read_is_closed() -> None:
    message = {
        "unit": UNIT, "sequence": 4, "changed_at": "2025-03-10T08:00:00Z", "name": "Barn",
        "valid_from": "2025-03-10", "valid_through": "31 June",
    }  # fmt: skip
    update = read_unit(json.dumps(message).encode(), START)
    assert isinstance(update.says, UnitRecord)
    assert update.says.valid_through == date(2025, 3, 9)
    assert update.says.valid_from is None
    assert update.set_aside == ("valid_through",)


GOOD = {"unit": UNIT, "region": REGION, "roles": ["physician"]}


@pytest.mark.parametrize(
    ("beside", "set_aside"),
    [
        ({**GOOD, "roles": ["dietician"]}, ("assignments.roles",)),
        ({**GOOD, "roles": ["dietician", "physician"], "unit": NEW}, ("assignments.roles",)),
        ({**GOOD, "title": "Dr"}, ("assignments.?",)),
        ({**GOOD, "unit": ""}, ("assignments.unit",)),
        ({**GOOD, "region": "Region Kronoberg"}, ("assignments.region",)),
        ({**GOOD, "through": "summer"}, ("assignments.days",)),
        ({**GOOD, "from_date": "2025-02-01", "through": "2025-01-01"}, ("assignments.through",)),
        ("physician", ("assignments",)),
    ],
)
def test_an_assignment_is_never_lost_for_another(beside: Any, set_aside: tuple[str, ...]) -> None:
    message = {
        "hsa_id": DOCTOR, "sequence": 1, "changed_at": "2025-03-10T08:00:00Z", "assignments": [beside, GOOD],
    }  # fmt: skip
    update = read_staff(json.dumps(message).encode(), START)
    assert isinstance(update.says, StaffRecord)
    assert update.says.assignments[-1].unit == UNIT
    assert all(one.roles == (Role.PHYSICIAN,) for one in update.says.assignments)
    assert all(one.through is None for one in update.says.assignments)
    assert update.set_aside == set_aside


@pytest.mark.parametrize(
    "message", [[], {}, {"hsa_id": DOCTOR, "sequence": 1}, {"sequence": 1, "assignments": []}]
)
def test_whom_a_message_is_about_and_what_it_says_must_be_readable(message: Any) -> None:
    with pytest.raises(NothingNamed):
        read_staff(json.dumps(message).encode(), START)


async def test_what_could_not_be_read_is_kept_and_those_behind_it_pass(harness: WorkerHarness) -> None:
    senders = harness.senders
    await harness.hand_over(
        senders.employs(START, DOCTOR, ["physician", "dietician"], sequence=2),
        senders.employs(START, OPERATOR, ["support_operator"], sequence=2),
    )
    async with harness.store.reading() as tx:
        known = await staff.load(tx, [HsaId(DOCTOR), HsaId(OPERATOR)])
        parked = await dead_letters.page(tx, topic="directory.staff.v1")
    assert known[HsaId(DOCTOR)].assignments[0].roles == {Role.PHYSICIAN}
    assert known[HsaId(OPERATOR)].assignments[0].roles == {Role.SUPPORT_OPERATOR}
    assert [str(one.record.reason) for one in parked] == ["partly_read"]
