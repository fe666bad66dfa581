"""The table of measures covers every kind, and agrees with the forms that impose and release them."""

import pytest

from sigill.policy.measure_specs import AGAINST_GUARDIANS, MEASURE_SPECS
from sigill.policy.sentences import MEASURE
from sigill_contracts.vocabulary import IMPOSES, RELEASES, MeasureKind, Service


@pytest.mark.parametrize("kind", MeasureKind)
def test_every_kind_can_be_imposed_released_said_and_keyed_in(kind: MeasureKind) -> None:
    spec = MEASURE_SPECS[kind]
    assert [form for form, imposed in IMPOSES.items() if imposed is kind]
    assert [form for form, released in RELEASES.items() if released is kind]
    assert MEASURE[kind].sv
    assert spec.services
    assert Service.PAPER_COPY not in spec.services
    assert all(place.begins != place.ends for place in spec.keyed_into)
    assert spec.keyed_into


def test_what_is_against_guardians_protects_and_names_them() -> None:
    assert sorted(AGAINST_GUARDIANS) == ["guardian_block", "guardian_restriction"]
    assert all(MEASURE_SPECS[kind].told_guardians for kind in AGAINST_GUARDIANS)
