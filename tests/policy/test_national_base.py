"""A version on the national base, what is never shown, and on-call time: what is read, and what is refused in words."""

from datetime import UTC, date, datetime

import pytest

from sigill.policy.calendar import easter
from sigill.policy.rulebook import RulebookError, is_on_call, parse
from sigill.rulebook_docs.clauses import shown_words
from sigill.rulebook_docs.files import NATIONAL, SHIPPED, load
from sigill_contracts.vocabulary import Form
from tests.kit.berget import BERGET
from tests.kit.solbygden import SOLBYGDEN

BASE = parse(NATIONAL.read_text("utf-8"))


def changed(old: str, new: str) -> str:
    assert old in BERGET
    return BERGET.replace(old, new)


def test_an_entry_without_forms_is_the_bases_but_for_its_clauses() -> None:
    version = parse(BERGET, BASE).versions[0]
    block = next(e for e in version.entries if e.id == "block")
    assert block.forms == (Form.BLOCK_GUARDIANS,)
    assert block.deciders == ("head_of_unit",)
    assert block.cites == ("BE-01",)
    assert block.services == next(e for e in BASE.versions[0].entries if e.id == "block").services
    assert len(version.entries) == len(BASE.versions[0].entries)


def test_what_is_dropped_of_the_base_is_gone_and_has_a_reason() -> None:
    reason = '    drops: {unblock: {sv: "Finns inte.", en: "There is none."}}\n    documents: [B1]\n'
    version = parse(changed("    documents: [B1]\n", reason), BASE).versions[0]
    assert not version.offers(Form.RELEASE_GUARDIAN_BLOCK)
    with pytest.raises(RulebookError, match="drops unblock of the national base without a reason"):
        parse(changed("    documents: [B1]\n", "    drops: [unblock]\n    documents: [B1]\n"), BASE)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("base: nationwide", "base: worldwide", "base"),
        ("{id: block, cites", "{id: blok, cites", "forms"),
        (
            "deciders: [head_of_unit]}",
            "when: {on_call: true}, deciders: [head_of_unit]}",
            "`daytime` is not said",
        ),
        (
            "    entries:",
            "    shown: [{id: hidden, cites: [BE-01]}]\n    entries:",
            "shown rule hidden hides nothing",
        ),
        (
            "    entries:",
            "    shown: [{id: hidden, cites: [BE-01], except_units: {}}]\n    entries:",
            "names no unit",
        ),
        (
            "    entries:",
            '    daytime: {from: "17:00", to: "08:00"}\n    entries:',
            "`from` is not before `to`",
        ),
    ],
)
def test_a_mistake_is_named(old: str, new: str, fault: str) -> None:
    with pytest.raises(RulebookError, match=fault):
        parse(changed(old, new), BASE)


def test_a_base_takes_the_national_file() -> None:
    with pytest.raises(RulebookError, match="no national file is read"):
        parse(BERGET)


def test_a_region_without_a_file_is_judged_by_the_base_and_an_unknown_one_by_nothing() -> None:
    books, _ = load()
    assert books.book_of("kalmar") is books.national
    assert books.book_of("nowhere") is None
    assert books.book_of("nationwide") is None
    assert books.book_of("skane") is books.regions["skane"]  # type: ignore[index]


def test_daytime_is_swedish_time_on_working_days_that_are_no_holidays() -> None:
    daytime = parse((SHIPPED / "skane.yaml").read_text("utf-8"), BASE).versions[0].daytime
    assert daytime is not None

    def on_call(*when: int) -> bool:
        return is_on_call(daytime, datetime(*when, tzinfo=UTC))  # type: ignore[arg-type]

    assert not on_call(2024, 3, 4, 7, 0)  # Monday 08:00
    assert on_call(2024, 3, 4, 6, 59)
    assert not on_call(2024, 7, 1, 14, 59)  # summer time: 16:59
    assert on_call(2024, 7, 1, 15, 0)
    assert on_call(2024, 3, 2, 11, 0)  # Saturday
    assert on_call(2024, 3, 29, 11, 0)  # Good Friday
    assert on_call(2024, 5, 9, 10, 0)  # Ascension Day
    assert on_call(2024, 6, 21, 10, 0)  # Midsummer's Eve
    assert on_call(2024, 6, 6, 10, 0)  # the National Day


@pytest.mark.parametrize("day", [date(2000, 4, 23), date(2024, 3, 31), date(2025, 4, 20), date(2038, 4, 25)])
def test_easter_sunday(day: date) -> None:
    assert easter(day.year) == day


def test_what_is_hidden_reads_as_a_sentence() -> None:
    hidden = parse((SHIPPED / "jonkoping.yaml").read_text("utf-8"), BASE).versions[0].shown
    assert "Tidiga hypoteser" in shown_words(hidden[1]).sv
    assert "barnahus" in shown_words(hidden[0]).en


def test_the_made_up_region_needs_no_base() -> None:
    assert parse(SOLBYGDEN, BASE) == parse(SOLBYGDEN)


NAMED = (
    BERGET.replace("base: nationwide", "base: nationwide_named")
    + """\
  - since: 2027-01-01
    extends: 2026-01-01
    base: nationwide_named
    documents: [B1]
    entries:
      - {id: block, age: {until: 13}}
      - {id: unblock, cites: [BE-01]}
"""
)


def test_a_version_may_take_from_the_base_what_it_names_alone() -> None:
    """Beside what it extends, too: an entry without `forms` is the earlier version's, else the base's."""
    first, second = parse(NAMED, BASE).versions
    of_base = {entry.id: entry for entry in BASE.versions[0].entries}
    assert [entry.id for entry in first.entries] == ["block"]
    assert first.choices == ()
    assert [entry.id for entry in second.entries] == ["block", "unblock"]
    block, unblock = second.entries
    assert (block.cites, block.deciders) == (("BE-01",), ("head_of_unit",))
    assert (block.ends_at_age, block.age and block.age.until) == (of_base["block"].ends_at_age, 13)
    assert unblock == of_base["unblock"].model_copy(update={"cites": ("BE-01",)})
