"""The commands that README and docs show: each is one that Sigill has, and those of the README work as written."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from sigill.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [
    path
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        *(ROOT / "docs").rglob("*.md"),
    )
    if "examples" not in path.parts
]
BLOCK = re.compile(r"^```(?:sh|console|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(text: str) -> Iterator[str]:
    """The lines of a page's shell blocks; output, which a block with prompts has, is left out."""
    for block in BLOCK.findall(text):
        prompts = "\n$ " in f"\n{block}"
        for line in block.replace("\\\n", " ").splitlines():
            if not prompts:
                yield line.strip()
            elif line.startswith("$ "):
                yield line[2:].strip()


def sigill_commands(path: Path) -> Iterator[list[str]]:
    """The words after `sigill` of each command; a pipe, a redirection or a comment ends them."""
    for line in commands(path.read_text("utf-8")):
        words = shlex.split(line, comments=True)
        for place, word in enumerate(words):
            first = all("=" in w for w in words[:place]) or words[place - 1] in ("|", "&&", ";")
            if first and (word == "sigill" or word.endswith("/sigill")):
                after = words[place + 1 :]
                stops = [
                    i
                    for i, w in enumerate(after)
                    if w in ("|", "||", "&&", ";", "&") or w.startswith((">", "2>", "<"))
                ]
                yield after[: stops[0]] if stops else after


SHOWN = [
    pytest.param(words, id=f"{path.name}: {' '.join(words)[:60]}")
    for path in PAGES
    for words in sigill_commands(path)
]


def unparsed(command: Any, words: list[str], name: str = "sigill") -> Any:
    """Read the words as the program would, without running anything. Raises what the program would print."""
    if hasattr(command, "list_commands"):
        context = command.make_context(name, list(words), resilient_parsing=True)
        if not words and command.invoke_without_command:
            return context
        first, *rest = words
        found = command.get_command(context, first)
        assert found is not None, f"no command {first!r}"
        return unparsed(found, rest, f"{name} {first}")
    return command.make_context(name, list(words))


@pytest.mark.parametrize("words", SHOWN)
def test_every_command_shown_is_one_that_sigill_has(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for word in words:  # the reader's own files
        if word.endswith("/"):
            (tmp_path / word).mkdir(parents=True, exist_ok=True)
        elif re.search(r"\.[a-z]+$", word):
            (tmp_path / word).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / word).touch()
    if "--help" in words or words == []:
        return
    unparsed(typer.main.get_command(app), [w.replace("…", "0") for w in words])


def test_the_pages_show_commands() -> None:
    assert len(SHOWN) > 30


INLINE = [
    pytest.param(found.split(), id=f"{path.name}: {found[:60]}")
    for path in PAGES
    for found in re.findall(r"`sigill((?: [a-z][^`]*)?)`", path.read_text("utf-8"))
]


@pytest.mark.parametrize("words", INLINE)
def test_every_command_named_in_a_sentence_is_one_that_sigill_has(words: list[str]) -> None:
    """Its name and its options; a sentence may leave out what it takes."""
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "list_commands"):
        first, *words = words
        for one in first.split("|"):
            found = command.get_command(command.make_context("sigill", [], resilient_parsing=True), one)
            assert found is not None, f"no command {one!r}"
        command = found
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def test_every_target_that_a_page_names_is_one_that_make_has() -> None:
    has = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        (path.name, target)
        for path in PAGES
        for text in [path.read_text("utf-8")]
        for target in [
            *re.findall(r"`make ([a-z-]+)[^`]*`", text),
            *(line.split()[1] for line in commands(text) if re.match(r"make [a-z]", line)),
        ]
    }
    assert len(named) > 10
    assert {(page, target) for page, target in named if target not in has} == set()


def test_the_readme_s_way_from_a_form_to_a_checked_order_works_as_written(tmp_path: Path) -> None:
    (tmp_path / "contracts").symlink_to(ROOT / "contracts")
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    lines = [
        line
        for line in commands((ROOT / "README.md").read_text("utf-8"))
        if line.startswith(("sigill dev ca", "sigill order", "sigill rulebook"))
    ]
    assert [line.split()[1] for line in lines] == ["rulebook", "dev", "order", "order"]
    for line in lines:
        done = subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
    assert (tmp_path / "order.jws").exists()


def test_what_the_readme_s_commands_write_is_no_part_of_the_project() -> None:
    assert shutil.which("git")
    for path in ("ca/root.key", "order.jws"):
        done = subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False)
        assert done.returncode == 0, path


def test_a_throw_away_certificate_is_made_for_an_hsa_id_only(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sigill.cli", "dev", "ca", str(tmp_path / "ca"), "--staff", "bad"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "--staff: 'bad' is no HSA-id, such as SE2321000065-T101\n"
    assert not (tmp_path / "ca").exists()
