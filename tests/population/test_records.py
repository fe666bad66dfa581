"""A line of a register file: read as tolerantly as a message of the register."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigill.judgement.transitions import next_milestone
from sigill.policy.calendar import BirthDate
from sigill.policy.facts import Person, PersonVersion
from sigill.policy.rulebook import Rulebooks
from sigill.population.load import KeyMaker
from sigill.population.records import COLUMNS, Milestones, fields_of, plainly_right, read_line
from sigill.register.person_update import NobodyNamed
from sigill.store.values import identity_of
from sigill_contracts.keys import patient_key
from sigill_contracts.vocabulary import PersonId
from tests.population.conftest import RULEBOOKS, SECRET

GOOD = {
    "id_type": "personnummer",
    "id": "201504019999",
    "sequence": "3",
    "changed_at": "2026-01-02T00:00:00Z",
    "birth_date": "2015-04-01",
    "county": "14",
    "secrecy_mark": "f",
    "protected_registration": "f",
    "has_e_id": "f",
    "custody": "personnummer:198001019999:2015-04-01:;personnummer:198101019999:2015-04-01:2020-01-01",
}


KNOWN_AT = datetime(2026, 3, 1, tzinfo=UTC)


def line(**changed: str) -> list[str]:
    return [{**GOOD, **changed}.get(column, "") for column in COLUMNS]


def test_a_good_line_needs_no_second_look() -> None:
    assert plainly_right(line(), KNOWN_AT)
    assert read_line(line(), KNOWN_AT).set_aside == ()


@pytest.mark.parametrize(
    ("changed", "set_aside"),
    [
        ({"birth_date": "2015-02-30"}, "birth_date"),
        ({"birth_date": "2027-01-01"}, "birth_date"),
        ({"birth_date": "15-02-03"}, "birth_date"),
        ({"birth_date": "9999-12-31"}, "birth_date"),
        ({"custody": "personnummer:201504019999::"}, "custody.guardian"),
        ({"custody": "personnummer:198001019999:2016-01-01:2015-01-01"}, "custody.to_date"),
        ({"custody": "mother"}, "custody"),
        ({"custody": "personnummer::2016-01-01:"}, "custody.guardian"),
        ({"deregistration": "death", "deregistration_date": "2014-01-01"}, "deregistration.date"),
        ({"deregistration": "death"}, "deregistration.date"),
        ({"deregistration": "lost", "deregistration_date": "2020-01-01"}, "deregistration.reason"),
        ({"former_ids": "personnummer:201504019999"}, "former_ids"),
        ({"former_ids": "x"}, "former_ids"),
        ({"changed_at": "2026-01-02T00:00:00"}, "changed_at"),
        ({"changed_at": "yesterday"}, "changed_at"),
        ({"changed_at": "2199-01-01T00:00:00Z"}, "changed_at"),
        ({"county": "Skåne"}, "county"),
        ({"protected_registration": "perhaps"}, "protected_registration"),
        ({"has_e_id": "perhaps"}, "has_e_id"),
        ({"coordination_status": "GONE"}, "coordination_status"),
        ({"identity_level": "SURE"}, "identity_level"),
        ({"given": "Only"}, "name"),
        ({"given": "A" * 300, "family": "Ek"}, "name"),
        ({"given": "A\x00", "family": "Ek"}, "name"),
    ],
)
def test_a_mark_is_taken_from_a_line_whatever_stands_beside_it(
    changed: dict[str, str], set_aside: str
) -> None:
    fields = line(**{"secrecy_mark": "t", **changed})
    assert not plainly_right(fields, KNOWN_AT)
    update = read_line(fields, KNOWN_AT)
    assert set_aside in update.set_aside
    assert update.protected
    assert update.changed_at <= KNOWN_AT


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "2015-0401"},
        {"id_type": "passport", "id": "A1504019999"},
        {"sequence": "-1"},
        {"sequence": "x"},
    ],
)
def test_whom_a_line_is_about_must_be_readable(changed: dict[str, str]) -> None:
    with pytest.raises(NobodyNamed):
        read_line(line(**changed), KNOWN_AT)


def test_a_custody_that_has_no_end_yet_may_say_so_as_others_do() -> None:
    fields = line(
        custody="personnummer:198001019999:0001-01-01:9999-12-31;personnummer:198101019999:2016-01-01"
    )
    assert not plainly_right(fields, KNOWN_AT)
    update = read_line(fields, KNOWN_AT)
    assert [(c.from_date, c.to_date) for c in update.custody] == [(None, None), (date(2016, 1, 1), None)]
    assert update.set_aside == ()


def test_a_line_of_the_wrong_width_is_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        read_line(line()[:-1], KNOWN_AT)


def test_a_quote_takes_no_other_field_with_it() -> None:
    assert fields_of(",".join(line(given='"Prov', family="Ek"))) == line(given='"Prov', family="Ek")
    assert fields_of(",".join(line(given='"Prov, N"', family="Ek"))) == line(given="Prov, N", family="Ek")


_TEXTS = {
    "birth_date": st.sampled_from(
        ["2015", "2015-04", "2015-13", "2015-04-01", "2016-02-29", "2015-02-29", "2026", ""]
    ),
    "changed_at": st.sampled_from(["2026-01-02T00:00:00Z", "2014-01-01T00:00:00+01:00", "2026-01-02", ""]),
    "sequence": st.sampled_from(["0", "12", "9999999999", "٣", ""]),
    "county": st.sampled_from(["14", "1", "", "144"]),
    "secrecy_mark": st.sampled_from(["t", "f", "", "true"]),
    "custody": st.sampled_from(
        ["", "::2015-04-01:", "::", "personnummer:201504019999::", GOOD["custody"], "a:b:c:d"]
    ),
    "deregistration": st.sampled_from(["", "death", "emigration", "other", "x"]),
    "deregistration_date": st.sampled_from(["", "2020-01-01", "2020-02-30", "1999-01-01"]),
    "identity_level": st.sampled_from(["", "OSAKER", "osaker"]),
    "former_ids": st.sampled_from(["", "reservnummer:F0000000001", "x"]),
    "given": st.sampled_from(["", "Prov"]),
    "family": st.sampled_from(["", "Provsson"]),
}


@given(st.fixed_dictionaries({}, optional=_TEXTS))
def test_of_what_is_plainly_right_nothing_is_set_aside(changed: dict[str, str]) -> None:
    fields = line(**changed)
    if plainly_right(fields, KNOWN_AT):
        assert read_line(fields, KNOWN_AT).set_aside == ()


@given(st.from_regex(r"[0-9A-Za-z]{8,20}", fullmatch=True))
def test_keys_are_the_contracts_keys(number: str) -> None:
    assert KeyMaker(SECRET, "v3").of(number) == patient_key(number, SECRET, "v3")


@settings(deadline=None)  # the first example reads the rulebooks
@given(
    st.sampled_from(
        ["2008", "2010-12", "2012-02-29", "2013-11-24", "2013-12-20", "2026-11-01", "1950-01-01"]
    ),
    st.sampled_from(["07", "08", "14", "23", "01", ""]),
    st.integers(0, 400),
)
def test_timers_are_those_of_the_policy(birth: str, county: str, days: int) -> None:
    books = _books()
    after = datetime(2026, 11, 24, 9, tzinfo=UTC) + timedelta(days)
    version = PersonVersion(after, identity_of(1, "201504019999"), county=county or None)
    timer = next_milestone(Person(PersonId("7"), "", BirthDate.parse(birth), (version,)), books, after)
    expected = ("", "", "") if timer is None else (str(timer.kind), timer.due_at.isoformat(), timer.region)
    milestones = Milestones(books, after)
    assert milestones.of(birth, county) == expected
    assert milestones.of(birth, county) == expected


@cache
def _books() -> Rulebooks:
    return Rulebooks.of(*(path.read_text("utf-8") for path in sorted(RULEBOOKS.glob("*.yaml"))))
