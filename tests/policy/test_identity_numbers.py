"""What counts as an identity number, for whoever asks."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from sigill.policy.facts import Identity
from sigill.policy.identity_numbers import (
    NUMBER_FAULT,
    NumberError,
    NumberFault,
    NumberRules,
    same_but_check_digit,
    wrong_check_digit,
)
from sigill_contracts.vocabulary import IdType

PN, SN, RN = IdType.PERSONNUMMER, IdType.SAMORDNINGSNUMMER, IdType.RESERVNUMMER
STRICT = NumberRules()


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("20161103-2382", PN, "201611032382"),
        ("201202292387", PN, "201202292387"),
        ("197010632391", SN, "197010632391"),
        ("19150088 2392", SN, "191500882392"),
        ("191503602391", SN, "191503602391"),
        ("ta20250017", RN, "TA20250017"),
        ("99120304 0001", RN, "991203040001"),
    ],
)
def test_a_number_shows_its_kind(text: str, kind: IdType, number: str) -> None:
    assert STRICT.read(text) == Identity(kind, number)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("1803052382", NumberFault.CENTURY_MISSING),
        ("20180305238", NumberFault.TOO_FEW_DIGITS),
        ("201813052382", NumberFault.NO_SUCH_DATE),
        ("201902292383", NumberFault.NO_SUCH_DATE),
        ("201803052389", NumberFault.CHECK_DIGIT),
        ("abc", NumberFault.NOT_A_NUMBER),
        ("٢٠١٨٠٣٠٥٢٣٨٢", NumberFault.NOT_A_NUMBER),
    ],
)
def test_a_number_that_is_nobodys_says_why(text: str, fault: NumberFault) -> None:
    with pytest.raises(NumberError) as refused:
        STRICT.read(text)
    assert refused.value.fault is fault
    assert text not in str(refused.value)


def test_a_stated_kind_must_fit_the_number() -> None:
    assert STRICT.fault_of(PN, "197010632391") is NumberFault.CO_ORDINATION_NUMBER
    assert STRICT.fault_of(SN, "201611032382") is NumberFault.PERSONAL_NUMBER
    assert STRICT.fault_of(PN, "201611032382", on=date(2016, 11, 2)) is NumberFault.DATE_AHEAD
    assert STRICT.fault_of(PN, "201611032382", on=date(2016, 11, 3)) is None


def test_a_regions_reserve_numbers_have_its_own_form() -> None:
    rules = NumberRules({"kronoberg": "99[0-9]{10}", "vastra-gotaland": "20[0-9]{6}R[0-9]{3}"})
    assert rules.fault_of(RN, "991203040001", region="kronoberg") is None
    assert rules.fault_of(RN, "TA20250017", region="kronoberg") is NumberFault.RESERVE_NUMBER_SHAPE
    assert rules.fault_of(RN, "TA20250017", region="jamtland-harjedalen") is None
    assert rules.read("20120304R001").id_type is RN


def test_an_invented_persons_number_counts_where_it_may() -> None:
    invented = "201803052382"
    assert wrong_check_digit(invented)
    assert NumberRules(test_numbers=True).fault_of(PN, invented) is None
    assert STRICT.fault_of(PN, invented) is NumberFault.CHECK_DIGIT
    # another serial is nobody's invention
    right = int(luhn.calc_check_digit("180305123"))
    other = f"20180305123{(right + 1) % 10}"
    assert NumberRules(test_numbers=True).fault_of(PN, other) is NumberFault.CHECK_DIGIT
    assert "201803052389" in same_but_check_digit(invented)
    assert invented not in same_but_check_digit(invented)


@given(st.text(max_size=25))
def test_any_text_is_a_number_or_has_a_fault(text: str) -> None:
    try:
        found = STRICT.read(text)
    except NumberError as error:
        assert error.text is NUMBER_FAULT[error.fault]
    else:
        assert STRICT.fault_of(found.id_type, found.number) is None


def test_every_fault_has_words() -> None:
    assert NUMBER_FAULT.keys() == set(NumberFault)
