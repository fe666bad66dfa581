"""What the demo prints of one order: who was told, who was not, and what held before a form had come."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from sigill.cli.demo import _Running, _show_ways_on
from sigill.policy.lexicon import SUPPRESSION
from sigill.policy.wording import label
from sigill.scenario.demo import Happened, Notice
from sigill.scenario.play import SeenReceipt
from sigill_contracts.vocabulary import Suppression, Template

IMPOSED = label(Template.MEASURE_IMPOSED)
CALL = Happened(
    at=datetime(2026, 3, 2, 7, 21, tzinfo=UTC),
    form="block_guardians",
    patient="Tuva",
    what="by phone",
    told=SeenReceipt(
        "pending", ("awaiting_signed_form",), why="awaiting_signed_form: it holds.", why_sv="Den gäller."
    ),
    milliseconds=200.0,
    notices=(
        Notice("nobody", IMPOSED, SUPPRESSION[Suppression.NOT_TOLD_BY_DEFAULT]),
        Notice("Gun", IMPOSED, None),
    ),
    held="Hans no longer reads Tuva's record, from the call on",
)


def printed(happened: Happened) -> str:
    out = Console(width=80, highlight=False, record=True, quiet=False, force_terminal=False)
    running = _Running(out)
    out.export_text()  # what stands before the first order
    running.add(happened)
    return out.export_text()


def test_a_line_fits_into_80_columns_and_breaks_no_word() -> None:
    lines = printed(CALL).splitlines()
    assert max(map(len, lines)) <= 80
    words = {word for line in lines for word in line.split()}
    assert {"block_guardians", "awaiting_signed_form:", "vårdnadshavares"} <= words


def test_a_line_has_swedish_beside_codes_and_says_who_was_told_and_who_was_not() -> None:
    text = " ".join(printed(CALL).split())
    assert "08:21 pending block_guardians Tuva (by phone)" in text
    assert "väntar" in text
    assert "Den gäller." in text
    assert "Hans no longer reads Tuva's record, from the call on" in text
    assert f"told: Gun ({IMPOSED.en.rstrip('.')})" in text
    assert f"nobody told: {IMPOSED.en.rstrip('.')}; {SUPPRESSION[Suppression.NOT_TOLD_BY_DEFAULT].en}" in text


def test_what_nobody_can_read_has_no_form() -> None:
    text = printed(Happened(CALL.at, "?", "?", "unreadable bytes", SeenReceipt("dead_letter"), 1.0))
    assert text.split() == ["08:21", "dead_letter", "unreadable", "bytes"]


@pytest.mark.parametrize(("on_path", "said"), [(True, "sigill dev up"), (False, ".venv/bin/sigill dev up")])
def test_the_last_lines_name_commands_as_the_reader_s_shell_finds_them(
    on_path: bool, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / ".venv" / "bin" / "sigill"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    (tmp_path / "tests" / "scenarios").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [".venv/bin/sigill", "demo"])
    monkeypatch.setenv("PATH", str(program.parent) if on_path else "/nowhere")
    out = Console(width=80, highlight=False, record=True, force_terminal=False)
    _show_ways_on(out)
    lines = [line.strip() for line in out.export_text().splitlines()]
    assert said in lines, "a command stands alone on its line"
    assert max(map(len, lines)) <= 80
    assert not any("docker" in line.lower() and "compose" in line for line in lines), "it needs secrets first"
