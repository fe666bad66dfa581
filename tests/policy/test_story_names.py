"""A name that nothing in a story introduces is told with file, line and the nearest known one, and stops no other story."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sigill.cli.scenario import app
from sigill.scenario.format import DirectoryStep, UnreadableScenario, declared_by, read_file, read_stories
from tests.policy.test_properties import books

STORY = """\
scenario: A story
id: {id}
cites: [KR-01]
region: kronoberg
start: 2026-02-06T10:00
units: {{barnklinik: {{closed: 2026-03-01, succeeded_by: {heir}}}, bup: kronoberg}}
people:
  vera: {{born: 2016-03-03, guardians: [gun]}}
  gun: {{born: 1984-02-02}}
staff:
  mo: {{unit: bup, roles: [treating_physician]}}
steps:
  - order: {{id: s1, form: seal_journal, patient: {patient}, decided_by: mo}}
  - expect_notifications: [{{to: {told}}}]
"""
GOOD = {"id": "A", "heir": "bup", "patient": "vera", "told": "operators"}


@pytest.mark.parametrize(
    ("wrong", "line", "said"),
    [
        ({"heir": "bub"}, 6, "the story has no unit 'bub'; the nearest name is bup"),
        ({"patient": "wera"}, 13, "the story has no person 'wera'; the nearest name is vera"),
        ({"told": "gunn"}, 14, "the story has no person or unit 'gunn'; the nearest name is gun"),
    ],
)
def test_it_is_told_where_and_what_may_be_meant(
    tmp_path: Path, wrong: dict[str, str], line: int, said: str
) -> None:
    file = tmp_path / "stories.yaml"
    file.write_text(STORY.format(**GOOD | wrong) + "---\n" + STORY.format(**GOOD | {"id": "B"}), "utf-8")
    first, second = read_stories(file)
    assert len(first.unknown) == 1
    assert first.unknown[0].startswith(f"{file}:{line}: ")
    assert first.unknown[0].endswith(said)
    assert second.unknown == ()
    with pytest.raises(UnreadableScenario, match="the nearest name is"):
        read_file(file)
    checked = CliRunner().invoke(app, ["check", str(file)])
    assert checked.exit_code == 1
    assert "1 scenarios can be read" in checked.stdout


def test_only_such_stories_have_failed_and_nothing_is_started(tmp_path: Path) -> None:
    file = tmp_path / "stories.yaml"
    file.write_text(STORY.format(**GOOD | {"patient": "wera"}), "utf-8")
    ran = CliRunner().invoke(app, ["run", str(file)])
    assert ran.exit_code == 1
    assert "FAILED  A" in ran.stdout
    assert ran.stdout.endswith("0 passed, 1 failed\n")


def test_a_unit_may_be_named_where_a_notification_goes(tmp_path: Path) -> None:
    file = tmp_path / "stories.yaml"
    file.write_text(STORY.format(**GOOD | {"told": "barnklinik"}), "utf-8")
    (story,) = read_file(file)
    assert story.unit_specs["barnklinik"].clinic_of("barnklinik") == "paediatric"
    assert story.unit_specs["bup"].clinic_of("bup") is None
    assert story.unit_regions == {"barnklinik": "kronoberg", "bup": "kronoberg"}


@pytest.mark.parametrize(
    "step",
    [{"unit": "a", "roles": ["physician"]}, {"staff": "a", "clinic": "paediatric"}, {"closed": "2026-01-01"}],
)
def test_a_directory_step_is_about_one_staff_member_or_one_unit(step: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a step about a"):
        DirectoryStep.model_validate(step)


def test_a_region_that_no_rulebook_names_is_told_before_anything_starts(tmp_path: Path) -> None:
    file = tmp_path / "stories.yaml"
    file.write_text(STORY.format(**GOOD).replace("region: kronoberg", "region: kronobreg"), "utf-8")
    ran = CliRunner().invoke(app, ["run", str(file)])
    assert ran.exit_code == 1
    assert f"{file}:4: region: there is no region 'kronobreg'; the nearest name is kronoberg" in ran.output
    file.write_text(STORY.format(**GOOD).replace("bup: kronoberg", "bup: kronobrg"), "utf-8")
    assert (
        f"{file}:6: units.bup: there is no region 'kronobrg'"
        in CliRunner().invoke(app, ["check", str(file)]).output
    )


def _attesting(word: str) -> str:
    order = f"  - order: {{id: s1, form: release_login_lock, patient: vera, decided_by: mo, attestations: [{word}]}}"
    lines = STORY.format(**GOOD).splitlines()
    return "\n".join(order if "seal_journal" in line else line for line in lines) + "\n"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("guardian_acess_judged", "there is no attestation 'guardian_acess_judged'"),
        ("nationwide:guardian_judged", "there is no attestation 'nationwide:guardian_judged'"),
        ("guardian_access_judged", None),  # the national base's own, by its word alone
        ("nationwide:guardian_access_judged", None),
        ("own_will", None),
    ],
)
def test_an_attestation_that_no_rulebook_declares_is_told(
    tmp_path: Path, word: str, said: str | None
) -> None:
    file = tmp_path / "stories.yaml"
    file.write_text(_attesting(word), "utf-8")
    (read,) = read_stories(file, declared_by(books()))
    if said is None:
        assert read.unknown == ()
    else:
        (line,) = read.unknown
        assert line.startswith(f"{file}:13: ")
        assert said in line
        assert "guardian_access_judged" in line.split("the nearest name is")[1]


@pytest.mark.parametrize(
    ("right", "wrong", "place", "said"),
    [
        ("guardians: [gun]", "gardians: [gun]", "8:28", "there is no `gardians` here; nearest: guardians;"),
        (
            "form: seal_journal",
            "form: seal_jurnal",
            "13:21",
            "`seal_jurnal` is not known here; nearest: seal",
        ),
        ("decided_by: mo", "attestations: [Own_will]", "13:71", "`Own_will` is not known here; nearest: own"),
        (
            "roles: [treating_physician]",
            "roles: [doctor]",
            "11:27",
            "`doctor` is not known here; allowed: head",
        ),
        ("- expect_notifications", "- expect_notification", "14:5", "nearest: expect_notifications;"),
    ],
)
def test_a_mistake_in_a_story_is_one_line_with_its_place_and_what_is_allowed(
    tmp_path: Path, right: str, wrong: str, place: str, said: str
) -> None:
    file = tmp_path / "stories.yaml"
    file.write_text(STORY.format(**GOOD).replace(right, wrong, 1), "utf-8")
    with pytest.raises(UnreadableScenario) as refused:
        read_stories(file)
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{file}:{place}: ")
    assert said in line
