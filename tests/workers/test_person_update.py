"""A register's message as registers really send it: what protects is taken from what can be read."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sigill.policy.calendar import BirthDate
from sigill.policy.facts import Identity
from sigill.register.person_update import NobodyNamed, PersonUpdate, read_person
from sigill_contracts.vocabulary import IdType

ARRIVED = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
CHILD, MOTHER = "201803052382", "198501012384"


def read(**fields: Any) -> PersonUpdate:
    message = {
        "person": {"id_type": "personnummer", "id": CHILD},
        "sequence": 3,
        "changed_at": "2026-03-01T08:00:00Z",
        "birth_date": "2018-03-05",
        "secrecy_mark": True,
        "custody": [{"guardian": {"id_type": "personnummer", "id": MOTHER}}],
        **fields,
    }
    return read_person(json.dumps({k: v for k, v in message.items() if v is not ...}).encode(), ARRIVED)


@pytest.mark.parametrize(
    ("fields", "set_aside"),
    [
        ({}, ()),
        ({"hair": "red"}, ("?",)),
        ({"name": {"given": "", "family": "Ek"}}, ("name",)),
        ({"name": {"given": "A" * 5000, "family": "Ek"}}, ("name",)),
        ({"name": {"given": "A\u0000", "family": "Ek"}}, ("name",)),
        ({"name": {"given": "Ada", "family": "Ek", "middle": "B"}}, ()),
        ({"name": "Ada Ek"}, ("name",)),
        ({"county": "7"}, ("county",)),
        ({"county": "0\u0000"}, ("county",)),
        ({"county": 7}, ()),
        ({"county": " 07 "}, ()),
        ({"birth_date": "2018-03-00"}, ()),
        ({"birth_date": "20180305"}, ()),
        ({"birth_date": "0001-01-01"}, ("birth_date",)),
        ({"birth_date": "9999-12-31"}, ("birth_date",)),
        ({"birth_date": ...}, ("birth_date",)),
        ({"birth_date": [2018]}, ("birth_date",)),
        ({"birth_date": 2018}, ()),
        ({"birth_date": 20180305}, ()),
        ({"birth_date": "2018-03-05T00:00:00"}, ()),
        ({"changed_at": "9999-12-31T23:59:59-14:00"}, ("changed_at",)),
        ({"changed_at": "0001-01-01T00:00:00+14:00"}, ()),
        ({"changed_at": "lately"}, ("changed_at",)),
        ({"coordination_status": "NYTT"}, ("coordination_status",)),
        ({"deregistration": {"reason": "moved", "date": "2026-01-01"}}, ("deregistration.reason",)),
        ({"former_ids": [{"id_type": "personnummer", "id": "x"}]}, ("former_ids",)),
        ({"separated_ids": [{"id_type": "personnummer", "id": "x"}]}, ("separated_ids",)),
        ({"separated_ids": {"id_type": "personnummer", "id": MOTHER}}, ("separated_ids",)),
        ({"separated_ids": [{"id_type": "personnummer", "id": CHILD}]}, ("separated_ids",)),
        ({"custody": [{"guardian": {"id_type": "PERSONNUMMER", "id": f"{MOTHER[:8]}-{MOTHER[8:]}"}}]}, ()),
        ({"custody": [{"guardian": {"id_type": "personnummer", "id": MOTHER}, "share": 1}]}, ("custody.?",)),
        ({"custody": {"guardian": {"id_type": "personnummer", "id": MOTHER}}}, ()),
        ({"custody": [{"guardian": MOTHER}]}, ()),
        ({"custody": [{"guardian": {"id_type": "personnummer", "id": int(MOTHER)}}]}, ()),
        ({"custody": [{"guardian": {"id": f" {MOTHER} "}}]}, ()),
        ({"custody": [{"guardian": {"id_type": "samordningsnummer", "id": MOTHER}}]}, ()),
        ({"person": CHILD}, ()),
        ({"former_ids": ["198504612389"]}, ()),
        ({"former_ids": {"id_type": "samordningsnummer", "id": "198504612389"}}, ()),
        ({"replaced_by": "x"}, ("replaced_by",)),
        ({"sequence": "3"}, ("sequence",)),
        ({"sequence": 3.0}, ("sequence",)),
    ],
)
def test_a_mark_and_a_guardian_are_never_lost_for_a_trifle(
    fields: dict[str, Any], set_aside: tuple[str, ...]
) -> None:
    update = read(**fields)
    assert update.protected
    assert update.guardians == (Identity(IdType.PERSONNUMMER, MOTHER),)
    assert update.set_aside == set_aside
    assert update.changed_at <= ARRIVED


@pytest.mark.parametrize(
    ("written", "meant"), [("J", True), ("0", False), (1, True), (None, False), ({}, True)]
)
def test_a_mark_that_cannot_be_read_counts_as_set(written: Any, meant: bool) -> None:
    assert read(secrecy_mark=written).protected is meant


def test_a_birth_date_without_a_day_is_as_wide_as_it_is() -> None:
    assert read(birth_date="2018-03-00").birth == BirthDate.parse("2018-03")
    assert read(birth_date="2018-00-00").birth == BirthDate.parse("2018")
    assert read(birth_date="never").birth == BirthDate.parse("2018-03-05")


def test_a_death_counts_in_whatever_case_it_is_written() -> None:
    told = read(deregistration={"reason": "DEATH", "date": "2026-02-01"})
    assert (told.died_on, told.set_aside) == (date(2026, 2, 1), ())


def test_a_number_that_a_message_gives_and_takes_stays_the_persons() -> None:
    """In doubt two numbers are one person's: what shuts either shuts both."""
    number = {"id_type": "personnummer", "id": MOTHER}
    told = read(former_ids=[number], separated_ids=[number], custody=[])
    assert (len(told.numbers), told.separated, told.set_aside) == (2, (), ("separated_ids",))
    assert told.contradicts_itself


def test_a_death_counts_where_its_day_cannot_be_read() -> None:
    assert read(deregistration={"reason": "death", "date": "soon"}).died_on == date(2026, 3, 1)


def test_the_ends_of_time_are_no_bounds_of_custody() -> None:
    guardian = {"id_type": "personnummer", "id": MOTHER}
    [custody] = read(
        custody=[{"guardian": guardian, "from_date": "0001-01-01", "to_date": "9999-12-31"}]
    ).custody
    assert (custody.from_date, custody.to_date) == (None, None)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", None),
        ("20200102", date(2020, 1, 2)),
        ("2020-01-02T00:00:00", date(2020, 1, 2)),
        ("2020-01-01T23:00:00Z", date(2020, 1, 2)),
        ("2020-07-01T23:00:00+00:00", date(2020, 7, 2)),
        ("0001-01-01T00:00:00", None),
        ("9999-12-31T23:59:59.9999999", None),
        ("9999-12-31T23:59:59Z", None),
    ],
)
def test_a_day_is_read_out_of_a_moment(written: str, meant: date | None) -> None:
    guardian = {"id_type": "personnummer", "id": MOTHER}
    [custody] = read(custody=[{"guardian": guardian, "from_date": written}]).custody
    assert custody.from_date == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2018-03-05T00:00:00", "2018-03-05"),
        ("2018-03-04T23:00:00Z", "2018-03-05"),
        ("2018-07-04T22:00:00+00:00", "2018-07-05"),
        ("2018-03-00T00:00:00", "2018-03"),
    ],
)
def test_a_birth_date_that_is_written_as_a_moment_is_the_swedish_day(written: str, meant: str) -> None:
    """A day too early would let a child log in, and end what protects it, before its birthday."""
    told = read(birth_date=written)
    assert (str(told.birth), told.set_aside) == (meant, ())


@pytest.mark.parametrize("written", ["850101-2384", MOTHER[2:], "0" * 11, "mother"])
def test_a_number_that_nobody_can_have_is_a_guardian_unknown_and_is_told_of(written: str) -> None:
    told = read(custody=[{"guardian": {"id_type": "personnummer", "id": written}}])
    assert [c.guardian for c in told.custody] == [None]
    assert told.set_aside == ("custody.guardian",)


def test_custody_whose_time_cannot_be_read_lets_nobody_in() -> None:
    guardian = {"id_type": "personnummer", "id": MOTHER}
    update = read(custody=[{"guardian": guardian, "to_date": "then"}, {"guardian": guardian}])
    assert len(update.custody) == 1
    assert (
        read(custody=[{"guardian": guardian, "from_date": "2020-01-02", "to_date": "2020-01-01"}]).custody
        == ()
    )


def test_a_stamp_far_ahead_is_the_arrival_and_a_mark_holds_at_once() -> None:
    ahead = (ARRIVED + timedelta(minutes=2)).isoformat()
    assert read(changed_at=ahead).changed_at == ARRIVED
    assert read(changed_at=ahead, secrecy_mark=False).changed_at > ARRIVED
    assert read(changed_at="2027-01-01T00:00:00Z", secrecy_mark=False).changed_at == ARRIVED


@pytest.mark.parametrize(
    "fields",
    [
        {"person": ...},
        {"person": {"id_type": "?", "id": "A180305"}},
        {"person": {"id_type": "personnummer", "id": CHILD[2:]}},
        {"sequence": 3.5},
        {"sequence": "three"},
        {"sequence": True},
        {"sequence": 2**63},
        {"sequence": "9" * 30},
    ],
)
def test_whom_it_is_about_must_be_readable(fields: dict[str, Any]) -> None:
    with pytest.raises(NobodyNamed):
        read(**fields)
