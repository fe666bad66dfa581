"""What a patient's extract of the access log leaves out, since an order says that somebody must not know (X-23)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sigill.operations.extracts import Extract, Secrets, for_patient
from sigill.policy.rulebook import RegistrationSeries
from sigill.store.access_log import AccessLogEntry, LoggedAccess
from sigill_contracts.vocabulary import PersonId

AT = datetime(2027, 1, 7, 9, tzinfo=UTC)


def extract(*shown: str) -> Extract:
    looks = [AccessLogEntry("op", "unit", PersonId("1"), "reason", text) for text in shown]
    return Extract(
        ("201403032385",), AT, tuple(LoggedAccess(place, AT, look) for place, look in enumerate(looks))
    )


@pytest.mark.parametrize("pattern", ["RS {year}-{number}", "REG.{year} NR {number}", "{number}-{year}/"])
def test_a_look_at_an_order_of_a_regions_own_series_is_left_out_like_any(pattern: str) -> None:
    number = RegistrationSeries(since=AT.date(), pattern=pattern).numbered(AT.date(), "7F3A9CQDXW")
    made = extract(
        f"order {number}, masked", f"case {number}", f"archive package {number}.", "access at 2027"
    )
    told = for_patient(made, Secrets(), {number, "SIGILL-20250310-7F3A9CQDXW"})
    assert [one.look_id for one in told.looks] == [3]
    assert told.left_out == 3


def test_a_look_whose_reason_names_the_order_is_left_out() -> None:
    """Whoever enters an order by phone looks for that order, before it has a number."""
    made = extract("what the rules say before signing", "access at 2027")
    first, second = made.looks
    phone = replace(
        first, look=replace(first.look, reason="phone order 0192f0c1-0000-7000-8000-000000000001")
    )
    told = for_patient(
        replace(made, looks=(phone, second)), Secrets(), {"0192f0c1-0000-7000-8000-000000000001"}
    )
    assert [one.look_id for one in told.looks] == [1]


def test_a_number_that_another_begins_with_is_not_that_one() -> None:
    made = extract("order SIGILL-1, masked", "order SIGILL-12, masked", "order SIGILL-1-X, masked")
    assert [one.look_id for one in for_patient(made, Secrets(), {"SIGILL-1"}).looks] == [1, 2]
    assert for_patient(made, Secrets(), set()).left_out == 0
