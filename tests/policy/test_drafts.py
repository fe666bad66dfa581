"""A draft of a rulebook: what it changes, what it may not, and texts that mean harm."""

from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest

from sigill.operations.decision_service import AccessAnswer
from sigill.operations.presenter import Presenter
from sigill.operations.rulebook_drafts import (
    DraftTrial,
    ImpactCount,
    TrialBusy,
    TrialEnded,
    impact_table,
    rounded,
)
from sigill.policy.access import Decision
from sigill.policy.effects import Impose, Transition
from sigill.policy.rulebook import RuleEntry, Version, parse
from sigill.processing.citations import PolicyContext
from sigill.processing.patient_context import PatientContext
from sigill.processing.unit_of_work import UnitOfWork
from sigill.rulebook_docs.clause_help import CLAUSES, VERSION
from sigill.rulebook_docs.drafts import DraftAnswer, DraftRequest, answered, first_file
from sigill.rulebook_docs.files import NATIONAL as NATIONWIDE
from sigill_contracts.vocabulary import Form, MeasureId, MeasureKind, RegionCode
from tests.kit.testland import NATIONAL, TESTLAND, write_rulebooks
from tests.kit.values import CHILD, family, local, measure

TODAY = date(2025, 3, 10)
NEW = """
  - since: {since}
    extends: 2020-01-01
    documents: [T1]
    entries:
      - id: block
        deciders: [head_of_unit]
"""
LATER = TESTLAND + NEW.format(since="2025-04-01")
STORY = """
scenario: A physician blocks, and from April a head of unit alone may
id: W-1
cites: [TL-02]
region: testland
start: {start}
units: [barn]
people:
  rut: {{born: 2018-07-01, guardians: [sam]}}
  sam: {{born: 1985-01-01}}
staff:
  gran: {{unit: barn, roles: [treating_physician]}}
steps:
  - order: {{id: b1, form: block_guardians, patient: rut, decided_by: gran, guardians: [sam]}}
    expect: {{outcome: executed}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_rulebooks(tmp_path / "books")


def found(folder: Path, text: str, region: str = "testland") -> DraftAnswer:
    return answered(DraftRequest(region=region, text=text, today=TODAY, rulebooks=folder))[0]


def test_a_draft_says_which_versions_of_a_waiting_release_it_would_undo(folder: Path) -> None:
    other = TESTLAND + NEW.format(since="2025-05-01")

    def undone(text: str, ahead: str) -> tuple[date, ...]:
        asked = DraftRequest(region="testland", text=text, today=TODAY, rulebooks=folder, ahead=ahead)
        return answered(asked)[0].undone

    assert undone(other, LATER) == (date(2025, 4, 1),)
    assert undone(LATER.replace("head_of_unit", "senior_physician"), LATER) == (date(2025, 4, 1),)
    assert undone(LATER + NEW.format(since="2025-05-01"), LATER) == ()
    assert undone(other, "region: testland\n") == (), (
        "a release that the folder's rules no longer fit is not loaded"
    )
    (folder / "testland.yaml").write_text(LATER, "utf-8")
    assert undone(other, LATER) == (), "what is in the folder is compared with it, and told as removed"


def test_a_new_version_is_told_in_words_with_the_day_on_which_it_begins(folder: Path) -> None:
    answer = found(folder, LATER)
    assert answer.faults == ()
    assert answer.begins == date(2025, 4, 1)
    (version,) = answer.versions
    assert (version.since, version.against) == (date(2025, 4, 1), date(2020, 1, 1))
    (change,) = version.changes
    assert (change.form, change.kind, change.rules) == ("block_guardians", "changed", ("TL-02",))
    assert change.before is not None
    assert change.after is not None
    assert change.before.sv != change.after.sv


def test_what_is_in_force_changes_nothing(folder: Path) -> None:
    answer = found(folder, TESTLAND)
    assert (answer.faults, answer.begins, answer.versions) == ((), None, ())


@pytest.mark.parametrize(
    ("text", "said", "at"),
    [
        # no day that is over, and not today: orders of this morning were judged by the version before
        (TESTLAND + NEW.format(since="2025-03-09"), "2025-03-09 är inte senare än 2025-03-10", "since: 2025"),
        (TESTLAND + NEW.format(since="2025-03-10"), "2025-03-10 är inte senare än 2025-03-10", "since: 2025"),
        (LATER.replace("within_hours: 24", "within_hours: 48"), "2020-01-01 har börjat gälla och kan inte ändras", "- since: 2020-01-01"),
        (LATER.replace("since: 2020-01-01", "since: 2020-01-02").replace("extends: 2020-01-01", "extends: 2020-01-02"), "2020-01-01 har börjat gälla och kan inte tas bort", "versions:"),
        # what belongs to no version would hold for every day at once
        (LATER.replace('counties: ["99"]', 'counties: ["98"]'), "`counties` hör inte till någon version", "counties"),
        (LATER.replace("sv: Blockering beslutas av personal.", "sv: Blockering beslutas av alla."), "`TL-02` hör till en version som har börjat gälla", "TL-02:"),
        # a floor: what can be imposed must end somehow, and protected identity is refused
        (LATER.replace("deciders: [head_of_unit]", "protected_identity: shown"), "golv", "- id: block"),
        (LATER + "    ages: {guardian_until: 40}\n", "guardian_until", None),
        (LATER.replace("region: testland", "region: elsewhere"), "men filen säger elsewhere", None),
        (LATER.replace("[head_of_unit]", "[head_of_unitt]"), "närmast: head_of_unit", "head_of_unitt"),
        ("region: testland\n\tname: x", "är inte YAML", "\tname"),
        ("just words", "", None),
    ],
)  # fmt: skip
def test_a_draft_that_may_not_be_is_told_at_its_line(
    folder: Path, text: str, said: str, at: str | None
) -> None:
    answer = found(folder, text)
    assert answer.begins is None
    told = [one for one in answer.faults if said in one.sv]
    assert told, [one.sv for one in answer.faults]
    if at is not None:
        assert [one.line for one in told] == [text[: text.rindex(at)].count("\n") + 1]


def test_a_change_of_the_national_base_reaches_no_version_that_has_begun(folder: Path) -> None:
    """Ages that a region leaves out are the national ones, by the day on which its version began."""
    backwards = found(
        folder,
        NATIONAL.replace("    documents: [N1]", "    documents: [N1]\n    ages: {guardian_until: 12}"),
        "national",
    )
    assert {one.sv for one in backwards.faults if "testland" in one.sv}
    later = NATIONAL + "  - since: 2026-01-01\n    documents: [N1]\n    ages: {guardian_until: 12}\n"
    assert found(folder, later, "national").begins == date(2026, 1, 1)


BOMB = "region: testland\na0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
)


async def test_stories_are_played_against_the_draft_in_another_process(folder: Path, tmp_path: Path) -> None:
    stories = tmp_path / "stories"
    stories.mkdir()
    (stories / "one.yaml").write_text(STORY.format(start="2025-03-11T10:00"), "utf-8")
    (stories / "two.yaml").write_text(STORY.format(start="2025-04-02T10:00").replace("W-1", "W-2"), "utf-8")
    (stories / "three.yaml").write_text("region: testland\nscenario: [", "utf-8")
    trial = DraftTrial(folder, stories)
    answer = await trial.tried("testland", LATER, TODAY, play=True)
    by_story = {one.story: one.failure for one in answer.stories}
    assert by_story["W-1"] is None
    assert "expected executed, came refused" in (by_story["W-2"] or "")
    assert (answer.failed, answer.unread) == (1, ("three.yaml",))


async def test_a_text_that_grows_without_end_costs_one_answer(folder: Path) -> None:
    trial = DraftTrial(folder)
    try:
        answer = await trial.tried("testland", BOMB, TODAY)
    except TrialEnded:
        pass
    else:
        assert answer.faults
    assert (await trial.tried("testland", TESTLAND, TODAY)).faults == ()


async def test_one_draft_at_a_time_and_none_for_ever(folder: Path) -> None:
    slow = DraftTrial(folder, seconds=0.01, patience=0.01)
    with pytest.raises(TrialEnded):
        await slow.tried("testland", TESTLAND, TODAY)
    await slow._one.acquire()
    with pytest.raises(TrialBusy):
        await slow.tried("testland", TESTLAND, TODAY)


def test_few_whom_a_draft_would_touch_are_not_counted_out(folder: Path) -> None:
    table = impact_table(
        [ImpactCount("closes", "guardian journal", {2: 3, 11: 40, 14: 50}), ImpactCount("measure", "journal_seal", {40: 1})],
        (13, 16, 18),
        5,
    )  # fmt: skip
    assert table["closes guardian journal"].shown("closes guardian journal", "0–12") == 43
    assert table["measure journal_seal"].shown("measure journal_seal", "18–") is None
    assert table["measure journal_seal"].shown("measure journal_seal", "") is None


def test_one_person_more_by_another_draft_shows_in_no_count() -> None:
    assert [rounded(n, 5) for n in (0, 5, 6, 7, 8, 43, 44)] == [0, 5, 5, 5, 10, 45, 45]
    assert {rounded(n, 10) % 10 for n in range(500)} == {0}
    assert min(rounded(n, 7) for n in range(7, 500)) == 7


def test_every_clause_has_a_help() -> None:
    assert set(CLAUSES) == set(RuleEntry.model_fields)
    assert set(VERSION) == set(Version.model_fields)


@pytest.mark.parametrize(
    ("added", "says"),
    [
        ("a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)), "its aliases followed"),
        ("z: " + "[" * 20_000 + "]" * 20_000 + "\n", "nesting"),
        ("z: " + "9" * 5_000 + "\n", "not YAML"),
        ("z: !!python/object/apply:os.system [id]\n", "not YAML"),
        ("z: !include /etc/passwd\n", "not YAML"),
        ("z: &z [*z]\n", ""),
        ("z: 1e999999\ny: .nan\nx: 190:20:30:15\nw: 0000-00-00\n", ""),
    ],
)  # fmt: skip
def test_a_draft_that_means_harm_is_named_as_a_fault(folder: Path, added: str, says: str) -> None:
    """By a rule owner who wants the process, or what it runs on, to fall over."""
    asked = DraftRequest(region="testland", text=TESTLAND + added, today=TODAY, rulebooks=folder)
    answer, _ = answered(asked)
    assert answer.faults
    assert any(says in fault.en for fault in answer.faults)


def test_a_regions_first_file_begins_with_the_base_and_is_judged_by_from_its_first_day() -> None:
    """Until then the base judges its orders: a file that is loaded ahead of its day refused every one of them."""
    base = parse(NATIONWIDE.read_text("utf-8"))
    text = first_file("uppsala", base, date(2025, 4, 1))
    asked = DraftRequest(region="uppsala", text=text, today=TODAY)
    assert ["COUNTY'S" in one.en for one in answered(asked)[0].faults] == [True]
    text = text.replace("COUNTY'S TWO DIGITS", "03")
    answer, books = answered(asked.model_copy(update={"text": text}))
    assert (answer.faults, answer.begins) == ((), date(2025, 4, 1))
    assert books is not None
    before, own = books.book_of("uppsala", date(2025, 3, 31)), books.book_of("uppsala", date(2025, 4, 1))
    assert before is not None
    assert own is not None
    assert (before.region, own.region) == ("nationwide", "uppsala")
    assert own.organisations == (base.other_organisations["uppsala"],)
    version = books.version("uppsala", date(2025, 3, 31))
    assert version is not None
    assert version.offers(Form.SEAL_JOURNAL)


def test_before_a_regions_first_version_what_happens_is_recorded_under_the_books_that_judged() -> None:
    """The audit chain and the API named the region's own file, which nothing had been judged by yet."""
    base = parse(NATIONWIDE.read_text("utf-8"))
    text = first_file("uppsala", base, date(2025, 4, 1)).replace("COUNTY'S TWO DIGITS", "03")
    books = answered(DraftRequest(region="uppsala", text=text, today=TODAY))[1]
    assert books is not None
    desk, region = PolicyContext.of(books, "sigill/test"), RegionCode("uppsala")
    one = MeasureId(str(uuid4()))
    seal = measure(MeasureKind.JOURNAL_SEAL, "2025-03-20T10:00", region=region, measure_id=one)
    facts = family("2016-06-01")
    for day, named in (("2025-03-31", "nationwide"), ("2025-04-01", "uppsala")):
        at = local(f"{day}T12:00")
        work = UnitOfWork(desk, at, "audit", {CHILD: PatientContext(facts)})
        work.follow(CHILD, Transition(at, (Impose(seal),)), cause="test")
        digest = books.regions[RegionCode(named)].digest
        assert [entry.body["rulebook_digest"] for entry in work.plan.audit] == [digest], day
        answer = AccessAnswer(Decision(False, (), region, "1900-01-01"), None, at, at)
        assert Presenter(desk).decision(answer, explain=False).rulebook_digest == digest, day
