"""A request as a case: what is to be done next, until when, and what may be written down."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from sigill.judgement.request_cases import (
    CaseFault,
    CaseState,
    CaseStepKind,
    RequestCase,
    objection,
    standing_of,
)
from sigill.policy.cases import CaseEntry, CaseEntryKind, Reply
from sigill.policy.facts import Inform, ReleaseRequest, RequestEnd, Silence, UnitAnswer
from sigill.rulebook_docs.files import load
from sigill_contracts.vocabulary import (
    Initiative,
    MeasureKind,
    Opinion,
    OrderId,
    PersonId,
    RegionCode,
)
from tests.kit.values import BARN, CHILD, GUN, HUD, after, family, local, measure

BOOKS, _ = load()
K, S = CaseEntryKind, CaseStepKind
VGR = RegionCode("vastra-gotaland")
OPENED = local("2026-06-01 10:00")
SEALS = [
    measure(MeasureKind.CHILD_SEAL, "2026-04-02 09:00", region=VGR, unit=BARN, reported_to_authority=True),
    measure(MeasureKind.CHILD_SEAL, "2026-04-05 09:00", region=VGR, unit=HUD),
]


def case(*entries: CaseEntry, **more: Any) -> RequestCase:
    request = ReleaseRequest(
        OrderId("r"),
        CHILD,
        VGR,
        Initiative.GUARDIAN,
        tuple(m.measure_id for m in SEALS),
        (BARN, HUD),
        asked_by=(GUN,),
        opened_at=OPENED,
        replied=True,
    )
    changed = {name: more.pop(name) for name in ("closed", "answers", "inform", "replied") if name in more}
    facts = more.pop("facts", None) or after(family("2014-03-03", "vastra-gotaland"), *SEALS)
    version = BOOKS.default_version(VGR, date(2026, 6, 1))
    return RequestCase(replace(request, **changed), facts, version, entries, **more)


def entry(entry_id: int, kind: CaseEntryKind, day: str, **more: Any) -> CaseEntry:
    at = more.pop("at", None) or local(f"{day} 12:00")
    return CaseEntry(entry_id, kind, date.fromisoformat(day), "anna", at, **more)


def asked(day: str = "2026-06-02") -> CaseEntry:
    return entry(1, K.AUTHORITY_ASKED, day, code="social_services", name="Kontoret")


def said(code: str, day: str = "2026-06-05", about: int = 1) -> CaseEntry:
    return entry(2, K.AUTHORITY_ANSWERED, day, code=code, about=about, reference="2026-17")


def steps(of: RequestCase, at: datetime) -> list[tuple[CaseStepKind, object]]:
    return [(one.kind, one.due.isoformat()) for one in standing_of(of, at).steps]


def test_what_is_done_here_comes_before_what_others_are_waited_for() -> None:
    first = standing_of(case(), OPENED)
    assert first.state is CaseState.JUDGED
    assert steps(case(), OPENED) == [
        (S.ASK_AUTHORITY, "2026-06-08"),
        (S.AWAIT_UNIT, "2026-06-08"),
        (S.AWAIT_UNIT, "2026-06-08"),
    ]
    assert first.steps[0].rules == ("VGB-13",)
    # the last day is on time; the day after is not
    assert not any(one.late for one in standing_of(case(), local("2026-06-08 23:59")).steps)
    late = standing_of(case(asked()), local("2026-06-09 00:00"))
    assert [(one.kind, one.unit) for one in late.steps] == [
        (S.REMIND_UNIT, BARN),
        (S.REMIND_UNIT, HUD),
        (S.AWAIT_AUTHORITY, None),
    ]


def test_an_authority_that_does_not_answer_in_time_is_reminded() -> None:
    assert (S.AWAIT_AUTHORITY, "2026-06-16") in steps(case(asked()), local("2026-06-16 12:00"))
    assert (S.CHASE_AUTHORITY, "2026-06-16") in steps(case(asked()), local("2026-06-17 12:00"))


def test_an_authority_that_wants_the_protection_to_stay_is_told_the_units() -> None:
    stays = case(asked(), said("protection_stays"))
    assert steps(stays, local("2026-06-05 13:00"))[0] == (S.TELL_UNITS, "2026-06-05")
    assert stays.protection_stays
    agreed = UnitAnswer(BARN, Opinion.AGREE, OrderId("o"), OPENED)
    nothing = case(asked(), said("nothing_stays"), answers=(agreed,))
    assert steps(nothing, local("2026-06-05 13:00")) == [(S.AWAIT_UNIT, "2026-06-08")]


def test_nobody_is_asked_where_nothing_was_reported_or_the_region_has_no_such_rule() -> None:
    unreported = after(
        family("2014-03-03", "vastra-gotaland"),
        *(replace(m, reported_to_authority=False) for m in SEALS),
    )
    assert S.ASK_AUTHORITY not in dict(steps(case(facts=unreported), OPENED))
    elsewhere = replace(case(), version=BOOKS.default_version(RegionCode("kronoberg"), date(2026, 6, 1)))
    assert S.ASK_AUTHORITY not in dict(steps(elsewhere, OPENED))


def test_a_withdrawn_entry_counts_no_more_and_neither_does_its_answer() -> None:
    gone = entry(3, K.WITHDRAWN, "2026-06-06", about=1, remark="wrong child")
    assert S.ASK_AUTHORITY in dict(steps(case(asked(), said("protection_stays"), gone), OPENED))
    assert not case(asked(), said("protection_stays"), gone).protection_stays


ENDED = local("2026-07-01 10:00")


def test_who_was_given_the_standard_reply_needs_no_other_after_a_keep() -> None:
    kept = case(closed=RequestEnd.KEEP, ended_at=ENDED)
    assert standing_of(kept, ENDED).state is CaseState.TO_CLOSE
    without_text = replace(kept, unanswered=frozenset((GUN,)))
    assert steps(without_text, ENDED) == [(S.REPLY, "2026-07-01")]
    answered = replace(
        without_text, entries=(entry(1, K.REPLIED, "2026-06-02", code="own_words", asker=GUN),)
    )
    assert standing_of(answered, ENDED).state is CaseState.TO_CLOSE


def test_what_was_said_before_a_release_is_said_anew() -> None:
    early = entry(1, K.REPLIED, "2026-06-02", code="standard_reply", asker=GUN)
    opened = case(early, closed=RequestEnd.AGREE, ended_at=ENDED)
    assert standing_of(opened, ENDED).state is CaseState.DECIDED
    assert steps(opened, ENDED) == [(S.REPLY, "2026-07-01")]
    later = entry(2, K.REPLIED, "2026-07-01", code="notice", asker=GUN)
    done = replace(opened, entries=(early, later))
    assert steps(done, ENDED) == [(S.CLOSE, "2026-07-01")]
    closed = replace(done, entries=(early, later, entry(3, K.CLOSED, "2026-07-02")))
    assert standing_of(closed, ENDED) == replace(standing_of(closed, ENDED), steps=())
    assert standing_of(closed, ENDED).state is CaseState.CLOSED
    again = entry(4, K.WITHDRAWN, "2026-07-03", about=3, remark="a letter came back")
    assert standing_of(replace(closed, entries=(*closed.entries, again)), ENDED).state is CaseState.TO_CLOSE


@pytest.mark.parametrize("by", ["the request", "an order"])
def test_whom_an_order_keeps_from_knowing_is_not_referred_to_a_notice(by: str) -> None:
    ended: dict[str, Any] = {"closed": RequestEnd.AGREE, "ended_at": ENDED}
    assert Reply.NOTICE in case(**ended).choices(GUN)
    if by == "the request":
        hushed = case(**ended, inform=Inform(guardians=False))
    else:
        quiet = [replace(m, silences=frozenset((Silence("guardians", BARN),))) for m in SEALS]
        hushed = case(**ended, facts=after(family("2014-03-03", "vastra-gotaland"), *quiet))
    assert hushed.is_silent(GUN)
    assert hushed.choices(GUN) == (Reply.STANDARD_REPLY, Reply.OWN_WORDS, Reply.NOTHING)


NOW = local("2026-06-10 12:00")


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        (asked(), None),
        (asked("2026-06-11"), CaseFault.DAY),
        (replace(asked(), name=None), CaseFault.NAME),
        (replace(asked(), code="the_neighbour"), CaseFault.CODE),
        (replace(asked(), code=None), CaseFault.CODE),
        (said("nothing_stays"), CaseFault.NOT_OPEN),
        (entry(9, K.REPLIED, "2026-06-10", code="standard_reply", asker=GUN), None),
        (entry(9, K.REPLIED, "2026-06-10", code="notice", asker=GUN), CaseFault.CODE),
        (entry(9, K.REPLIED, "2026-06-10", code="own_words", asker=PersonId("bo")), CaseFault.NOT_AN_ASKER),
        (entry(9, K.CLOSED, "2026-06-10"), CaseFault.STEPS_LEFT),
        (entry(9, K.WITHDRAWN, "2026-06-10", about=7, remark="r"), CaseFault.NOT_OPEN),
        (replace(asked(), about=7), CaseFault.NOT_OPEN),
        (replace(asked(), asker=GUN), CaseFault.NOT_AN_ASKER),
    ],
)
def test_what_cannot_be_written_down_says_why(written: CaseEntry, fault: CaseFault | None) -> None:
    assert objection(case(), written, NOW) is fault


def test_an_answer_names_the_authoritys_number_and_comes_once_and_not_before_its_question() -> None:
    waits = case(asked())
    assert objection(waits, said("nothing_stays"), NOW) is None
    assert objection(waits, replace(said("nothing_stays"), reference=None), NOW) is CaseFault.REFERENCE
    assert objection(waits, said("nothing_stays", "2026-06-01"), NOW) is CaseFault.DAY
    assert objection(case(asked(), said("cannot_say")), said("nothing_stays"), NOW) is CaseFault.NOT_OPEN


def test_a_closed_case_takes_nothing_but_being_opened_again_for_a_reason() -> None:
    closed = case(entry(3, K.CLOSED, "2026-06-09"), closed=RequestEnd.KEEP, ended_at=OPENED)
    assert objection(closed, asked(), NOW) is CaseFault.IS_CLOSED
    assert objection(closed, replace(asked("2026-06-09"), about=3), NOW) is CaseFault.IS_CLOSED
    opens = entry(4, K.WITHDRAWN, "2026-06-10", about=3, remark="more came")
    assert objection(closed, opens, NOW) is None
    assert objection(closed, replace(opens, remark=None), NOW) is CaseFault.REASON


def test_a_letter_that_came_back_has_answered_nobody() -> None:
    letters = BOOKS.default_version(VGR, date(2026, 6, 1)).letters
    sent = entry(1, K.LETTER_SENT, "2026-06-02", code="standard-reply", asker=GUN)
    back = entry(2, K.LETTER_RECEIVED, "2026-06-08", code="came_back", about=1)
    again = entry(3, K.LETTER_SENT, "2026-06-08", code="standard-reply", asker=GUN)
    at = local("2026-06-09 12:00")

    def replies_wanted(*entries: CaseEntry) -> int:
        found = standing_of(case(*entries, letters=letters), at)
        return [one.kind for one in found.steps].count(CaseStepKind.REPLY)

    assert [replies_wanted(sent), replies_wanted(sent, back), replies_wanted(sent, back, again)] == [0, 1, 0]
