"""What a notice says, by which way it goes, what it is about, and why one is held back (X-21 to X-28)."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from sigill.cli.common import RULEBOOKS
from sigill.judgement.transitions import DueTimer, on_timer
from sigill.policy.effects import AddTask, Effect, Judgement, Note, Notify, TimerKind
from sigill.policy.facts import Silence
from sigill.policy.rulebook import Rulebooks
from sigill.scenario.cast import Numbers
from sigill.scenario.format import Scenario
from sigill.scenario.play import ScenarioRunner, SeenReceipt
from sigill.scenario.pure import PureStage
from sigill.store.rows import silences
from sigill_contracts.vocabulary import PersonId, Suppression, Template

TEXTS = [path.read_text("utf-8") for path in sorted(RULEBOOKS.glob("*.yaml"))]
BOOKS = Rulebooks.of(*TEXTS)


@dataclass
class Recorder(PureStage):
    """The pure stage, with everything that it was told to do."""

    effects: list[Effect] = field(default_factory=list)
    notes: list[Note | None] = field(default_factory=list)

    def _enact(self, patient: PersonId, effects: Iterable[Effect], cause: str) -> None:
        effects = tuple(effects)
        self.effects.extend(effects)
        super()._enact(patient, effects, cause)

    def _as_told(self, j: Judgement) -> SeenReceipt:
        self.notes.append(j.note)
        return super()._as_told(j)


@dataclass
class Played:
    """A story that was played, as its notices show it."""

    play: ScenarioRunner
    stage: Recorder

    def tells(self, to: str, template: Template) -> list[Notify]:
        ref = self.play.cast.people[to].ref
        who = next(p for i, p in self.stage.identities.items() if i.number == ref.id)
        return [
            e for e in self.stage.effects if isinstance(e, Notify) and e.to == who and e.template is template
        ]

    def tell(self, to: str, template: Template) -> Notify:
        [one] = self.tells(to, template)
        return one

    def tasks(self, kind: str) -> list[AddTask]:
        return [e for e in self.stage.effects if isinstance(e, AddTask) and e.kind == kind]


HEAD = """
scenario: A story
id: T-1
cites: [X-21]
units: [barn, bup]
staff:
  lind: {unit: barn, roles: [treating_physician, senior_physician, on_call_physician]}
  ek: {unit: barn, roles: [head_of_unit]}
  mo: {unit: bup, roles: [treating_physician]}
"""


def play(text: str, books: Rulebooks = BOOKS) -> Played:
    story: dict[str, Any] = {**yaml.safe_load(HEAD), **yaml.safe_load(text)}
    stage = Recorder(books)
    played = ScenarioRunner(Scenario.model_validate(story), stage, books, Numbers(), "sigill/test")
    asyncio.run(played.run())
    return Played(played, stage)


GRANT = """
region: {region}
start: 2025-03-10T09:00
people:
  vera: {{born: 2011-06-01, guardians: [gun]}}
  gun: {{born: 1980-01-01}}
steps:
  - order: {{id: g1, form: grant_guardian_access, patient: vera, initiative: guardian, decided_by: lind,
             guardians: [gun], units: [barn]{more}}}
  - at: 2026-03-10T09:00
"""


def test_renewal_is_spoken_of_in_the_region_that_has_it() -> None:
    told = play(GRANT.format(region="jamtland-harjedalen", more="")).tell("gun", Template.GRANT_EXPIRING)
    assert told.text.sv == (
        "Från och med 2026-03-10 kan du inte längre läsa delar av ditt barns journal (Barn) på 1177. "
        "Åtkomsten behöver förnyas aktivt om den ska fortsätta."
    )
    assert told.parameters is not None
    assert str(told.parameters.day) == "2026-03-10"
    assert told.parameters.to_do is not None
    assert told.parameters.to_do.sv == "Be Central support om förnyelse i god tid."


def test_where_no_renewal_exists_none_is_spoken_of() -> None:
    story = GRANT.format(region="kronoberg", more=", valid_through: 2026-03-09")
    told = play(story.replace("start: 2025-03-10", "start: 2025-05-02")).tell("gun", Template.GRANT_EXPIRING)
    assert "förnyas" not in told.text.sv
    assert told.parameters is not None
    assert told.parameters.to_do is None


def test_unit_and_region_are_named_to_one_who_sees_the_unit_and_not_after_it_has_ended() -> None:
    played = play(GRANT.format(region="jamtland-harjedalen", more=""))
    given, ended = played.tell("gun", Template.GRANT_GIVEN), played.tell("gun", Template.GRANT_EXPIRED)
    assert given.parameters is not None
    assert given.parameters.units == (played.play.cast.units["barn"],)
    assert given.parameters.region == "Region Jämtland Härjedalen"
    assert given.parameters.whose == "child"
    assert str(given.parameters.period_through) == "2026-03-09"
    assert ended.parameters is not None
    assert (ended.parameters.units, ended.parameters.region) == ((), None)


SEALED = """
region: vastra-gotaland
start: 2026-05-04T09:00
people:
  vera: {born: 2016-03-03, guardians: [gun]}
  gun: {born: 1984-02-02}
steps:
  - order: {id: s1, form: seal_child, patient: vera, initiative: care, decided_by: mo, inform: {guardians: false}}
  - order: {id: q1, form: request_release, patient: vera, initiative: guardian, decided_by: mo, guardians: [gun]}
  - order: {id: a1, form: unit_opinion, patient: vera, initiative: care, decided_by: mo, follows_up: q1, opinion: agree}
"""


def test_the_standard_reply_names_nothing_and_the_unit_tells_when_the_request_opens() -> None:
    played = play(SEALED)
    reply = played.tell("gun", Template.STANDARD_REPLY)
    assert reply.suppressed is None
    assert "Spärr- och loggfunktionen" in reply.text.sv
    assert reply.parameters is not None
    assert (reply.parameters.units, reply.parameters.region, reply.parameters.period_from) == ((), None, None)
    released = played.tell("gun", Template.MEASURE_RELEASED)
    assert released.suppressed is Suppression.NOT_TO_BE_INFORMED
    assert released.parameters is None
    asked = [task for task in played.tasks("tell_in_person") if "Vårdnadshavaren" in task.text.sv]
    assert [task.unit for task in asked] == [played.play.cast.units["bup"]]


def test_a_region_without_a_standard_reply_gives_operators_a_task() -> None:
    played = play(
        """
region: jamtland-harjedalen
start: 2026-02-06T22:00
people:
  vera: {born: 2016-03-03, guardians: [gun]}
  gun: {born: 1984-02-02}
steps:
  - order: {id: b1, form: block_guardians, patient: vera, initiative: care, decided_by: lind, urgent: true,
            inform: {guardians: false}}
  - order: {id: q1, form: request_release, patient: vera, initiative: guardian, decided_by: ek, guardians: [gun]}
"""
    )
    assert played.tells("gun", Template.STANDARD_REPLY) == []
    assert len(played.tasks("standard_reply")) == 1


LOCKED = """
region: kronoberg
start: 2026-02-02T09:00
people:
  vera: {{born: {born}}}
steps:
  - order: {{id: l1, form: {form}, patient: vera, initiative: care, decided_by: lind, review_on: 2026-06-01}}
"""


@pytest.mark.parametrize(
    ("born", "form", "channel", "tasks"),
    [
        ("2011-04-04", "lock_login", "in_person", 1),
        ("1980-04-04", "lock_login", "in_person", 1),
        ("1980-04-04", "seal_journal", "1177", 0),
        ("2011-04-04", "seal_journal", "1177", 0),
    ],
)
def test_while_a_login_is_shut_the_unit_tells_in_person(
    born: str, form: str, channel: str, tasks: int
) -> None:
    played = play(LOCKED.format(born=born, form=form))
    told = played.tell("vera", Template.MEASURE_IMPOSED)
    assert (told.channel, told.suppressed) == (channel, None)
    assert len(played.tasks("tell_in_person")) == tasks


def test_a_child_without_a_login_of_its_own_is_told_by_the_unit_alone() -> None:
    played = play(LOCKED.format(born="2016-04-04", form="seal_journal"))
    told = played.tell("vera", Template.MEASURE_IMPOSED)
    assert told.suppressed is Suppression.GUARDIANS_READ_INBOX
    assert [task.unit for task in played.tasks("tell_in_person")] == [played.play.cast.units["barn"]]


def test_a_letter_is_never_sent_to_a_minor() -> None:
    """JH-02's written confirmation, wished for by a seventeen-year-old."""
    story = """
region: jamtland-harjedalen
start: 2026-02-02T09:00
people:
  vera: {born: BORN}
steps:
  - order: {id: s1, form: seal_journal, patient: vera, initiative: resident, channel: paper, decided_by: null,
            inform: {written_confirmation: true}}
"""
    young = play(story.replace("BORN", "2009-01-10")).tell("vera", Template.MEASURE_IMPOSED)
    grown = play(story.replace("BORN", "1999-01-10")).tell("vera", Template.MEASURE_IMPOSED)
    assert (young.channel, young.suppressed) == ("in_person", None)
    assert (grown.channel, grown.suppressed) == ("letter", None)


def test_a_birthday_that_is_looked_at_the_day_after_is_told_nobody() -> None:
    played = play(
        """
region: kronoberg
start: 2026-02-02T09:00
people:
  vera: {born: 2013-03-01, guardians: [gun]}
  gun: {born: 1984-02-02}
steps:
  - at: 2026-02-20T09:00
"""
    )
    stage = played.stage
    [timer] = [t for t in stage.timers if t.kind is TimerKind.AGE_13]
    late = on_timer(
        DueTimer(timer, stage.facts(timer.patient)), BOOKS, now=timer.due_at + timedelta(days=1, hours=1)
    )
    told = [e for e in late.effects if isinstance(e, Notify)]
    assert {e.suppressed for e in told} == {Suppression.DAY_HAS_PASSED}
    in_time = on_timer(
        DueTimer(timer, stage.facts(timer.patient)), BOOKS, now=timer.due_at + timedelta(hours=3)
    )
    assert {e.suppressed for e in in_time.effects if isinstance(e, Notify)} == {None}


def test_a_reminder_is_still_written_late_but_never_after_the_day_it_speaks_of() -> None:
    played = play(
        GRANT.format(region="jamtland-harjedalen", more="").replace("2026-03-10T09", "2025-12-01T09")
    )
    stage = played.stage
    [timer] = [t for t in stage.timers if t.kind is TimerKind.GRANT_EXPIRING]
    facts = stage.facts(timer.patient)

    def told(now: datetime) -> list[Suppression | None]:
        found = on_timer(DueTimer(timer, facts), BOOKS, now=now)
        return [e.suppressed for e in found.effects if isinstance(e, Notify)]

    assert told(timer.due_at + timedelta(days=3)) == [None]
    assert told(datetime(2026, 3, 10, 1, tzinfo=UTC)) == [Suppression.DAY_HAS_PASSED]


# --- a made-up region whose ages are all different

AGES = "ages: {guardian_until: 12, own_account_from: 14, own_record_from: 17, of_age: 18}"


def _other_ages() -> Rulebooks:
    texts = [
        text.replace(
            "ages: {guardian_until: 13, own_account_from: 13, own_record_from: 16, of_age: 18}", AGES
        )
        for text in TEXTS
    ]
    assert any(AGES in text for text in texts)
    return Rulebooks.of(*texts)


def test_each_birthday_is_told_at_the_region_s_own_age_to_whom_it_is_true_of() -> None:
    played = play(
        """
region: jamtland-harjedalen
start: 2026-01-02T09:00
people:
  vera: {born: 2014-03-01, guardians: [gun]}
  gun: {born: 1984-02-02}
steps:
  - at: 2032-03-02T09:00
""",
        _other_ages(),
    )
    guardians = [t for t in played.tells("gun", Template.AGE_13) if t.suppressed is None]
    assert [t.text.sv for t in guardians] == [
        "Ditt barn har fyllt 12. Du når inte längre barnets journal och e-tjänsterna för barnet på 1177."
    ]
    own = [t for t in played.tells("vera", Template.AGE_13) if t.suppressed is None]
    assert [t.text.sv for t in own] == [
        "Du har fyllt 14 och kan logga in i e-tjänsterna på 1177. Din journal visas från den dag du fyller 17."
    ]
    read = [t for t in played.tells("vera", Template.AGE_16) if t.suppressed is None]
    assert [t.text.sv for t in read] == ["Du har fyllt 17 och kan läsa din journal på 1177."]
    assert [t.age for t in played.tells("vera", Template.AGE_18) if t.suppressed is None] == [18]


def test_what_a_child_is_told_does_not_go_to_an_inbox_that_a_guardian_still_reads() -> None:
    """Guardians are proxies until 18 here, though the child has an account from 13."""
    texts = [
        text.replace(
            "ages: {guardian_until: 13, own_account_from: 13, own_record_from: 16, of_age: 18}",
            "ages: {guardian_until: 18, own_account_from: 13, own_record_from: 16, of_age: 18}",
        )
        for text in TEXTS
    ]
    played = play(
        """
region: jamtland-harjedalen
start: 2026-02-06T22:00
people:
  vera: {born: 2011-03-03, guardians: [gun]}
  gun: {born: 1984-02-02}
steps:
  - order: {id: b1, form: block_guardians, patient: vera, initiative: care, decided_by: lind, urgent: true}
  - order: {id: c1, form: continue_measure, patient: vera, initiative: care, decided_by: ek, follows_up: b1,
            decision: keep, valid_through: null}
""",
        Rulebooks.of(*texts),
    )
    assert played.tell("vera", Template.MEASURE_CONTINUED).channel == "in_person"


# --- the note to file


def test_the_note_says_whether_one_or_both_guardians_are_shut_out() -> None:
    played = play(
        """
region: jamtland-harjedalen
start: 2026-02-06T22:00
people:
  vera: {born: 2016-03-03, guardians: [gun, hans]}
  gun: {born: 1984-02-02}
  hans: {born: 1982-03-03}
steps:
  - order: {id: b1, form: block_guardians, patient: vera, initiative: care, decided_by: lind, urgent: true}
  - order: {id: c1, form: continue_measure, patient: vera, initiative: care, decided_by: ek, follows_up: b1,
            decision: keep, guardians: [hans], valid_through: null}
  - order: {id: r1, form: release_guardian_block, patient: vera, initiative: care, decided_by: ek, releases: null}
"""
    )
    assert [(note.keyword, note.choice) for note in played.stage.notes if note] == [
        ("Journal via nätet", "Båda vårdnadshavarnas direktåtkomst förseglad på vårdens initiativ"),
        ("Journal via nätet", "En vårdnadshavares direktåtkomst förseglad på vårdens initiativ"),
        ("Journal via nätet", "Försegling hävd för en vårdnadshavare"),
    ]


def test_a_guardian_of_jamtland_harjedalen_hears_what_can_still_be_done() -> None:
    played = play(
        """
region: jamtland-harjedalen
start: 2026-02-06T22:00
people:
  vera: {born: 2016-03-03, guardians: [gun]}
  gun: {born: 1984-02-02}
steps:
  - order: {id: b1, form: block_guardians, patient: vera, initiative: care, decided_by: lind, urgent: true,
            inform: {guardians: true}}
"""
    )
    told = played.tell("gun", Template.MEASURE_IMPOSED)
    assert "Du kan fortfarande sköta barnets ärenden i e-tjänsterna på 1177." in told.text.sv


# --- what was stored before "do not tell" was kept for itself


def _row(**given: object) -> dict[str, object]:
    return {
        "silences": None,
        "initiative": "care",
        "unit": "SE-U1",
        "inform_guardians": True,
        "inform_patient": True,
        **given,
    }


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        (_row(inform_guardians=False), {Silence("guardians", "SE-U1")}),
        (_row(inform_guardians=False, unit=None), {Silence("guardians", "")}),
        (_row(), set()),
        (_row(inform_guardians=False, inform_patient=False, initiative="register"), set()),
        (_row(inform_guardians=None, silences=["patient:SE-U2"]), {Silence("patient", "SE-U2")}),
        (_row(inform_guardians=False, silences=[]), set()),
    ],
)
def test_an_old_row_s_no_is_a_do_not_tell_of_its_unit(row: dict[str, object], kept: set[Silence]) -> None:
    assert silences(row) == kept  # type: ignore[arg-type]
