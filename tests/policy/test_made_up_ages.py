"""A made-up region whose ages are all different, through everything that speaks of an age (X-29)."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from sigill.judgement import notices
from sigill.judgement.transitions import DueTimer, next_milestone, on_timer
from sigill.policy import sentences
from sigill.policy.access import AccessQuestion, decide
from sigill.policy.calendar import swedish_date
from sigill.policy.console_lexicon import WORDS
from sigill.policy.effects import AddTask, Notify, SetTimer, TimerKind
from sigill.policy.facts import PatientFacts
from sigill.policy.rulebook import Rulebooks
from sigill.population.examples import ages_of as every_set_of_ages
from sigill.population.rehearse import changes
from sigill.rulebook_docs.files import NATIONAL
from sigill.rulebook_docs.pages import ages_of
from sigill_contracts.vocabulary import AccessReason, MeasureKind, PersonId, RegionCode, Service, Template
from tests.kit.values import BARN, CHILD, GUN, family, local, measure

FJALLVIK = """
region: kronoberg
name: Region Fjällvik
counties: ["07"]
documents: {"F1": {title: "Region Fjällvik: Påhittad rutin"}}
rules:
  FV-01: {kind: [S], document: F1, sv: "Åldrarna är våra egna.", en: "The ages are our own."}
  FV-02: {kind: [T], document: F1, sv: "En låsning prövas vid egen inloggning.", en: "A lock is judged at the own login."}
versions:
  - since: 2020-01-01
    documents: [F1]
    ages: {guardian_until: 11, own_account_from: 12, own_record_from: 17, of_age: 19}
    reasons: {own_record: [FV-01]}
    standing:
      - {id: locked, cites: [FV-02], event: turned_13_locked, sv: "Pröva låsningen.", en: "Judge the lock."}
  - since: 2026-01-01
    extends: 2020-01-01
    documents: [F1]
    ages: {own_record_from: 14}
"""
BOOKS = Rulebooks.of(FJALLVIK, NATIONAL.read_text("utf-8"))
BORN = "2009-03-05"
_OTHERS_AGE = re.compile(r"(?<!\d)(13|15|16|18)(?!\d)")
REGION = RegionCode("kronoberg")


def told_in_a_life(
    facts: PatientFacts, books: Rulebooks = BOOKS
) -> Iterator[tuple[SetTimer, tuple[object, ...]]]:
    """Every birthday timer from birth on, with what follows from it at its own moment."""
    timer = next_milestone(facts.patient, books, local("2009-03-05T12:00"))
    while timer is not None:
        effects = on_timer(DueTimer(timer, facts), books, now=timer.due_at).effects
        just_before = timer.due_at - notices.INSTANT
        yield timer, notices.judged(effects, facts, just_before, timer.due_at, books)
        timer = next((e for e in effects if isinstance(e, SetTimer)), None)


def birthdays(facts: PatientFacts, books: Rulebooks = BOOKS) -> list[tuple[str, date]]:
    return [(str(t.kind), swedish_date(t.due_at)) for t, _ in told_in_a_life(facts, books)]


def test_timers_stand_on_the_regions_ages_and_follow_a_version_that_begins_later() -> None:
    """Born 2009, the own record comes at 17 in March 2026, but by the rules of 2026 at 14: that birthday is past."""
    assert birthdays(family(BORN)) == [
        ("age_13_ahead", date(2020, 2, 4)),
        ("age_13", date(2020, 3, 5)),
        ("age_13_ahead", date(2021, 2, 3)),
        ("age_13", date(2021, 3, 5)),
        ("age_18", date(2028, 3, 5)),
    ]
    younger = birthdays(family("2012-03-05"))
    assert ("age_16", date(2026, 3, 5)) in younger
    assert not {d for _, d in younger} & {
        date(2025, 3, 5),
        date(2027, 3, 5),
        date(2029, 3, 5),
        date(2030, 3, 5),
    }


def test_an_age_that_was_changed_after_a_timer_was_set_loses_no_birthday() -> None:
    """A timer of other ages tells nothing, and sets the one that the rules in force want."""
    facts = family("2012-03-05")
    stale = SetTimer(TimerKind.AGE_16, local("2028-03-05T00:00"), CHILD, REGION)
    transition = on_timer(DueTimer(stale, facts), BOOKS, now=stale.due_at)
    assert not [e for e in transition.effects if isinstance(e, Notify)]
    [timer] = [e for e in transition.effects if isinstance(e, SetTimer)]
    assert (timer.kind, swedish_date(timer.due_at)) == (TimerKind.AGE_18, date(2031, 3, 5))
    early = SetTimer(TimerKind.AGE_16, local("2025-03-05T00:00"), CHILD, REGION)
    [timer] = [
        e
        for e in on_timer(DueTimer(early, facts), BOOKS, now=early.due_at).effects
        if isinstance(e, SetTimer)
    ]
    assert (timer.kind, swedish_date(timer.due_at)) == (TimerKind.AGE_16_AHEAD, date(2026, 2, 3))


def test_notices_name_the_regions_ages_and_reach_no_inbox_that_a_guardian_reads() -> None:
    told: list[tuple[Template, str, date]] = []
    for born in (BORN, "2012-03-05"):
        for timer, effects in told_in_a_life(family(born)):
            for tell in effects:
                if isinstance(tell, Notify) and tell.suppressed is None:
                    assert not _OTHERS_AGE.search(f"{tell.text.sv} {tell.text.en}".replace("1177", "")), (
                        tell.text
                    )
                    told.append((tell.template, str(tell.to), swedish_date(timer.due_at)))
    assert (Template.AGE_13, str(CHILD), date(2021, 3, 5)) in told
    assert (Template.AGE_16, str(CHILD), date(2026, 3, 5)) in told
    # at 11 the guardians lose what they had, and the child has no login and no inbox of its own yet
    assert (Template.AGE_13, str(GUN), date(2020, 3, 5)) in told
    assert (Template.AGE_13, str(CHILD), date(2020, 3, 5)) not in told


def test_a_task_about_a_locked_login_comes_with_the_own_login() -> None:
    locked = replace(
        family(BORN),
        measures=(measure(MeasureKind.LOGIN_LOCK, "2019-01-01T09:00", services=(Service.E_SERVICES,)),),
    )
    days = [
        swedish_date(timer.due_at)
        for timer, effects in told_in_a_life(locked)
        for effect in effects
        if isinstance(effect, AddTask) and effect.kind == "lock_at_13"
    ]
    assert days == [date(2021, 3, 5)]


@pytest.mark.parametrize(
    ("viewer", "service", "at", "allowed"),
    [
        (GUN, Service.JOURNAL, "2020-03-04T23:59", True),
        (GUN, Service.JOURNAL, "2020-03-05T00:00", False),
        (CHILD, Service.E_SERVICES, "2021-03-04T23:59", False),
        (CHILD, Service.E_SERVICES, "2021-03-05T00:00", True),
        (CHILD, Service.JOURNAL, "2025-12-31T23:59", False),
        (CHILD, Service.JOURNAL, "2026-01-01T00:00", True),
    ],
)
def test_access_and_its_reasons_follow_the_regions_ages(
    viewer: str, service: Service, at: str, allowed: bool
) -> None:
    decision = decide(AccessQuestion(viewer, service, local(at), BARN), family(BORN), BOOKS)  # type: ignore[arg-type]
    assert decision.allowed is allowed
    for code in decision.codes:
        words = sentences.ACCESS[code]
        assert not _OTHERS_AGE.search(f"{words.sv} {words.en}".replace("1177", ""))


def test_a_rehearsal_counts_on_the_regions_birthdays_and_the_day_of_new_ages() -> None:
    lines = set(changes(family(BORN), BOOKS, date(2019, 1, 1), date(2029, 1, 1), every_set_of_ages(BOOKS)))
    days = {(line.day, line.event, line.who) for line in lines}
    assert days == {
        (date(2020, 3, 5), "closes", "guardian"),
        (date(2021, 3, 5), "opens", "own"),
        (date(2026, 1, 1), "opens", "own"),
    }


def test_the_console_and_the_pages_say_the_regions_ages_and_no_others() -> None:
    version = BOOKS.version("kronoberg", date(2021, 1, 1))
    assert version is not None
    said = " ".join(f"{s.sv} {s.en}" for s in ages_of(version)).replace("1177", "")
    assert all(str(age) in said for age in (11, 12, 17))
    assert not _OTHERS_AGE.search(said)
    for family_of_words in ("timer", "task", "outcome"):
        for words in WORDS[family_of_words].values():
            assert not _OTHERS_AGE.search(f"{words.sv} {words.en}".replace("1177", "")), words
    for table in (sentences.ACCESS, sentences.NOTICE, sentences.FORM, sentences.MEASURE):
        for words in table.values():  # type: ignore[attr-defined]
            assert not _OTHERS_AGE.search(f"{words.sv} {words.en}".replace("1177", "")), words


def test_an_age_that_a_region_leaves_out_is_the_national_one() -> None:
    national = NATIONAL.read_text("utf-8").replace("own_record_from: 16", "own_record_from: 17")
    silent = FJALLVIK.replace(
        "    ages: {guardian_until: 11, own_account_from: 12, own_record_from: 17, of_age: 19}\n", ""
    ).replace("    ages: {own_record_from: 14}\n", "")
    books = Rulebooks.of(silent, national)
    version = books.version("kronoberg", date(2021, 1, 1))
    assert version is not None
    assert version.ages.own_record_from == 17


@pytest.mark.parametrize(
    ("who", "at", "service", "code"),
    [
        (GUN, "2020-02-01T12:00", Service.JOURNAL, "guardian_of_child"),
        (GUN, "2022-01-01T12:00", Service.JOURNAL, "guardian_of_older_child"),
        (CHILD, "2020-06-01T12:00", Service.E_SERVICES, "too_young_for_login"),
        (CHILD, "2022-01-01T12:00", Service.JOURNAL, "too_young_for_record"),
    ],
)
def test_a_reason_names_no_age_that_is_not_the_regions(
    who: PersonId, at: str, service: Service, code: str
) -> None:
    """The names of old stay where their ages hold, and mean the same."""
    question = AccessQuestion(who, service, local(at))
    assert [str(one) for one in decide(question, family(BORN), BOOKS).codes] == [code]
    of_13_and_16 = Rulebooks.of(NATIONAL.read_text("utf-8"))
    old = {one.without_age: one for one in AccessReason if one.without_age is not one}[AccessReason(code)]
    moved = replace(
        question, at=local("2023-01-01T12:00") if "older" in code or "record" in code else local(at)
    )
    assert decide(moved, family(BORN), of_13_and_16).codes == (old,)


def test_a_rulebook_cites_a_reason_by_either_name() -> None:
    for name in ("too_young_for_record", "age_13_to_15"):
        cited = FJALLVIK.replace("reasons: {own_record: [FV-01]}", f"reasons: {{{name}: [FV-01]}}", 1)
        books = Rulebooks.of(cited, NATIONAL.read_text("utf-8"))
        (reason,) = decide(
            AccessQuestion(CHILD, Service.JOURNAL, local("2022-01-01T12:00")), family(BORN), books
        ).reasons
        assert (reason.code, reason.rules) == (AccessReason.TOO_YOUNG_FOR_RECORD, ("FV-01",))
